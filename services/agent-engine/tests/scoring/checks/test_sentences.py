import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tahoe_engine.scoring.sentences import LONGEST_SENTENCE, split_sentences

TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from(list(" .!?\n…。\"')")),
        st.sampled_from(["e", "\u0301", "👩", "\u200d", "🏽", "ก", "字"]),
        st.characters(),
    ),
    max_size=1200,
)


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello there. How are you?", ["Hello there.", "How are you?"]),
        ('He said "no." Then he left!', ['He said "no."', "Then he left!"]),
        ("Really?! Yes... maybe", ["Really?!", "Yes...", "maybe"]),
        ("one line\n\nanother  ", ["one line", "another"]),
        ("It costs $3.50 at 10.30. Fine.", ["It costs $3.50 at 10.30.", "Fine."]),
        ("I am Dr. Jones of J. Smith & Co. We call.", ["I am Dr. Jones of J. Smith & Co.", "We call."]),
        ("Call before 9 p.m. on Monday. Bye.", ["Call before 9 p.m. on Monday.", "Bye."]),
        ("No. I will not.", ["No.", "I will not."]),
        ("你好。今天天气怎么样？很好", ["你好。", "今天天气怎么样？", "很好"]),  # noqa: RUF001 - full-width marks
        ("مرحبا. كيف حالك؟ بخير", ["مرحبا.", "كيف حالك؟", "بخير"]),
        ("नमस्ते। आप कैसे हैं?", ["नमस्ते।", "आप कैसे हैं?"]),
        ("see example.com/a?b=c now", ["see example.com/a?b=c now"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@settings(deadline=None)
@given(TEXT)
def test_spans_are_ordered_trimmed_and_cover_all_but_white_space(text: str) -> None:
    covered = ""
    last = 0
    for start, end in split_sentences(text):
        assert last <= start < end <= len(text)
        assert not text[last:start].strip()
        assert text[start:end] == text[start:end].strip()
        assert end - start <= LONGEST_SENTENCE
        covered += text[start:end]
        last = end
    assert not text[last:].strip()
    assert "".join(covered.split()) == "".join(text.split())


def test_words_without_punctuation_are_cut_between_words() -> None:
    text = "word " * 500
    found = sentences(text)
    assert all(sentence.startswith("word") and sentence.endswith("word") for sentence in found)
    assert len(found) < 12


def test_a_cut_keeps_a_letter_and_its_accents_together() -> None:
    text = "e\u0301" * 400
    assert all(sentence[0] == "e" and sentence[-1] == "\u0301" for sentence in sentences(text))


@pytest.mark.parametrize(
    "text", ["." * 500_000 + "x", '."' * 200_000 + "x", "? " * 200_000, "a" * 500_000, "\n" * 500_000]
)
def test_a_megabyte_of_anything_is_split_in_linear_time(text: str) -> None:
    assert sum(end - start for start, end in split_sentences(text)) == len("".join(text.split()))

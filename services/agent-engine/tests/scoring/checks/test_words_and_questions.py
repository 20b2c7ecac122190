import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tahoe_engine.scoring.questions import find_questions
from tahoe_engine.scoring.word_count import count_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("… 😀 — !", 0),
        ("It's an e-mail of $3.50, isn't it?", 7),
        ("Naïve café, cafe\u0301 and Straße", 5),
        ("It’s fine", 2),  # noqa: RUF001 - the curly apostrophe is meant
        ("नमस्ते आप कैसे हैं", 4),
        ("Привет, как дела?", 3),
        ("你好世界", 2),
        ("我想 refund 这个", 3),
        ("こんにちは", 2),
        ("안녕하세요 고객님", 2),
        ("สวัสดีครับ", 2),
    ],
)
def test_words_are_counted_in_any_script(text: str, words: int) -> None:
    assert count_words(text) == words


@pytest.mark.parametrize("word", ["word", "héllo", "नमस्ते"])
@settings(deadline=None)
@given(count=st.integers(0, 50))
def test_repeated_words_add_up(word: str, count: int) -> None:
    assert count_words(f"{word} " * count) == count


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("How are you? Fine. And you?", ["How are you?", "And you?"]),
        ("What?! Really??", ["What?!", "Really??"]),
        ("你好吗？很好。", ["你好吗？"]),  # noqa: RUF001 - full-width mark
        ("كيف حالك؟ بخير.", ["كيف حالك؟"]),
        ("Τι κάνεις; Καλά.", ["Τι κάνεις; Καλά."]),  # noqa: RUF001 - Greek
        ("Τι κάνεις\u037e", ["Τι κάνεις\u037e"]),  # noqa: RUF001 - Greek
        ("¿Cómo estás? Bien.", ["¿Cómo estás?"]),
        ("See https://example.com/a?b=c or www.x.org/?q for more.", []),
        ("Wait; there is more.", []),
        ("", []),
    ],
)
def test_questions_are_sentences_with_a_question_mark(text: str, questions: list[str]) -> None:
    assert [text[start:end] for start, end in find_questions(text)] == questions

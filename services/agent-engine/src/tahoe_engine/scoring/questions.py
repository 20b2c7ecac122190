"""Which sentences ask something."""

import re

from tahoe_engine.scoring.sentences import split_sentences

# ASCII, full-width, Arabic, Greek, Armenian, Ethiopic, doubled and mixed marks
_QUESTION_MARK = re.compile("[?？؟\u037e՞፧⁇⁈⁉‽]")  # noqa: RUF001 - other scripts' marks
_GREEK_MARK = re.compile(r";(?=\s|$)")  # Greek keyboards type the semicolon for it
_GREEK_LETTER = re.compile("[\u0370-\u037d\u0386-\u03ff\u1f00-\u1fff]")
_ADDRESS = re.compile(r"(?:\w+://|www\.)\S*")  # a ? in it begins a query
_ENDS_SENTENCE = re.compile(r"[.!?؟।።։](?=\s|$)|[。！？]")  # noqa: RUF001 - other scripts' marks


def find_questions(text: str) -> list[tuple[int, int]]:
    """Returns (start, end) of each sentence that has a question mark, in code points."""
    if not (_QUESTION_MARK.search(text) or _GREEK_LETTER.search(text)):
        return []
    return [(start, end) for start, end in split_sentences(text) if _asks(text[start:end])]


def is_punctuated(text: str) -> bool:
    """Says whether sentences have marks at all; those of many speech recognisers do not."""
    return _ENDS_SENTENCE.search(text) is not None


def _asks(sentence: str) -> bool:
    bare = _ADDRESS.sub("", sentence)
    if _QUESTION_MARK.search(bare):
        return True
    return _GREEK_LETTER.search(bare) is not None and _GREEK_MARK.search(bare) is not None

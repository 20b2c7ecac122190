"""Where the sentences of a text begin and end."""

import re
import unicodedata
from collections.abc import Iterator

LONGEST_SENTENCE = 300
"""Code points. Transcripts without punctuation are cut there, at a clause or between words."""

_MARKS = ".!?…‽⁇⁈⁉؟۔।॥։።፧።"  # noqa: RUF001 - other scripts' marks
_CLOSERS = "[\"'”’»›)\\]}」』）]*+"  # noqa: RUF001 - full-width ones too
# A run of marks is tried once, at its beginning: a megabyte of dots must not take quadratic time.
_BOUNDARY = re.compile(rf"[\r\n]+|[。！？｡]+{_CLOSERS}|(?<![{_MARKS}])[{_MARKS}]++{_CLOSERS}(?=\s|$)")  # noqa: RUF001
_NEVER_LAST = re.compile(
    r"(?:^|[\s(])(?:mr|mrs|ms|dr|prof|rev|hon|sr|jr|st|vs|e\.g|i\.e|cf|approx|(?-i:[A-HJ-Z]))$", re.IGNORECASE
)
_SELDOM_LAST = re.compile(r"(?:^|[\s(\d])(?:a\.m|p\.m|u\.s|u\.k|etc|inc|ltd|co|corp)$", re.IGNORECASE)
_LOOK_BACK = 10
_CLAUSE = re.compile(r"[,;:，、；：—–][ ]?|\s+")  # noqa: RUF001 - full-width marks are meant


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Returns (start, end) of each sentence in code points, in order, without the white space around it."""
    spans: list[tuple[int, int]] = []
    start = 0
    for boundary in _BOUNDARY.finditer(text):
        if _is_abbreviation(text, boundary):
            continue
        spans.extend(_pieces(text, start, boundary.end()))
        start = boundary.end()
    spans.extend(_pieces(text, start, len(text)))
    return spans


def _is_abbreviation(text: str, boundary: re.Match[str]) -> bool:
    if boundary.group() != ".":
        return False
    before = text[max(0, boundary.start() - _LOOK_BACK) : boundary.start()]
    if _NEVER_LAST.search(before):
        return True
    after = text[boundary.end() : boundary.end() + 2].lstrip()
    return bool(_SELDOM_LAST.search(before)) and (after[:1].islower() or after[:1].isdigit())


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while True:
        while start < end and text[start].isspace():
            start += 1
        if end - start <= LONGEST_SENTENCE:
            break
        cut = _cut(text, start)
        yield start, _trimmed(text, start, cut)
        start = cut
    if start < end:
        yield start, _trimmed(text, start, end)


def _cut(text: str, start: int) -> int:
    """Returns where an endless sentence is cut: after the last clause mark or word that fits."""
    limit = start + LONGEST_SENTENCE
    marks = [match.end() for match in _CLAUSE.finditer(text, start + LONGEST_SENTENCE // 2, limit)]
    if marks:
        return marks[-1]
    cut = limit
    while cut > start + 1 and unicodedata.category(text[cut])[0] in "MC":  # keep letter and accent, emoji and joiner
        cut -= 1
    return cut if cut > start + 1 else limit


def _trimmed(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1].isspace():
        end -= 1
    return end

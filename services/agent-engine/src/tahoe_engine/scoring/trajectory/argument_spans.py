"""Where the values of a call stand in the text of its arguments."""

import re

from tahoe_engine.scoring.trajectory.values import Path, parse, plain_text

type Slice = tuple[int, int]
"""First code point and one past the last."""

_TOKEN = re.compile(r'\s*+(?:("[^"\\]*+(?:\\.[^"\\]*+)*+")|([{}\[\]:,])|([^\s{}\[\]:,"]++))', re.DOTALL)
_DEEPEST = 200
"""Levels of nesting; nothing deeper is judged, so nothing deeper is looked up."""


class ArgumentSpans:
    """Finds values in one text, which is JSON or anything else."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._is_json = parse(text) != text
        self._scalars = _scalar_spans(text) if self._is_json else {}

    def find(self, path: Path, part: str) -> Slice | None:
        """Returns where the value of a path stands, or the part of it that is meant; None where that cannot be told.

        The quotation marks of a string are left out, unless it is empty. A part that is written with escapes is not
        looked for: the whole value is returned. In a text that is no JSON the part is looked for everywhere.
        """
        text = self._text
        if not self._is_json:
            start = len(text) - len(text.lstrip())
            return _part_of(text, start, len(text.rstrip()), part)
        if path not in self._scalars:
            return None
        start, end = self._scalars[path]
        value = plain_text(parse(text[start:end]))
        if value is None or part not in value:
            return None
        if text[start] == '"' and end - start > len('""'):
            return _part_of(text, start + 1, end - 1, part)
        return start, end


def _scalar_spans(text: str) -> dict[Path, Slice]:
    """Returns where each plain value stands in JSON, with its quotation marks; of equal keys the last one counts."""
    spans: dict[Path, Slice] = {}
    opened: list[str | int | None] = []  # where we are in each open list or object; None before a key
    for token in _TOKEN.finditer(text):
        string, mark, literal = token.groups()
        if mark in ("{", "["):
            opened.append(0 if mark == "[" else None)
        elif mark in ("}", "]"):
            del opened[-1:]
        elif mark == "," and opened:
            opened[-1] = opened[-1] + 1 if isinstance(opened[-1], int) else None
        elif string and opened and opened[-1] is None:
            opened[-1] = plain_text(parse(string))
        elif (string or literal) and len(opened) <= _DEEPEST:
            path = tuple(at for at in opened if at is not None)
            spans[path] = token.span(1 if string else 3)
    return spans


def _part_of(text: str, start: int, end: int, part: str) -> Slice | None:
    found = text.find(part, start, end) if part else -1
    if found >= 0:
        return found, found + len(part)
    return (start, end) if end > start else None

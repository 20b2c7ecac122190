from tahoe_engine.scoring.json_spans import find_json_span
from tahoe_engine.scoring.trajectory.values import Path, parse, plain_text


def find_argument_span(text: str, path: Path, part: str) -> tuple[int, int] | None:
    """Returns where the value of a path stands in a call's arguments, or the part of it that is meant.

    The quotation marks of a string are left out, unless it is empty. A part that is written with escapes is not looked
    for: the whole value is returned. In a text that is no JSON the part is looked for everywhere. None where it cannot
    be told.
    """
    if parse(text) == text:
        start = len(text) - len(text.lstrip())
        return _part_of(text, start, len(text.rstrip()), part)
    span = find_json_span(text, path)
    if span is None:
        return None
    start, end = span
    value = plain_text(parse(text[start:end]))
    if value is None or part not in value:
        return None
    if text[start] == '"' and end - start > len('""'):
        return _part_of(text, start + 1, end - 1, part)
    return start, end


def _part_of(text: str, start: int, end: int, part: str) -> tuple[int, int] | None:
    found = text.find(part, start, end) if part else -1
    if found >= 0:
        return found, found + len(part)
    return (start, end) if end > start else None

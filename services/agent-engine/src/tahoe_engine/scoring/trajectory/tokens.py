"""The pieces of a text that may be identifiers or numbers, as they are looked up."""

import re

from tahoe_engine.scoring.trajectory.values import key_of

_PLAIN = re.compile(r"[\w.:/#@+-]+", re.ASCII)
_JOINTS = re.compile(r"[:/]+")
_GROUPS = re.compile(r"\d(?:[ ().-]{0,2}\d){6,20}")
_FEWEST_DIGITS = 7
_WITHOUT_COUNTRY = 10
"""Digits of a phone number that is known without its country's code."""


def tokens(text: str) -> set[str]:
    """Returns what stands between spaces, and the pieces of it that other punctuation sets apart."""
    pieces = {*text.split(), *_PLAIN.findall(text)}
    pieces.update(part for piece in list(pieces) if "/" in piece or ":" in piece for part in _JOINTS.split(piece))
    found = {key_of(piece) for piece in pieces}
    for match in _GROUPS.finditer(text):
        found.update(grouped_digits(match.group()))
    return found


def grouped_digits(text: str) -> list[str]:
    """Returns the digits of a long number that people write in groups, also without a country's code; else nothing."""
    digits = "".join(filter(str.isdigit, text))
    if len(digits) < _FEWEST_DIGITS or any(map(str.isalpha, text)):
        return []
    return [digits] if len(digits) <= _WITHOUT_COUNTRY else [digits, digits[-_WITHOUT_COUNTRY:]]

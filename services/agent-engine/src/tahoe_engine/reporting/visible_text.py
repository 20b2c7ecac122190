"""Text as it may be shown: what cannot be seen, or would deceive the eye, is made visible."""

import re

_CONTROL_PICTURES = 0x2400
_DELETE = 0x7F
_DIRECTION_MARK = "⇄"
_UNKNOWN = "�"
# Tab and line feed stay; C0, DEL and C1 (a terminal obeys some of them); the embeddings, overrides and isolates that
# can make a quote read backwards; halves of surrogate pairs, which no file can hold; non-characters.
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def visible(text: str) -> str:
    """Puts one visible character in place of each hidden one, so that offsets hold.

    Control characters become their Unicode pictures (␛ for an escape), carriage returns become spaces, direction
    overrides become ⇄, and what no file can hold becomes �.
    """
    return _HIDDEN.sub(_picture, text)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] == "\r":  # the first half of a line break in many sources
        return " "
    if code < ord(" "):
        return chr(_CONTROL_PICTURES + code)
    if code == _DELETE:
        return "␡"
    return _DIRECTION_MARK if "\u202a" <= match[0] <= "\u2069" else _UNKNOWN

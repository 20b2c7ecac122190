"""Mends schemathesis 4.32.5 within its own process: an answer may repeat a text that only begins like a URL.

It reads every text of an answer as a possible link; one like `http://[` that it had made up itself then ends the whole
run with a ValueError instead of being no link.
"""

from schemathesis.engine import observations

_find_path = observations._same_origin_path


def _same_origin_path(value: str, origin: tuple[str, str]) -> str | None:
    try:
        return _find_path(value, origin)
    except ValueError:
        return None


observations._same_origin_path = _same_origin_path

import re
from datetime import datetime

from jsonschema import FormatChecker

# RFC 3339, section 5.6
_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:[^\s<>\"{}|\\^`]*+")  # RFC 3986, as far as a glance goes


def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    date_time = _DATE_TIME.fullmatch(value)
    if date_time is None:
        return False
    datetime.fromisoformat(value.upper().replace(":60", ":59"))  # leap seconds exist
    return True


def _checker() -> FormatChecker:
    """Returns the formats that are checked, the same on every machine; those not known here say nothing."""
    checker = FormatChecker(("date", "email", "ipv4", "ipv6", "uuid"))
    checker.checks("date-time", raises=ValueError)(_is_date_time)
    checker.checks("time", raises=ValueError)(
        lambda value: not isinstance(value, str) or _is_date_time(f"2000-01-01T{value}")
    )
    checker.checks("uri")(lambda value: not isinstance(value, str) or _URI.fullmatch(value) is not None)
    return checker


FORMATS = _checker()

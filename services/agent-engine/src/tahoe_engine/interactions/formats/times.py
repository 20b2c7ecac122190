"""Times as sources write them: a moment with its zone, a moment without one, or seconds from the start."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from pydantic import JsonValue

from tahoe_core.errors import ReadError
from tahoe_core.near_names import did_you_mean

_DATE_ONLY = re.compile(r"\d{4}-?\d\d-?\d\d")
_EPOCH = re.compile(r"\d{9,16}(?:\.\d+)?")
_UTC_NAME = re.compile(r"\s*(?:UTC|GMT)$")
_SPACED_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")
_OFFSET_AT_END = re.compile(r"\d:\d\d.*?([+-])(\d\d):?(\d\d)$")
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d\d(?:[.,]\d+)?)")
_MAIL_CLIENTS = ("%A, %B %d, %Y %I:%M %p", "%A, %B %d, %Y %I:%M:%S %p", "%A, %d %B %Y %H:%M", "%B %d, %Y %I:%M %p")
_LONGEST_TIME = 64
# Seconds since 1970 begin at 1973, so that an offset in seconds is not taken for a date; the larger units follow.
_EPOCH_UNITS = ((1e8, 1e11, 1.0), (1e11, 1e14, 1e3), (1e14, 1e17, 1e6))


def read_time(value: JsonValue) -> datetime | None:
    """Reads ISO 8601, RFC 2822, what mail programs print, or seconds, milli- or microseconds since 1970.

    Returns:
        An aware time; a naive one when the source gives no zone; None when it is no moment, a bare date included,
        since midnight would be an invention.
    """
    if isinstance(value, str):
        return _read_text(value.strip()) if len(value) <= _LONGEST_TIME else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _read_epoch(value)
    return None


@lru_cache(maxsize=4096)
def _read_text(text: str) -> datetime | None:
    if _DATE_ONLY.fullmatch(text):
        return None
    if _EPOCH.fullmatch(text):
        return _read_epoch(float(text))
    tidy = _SPACED_OFFSET.sub("", _UTC_NAME.sub("+00:00", text))
    for parse in (datetime.fromisoformat, _read_mail_date):
        try:
            return parse(tidy)
        except (ValueError, OverflowError):
            continue
    return None


def _read_mail_date(text: str) -> datetime:
    for layout in _MAIL_CLIENTS:
        try:
            return datetime.strptime(text, layout)  # noqa: DTZ007  # such dates carry no zone
        except ValueError:
            continue
    parsed = parsedate_to_datetime(text)
    # RFC 5322, 3.3: -0000 is a time in UTC from a host that does not tell its own zone.
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None and text.endswith("-0000") else parsed


def _read_epoch(number: float) -> datetime | None:
    for low, high, per_second in _EPOCH_UNITS:
        if low <= number < high:
            return datetime.fromtimestamp(number / per_second, UTC)
    return None


def written_offset(value: JsonValue) -> str | None:
    """Returns the offset that a time is written with, as `+02:00`.

    `Z` and `-00:00` say that the local offset is unknown (RFC 9557, 2), so they give None, as does a bare number.
    """
    match = _OFFSET_AT_END.search(value) if isinstance(value, str) and len(value) <= _LONGEST_TIME else None
    if match is None or match.groups() == ("-", "00", "00"):
        return None
    return f"{match[1]}{match[2]}:{match[3]}"


def read_offset(value: JsonValue) -> float | None:
    """Reads seconds from the start: a number, or `[HH:]MM:SS[.mmm]`; None when it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if 0 <= value < _EPOCH_UNITS[0][0] else None
    if not isinstance(value, str) or len(value) > _LONGEST_TIME:
        return None
    match = _CLOCK.fullmatch(value.strip())
    if match is None:
        return None
    return int(match[1] or 0) * 3600 + int(match[2]) * 60 + float(match[3].replace(",", "."))


@lru_cache(maxsize=1024)
def find_zone(name: str) -> tzinfo | None:
    """Returns the zone of an IANA name or an offset such as `-05:00`."""
    offset = _OFFSET.fullmatch(name)
    try:
        if offset is not None:
            hours, minutes = int(offset[2]), int(offset[3])
            return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if offset[1] == "-" else 1))
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a possible name, or a folder of the zone database
        return None


def check_zone(name: str) -> str:
    """Returns the name when it is a time zone.

    Raises:
        ReadError: It is none; near names are suggested.
    """
    if find_zone(name) is not None:
        return name
    folded = name.strip().casefold().replace(" ", "_")
    cities = {zone.rpartition("/")[2]: zone for zone in sorted(available_timezones())}
    hint = next((f" Did you mean {zone}?" for city, zone in cities.items() if city.casefold() == folded), "")
    raise ReadError(
        f"{name!r} is no time zone.{hint or did_you_mean(name, available_timezones())}",
        cure="Use an IANA name such as America/New_York, or an offset such as -05:00.",
    )

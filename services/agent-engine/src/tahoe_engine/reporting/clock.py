"""Times as the people in an interaction read them: in its own zone."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from tahoe_core.dates import MONTHS, write_date

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?")
_MINUTE = 60
_HOUR = 3600
_LARGEST_OFFSET_HOURS = 14


def find_zone(name: str | None) -> tzinfo | None:
    """Finds the zone of an IANA name or an offset such as `+02:00`; None for what is neither."""
    if not name:
        return None
    if name.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    if offset := _OFFSET.fullmatch(name):
        hours, minutes = int(offset[2]), int(offset[3] or 0)
        if hours > _LARGEST_OFFSET_HOURS:
            return None
        sign = -1 if offset[1] == "-" else 1
        return timezone(sign * timedelta(hours=hours, minutes=minutes))
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # no such zone; a folder of zones; a name that is no path
        return None


def is_named_zone(name: str | None) -> bool:
    """Says whether it is an IANA zone other than UTC: one whose name says more than its abbreviation."""
    return isinstance(find_zone(name), ZoneInfo)


def format_moment(moment: datetime, zone_name: str | None) -> str:
    """Formats `12 March 2026, 14:05 CET`, in the zone where it is known."""
    zone = find_zone(zone_name)
    local = moment.astimezone(zone) if zone else moment
    return f"{write_date(local)}, {local:%H:%M} {local.tzname()}"


def format_time_of_day(moment: datetime, zone_name: str | None, *, with_day: bool) -> str:
    """Formats `14:05`, or `12 Mar 14:05` where an interaction spans several days."""
    zone = find_zone(zone_name)
    local = moment.astimezone(zone) if zone else moment
    day = f"{local.day} {MONTHS[local.month - 1][:3]} " if with_day else ""
    return f"{day}{local:%H:%M}"


def format_offset(seconds: float) -> str:
    """Formats seconds since the start as `1:05` or `1:01:05`."""
    whole = int(seconds)
    hours, minutes, rest = whole // _HOUR, whole % _HOUR // _MINUTE, whole % _MINUTE
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

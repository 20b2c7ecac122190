"""Tells and converts times by the rules of the IANA time zone database.

    clock.py now Tokyo "New York"
    clock.py convert "2026-05-08 14:30" Berlin Tokyo
    clock.py meet 2026-05-08 Berlin "San Francisco" --from 9 --to 18 --minutes 60
    clock.py changes Berlin --year 2026

Exit 0; 2 when a place or time is not understood.
"""

import argparse
import sys
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

UTC = timezone.utc  # noqa: UP017 - this runs on Python 3.9 too
STEP = timedelta(minutes=30)
LEAST_BAD = 5
ALIASES = {
    "abu dhabi": "Asia/Dubai",
    "argentina": "America/Argentina/Buenos_Aires",
    "atlanta": "America/New_York",
    "austin": "America/Chicago",
    "austria": "Europe/Vienna",
    "bangalore": "Asia/Kolkata",
    "barcelona": "Europe/Madrid",
    "beijing": "Asia/Shanghai",
    "belgium": "Europe/Brussels",
    "boston": "America/New_York",
    "calgary": "America/Edmonton",
    "cape town": "Africa/Johannesburg",
    "china": "Asia/Shanghai",
    "cologne": "Europe/Berlin",
    "dallas": "America/Chicago",
    "delhi": "Asia/Kolkata",
    "denmark": "Europe/Copenhagen",
    "edinburgh": "Europe/London",
    "finland": "Europe/Helsinki",
    "france": "Europe/Paris",
    "frankfurt": "Europe/Berlin",
    "geneva": "Europe/Zurich",
    "germany": "Europe/Berlin",
    "gmt": "UTC",
    "greece": "Europe/Athens",
    "hamburg": "Europe/Berlin",
    "hanoi": "Asia/Ho_Chi_Minh",
    "houston": "America/Chicago",
    "india": "Asia/Kolkata",
    "ireland": "Europe/Dublin",
    "israel": "Asia/Jerusalem",
    "italy": "Europe/Rome",
    "japan": "Asia/Tokyo",
    "kenya": "Africa/Nairobi",
    "kyiv": "Europe/Kyiv",
    "las vegas": "America/Los_Angeles",
    "lyon": "Europe/Paris",
    "manchester": "Europe/London",
    "marseille": "Europe/Paris",
    "miami": "America/New_York",
    "milan": "Europe/Rome",
    "minneapolis": "America/Chicago",
    "montreal": "America/Toronto",
    "mumbai": "Asia/Kolkata",
    "munich": "Europe/Berlin",
    "netherlands": "Europe/Amsterdam",
    "new delhi": "Asia/Kolkata",
    "nigeria": "Africa/Lagos",
    "norway": "Europe/Oslo",
    "osaka": "Asia/Tokyo",
    "ottawa": "America/Toronto",
    "pakistan": "Asia/Karachi",
    "philadelphia": "America/New_York",
    "philippines": "Asia/Manila",
    "poland": "Europe/Warsaw",
    "portland": "America/Los_Angeles",
    "quebec": "America/Toronto",
    "rio de janeiro": "America/Sao_Paulo",
    "saint petersburg": "Europe/Moscow",
    "saigon": "Asia/Ho_Chi_Minh",
    "salt lake city": "America/Denver",
    "san diego": "America/Los_Angeles",
    "san francisco": "America/Los_Angeles",
    "seattle": "America/Los_Angeles",
    "shenzhen": "Asia/Shanghai",
    "singapore": "Asia/Singapore",
    "south africa": "Africa/Johannesburg",
    "south korea": "Asia/Seoul",
    "sweden": "Europe/Stockholm",
    "switzerland": "Europe/Zurich",
    "taiwan": "Asia/Taipei",
    "tel aviv": "Asia/Jerusalem",
    "thailand": "Asia/Bangkok",
    "turkey": "Europe/Istanbul",
    "uk": "Europe/London",
    "united kingdom": "Europe/London",
    "vietnam": "Asia/Ho_Chi_Minh",
    "washington": "America/New_York",
    "washington dc": "America/New_York",
    "z": "UTC",
}
AMBIGUOUS = {
    "ast": "Halifax or Riyadh",
    "bst": "London or Dhaka",
    "cst": "Chicago, Shanghai or Havana",
    "ist": "Kolkata, Dublin or Jerusalem",
    "pst": "Los Angeles or Manila",
    "est": "New York or Sydney",
    "mst": "Denver, Phoenix or Kuala Lumpur",
    "sst": "Pago Pago or Singapore",
    "usa": "New York, Chicago, Denver, Los Angeles",
    "united states": "New York, Chicago, Denver, Los Angeles",
    "canada": "Toronto, Winnipeg, Edmonton, Vancouver",
    "australia": "Sydney, Brisbane, Adelaide, Perth",
    "brazil": "Sao Paulo, Manaus",
    "mexico": "Mexico City, Tijuana, Cancun",
    "russia": "Moscow, Yekaterinburg, Vladivostok",
    "indonesia": "Jakarta, Makassar, Jayapura",
    "spain": "Madrid, Atlantic/Canary",
    "samoa": "Apia or Pago Pago",
    "portugal": "Lisbon, Atlantic/Azores",
}


class NotUnderstoodError(Exception):
    """A place or time that can mean nothing, or several things."""


def find_zone(place: str) -> ZoneInfo:
    """Returns the zone of a city, country or IANA name."""
    wanted = " ".join(place.replace("_", " ").replace(",", " ").lower().split())
    if wanted in AMBIGUOUS:
        raise NotUnderstoodError(f"{place!r} may be {AMBIGUOUS[wanted]}: name the city.")
    if wanted in ALIASES:
        return ZoneInfo(ALIASES[wanted])
    zones = {name.lower().replace("_", " "): name for name in sorted(available_timezones())}
    if wanted in zones:
        return ZoneInfo(zones[wanted])
    cities = [zone for name, zone in zones.items() if "/" in name and name.rpartition("/")[2] == wanted]
    cities = [zone for zone in cities if not zone.startswith(("US/", "Etc/"))] or cities
    if cities:
        return ZoneInfo(min(cities, key=len))
    near = [zone for name, zone in zones.items() if "/" in name and wanted in name][:LEAST_BAD]
    hint = f" Perhaps {', '.join(near)}?" if near else " Name a larger city nearby, or an IANA zone."
    raise NotUnderstoodError(f"{place!r} is not known.{hint}")


def read_time(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Reads `2026-05-08 14:30`, or `14:30` of today, by the clock of a zone."""
    if "T" not in text and "-" not in text:
        text = f"{now.astimezone(zone).date().isoformat()} {text.zfill(5) if ':' in text else text.zfill(2) + ':00'}"
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        raise NotUnderstoodError(f"{text!r} is no time: write it as 2026-05-08 14:30 or 14:30.") from None


def list_readings(local: datetime) -> "list[tuple[datetime, str]]":
    """Returns the moments that a clock's time means: one, two when clocks went back, or the two nearest."""
    first, second = local.replace(fold=0), local.replace(fold=1)
    if first.utcoffset() == second.utcoffset():
        return [(first.astimezone(UTC), "")]
    if first.astimezone(UTC).astimezone(local.tzinfo).replace(fold=0) == local.replace(fold=0):
        return [(first.astimezone(UTC), "before clocks go back"), (second.astimezone(UTC), "after clocks go back")]
    note = "this time does not exist there, clocks go forward; read as"
    return [(first.astimezone(UTC), f"{note} the clock before"), (second.astimezone(UTC), f"{note} the clock after")]


def show(moment: datetime, zone: ZoneInfo, place: str, than: "date | None" = None) -> str:
    """Writes a moment as a place's clock shows it."""
    local = moment.astimezone(zone)
    days = (local.date() - than).days if than else 0
    other = f", {abs(days)} day{'s' if abs(days) > 1 else ''} {'later' if days > 0 else 'earlier'}" if days else ""
    offset = local.strftime("%z")
    return f"{place}: {local:%a %Y-%m-%d %H:%M} {local.tzname()} (UTC{offset[:3]}:{offset[3:]}){other}"


def tell_now(places: "list[str]", now: datetime) -> "list[str]":
    """The time in each place."""
    zones = [find_zone(place) for place in places]
    first = now.astimezone(zones[0]).date()
    return [show(now, zone, place, first) for place, zone in zip(places, zones)]  # noqa: B905 - Python 3.9 has no strict


def convert(text: str, place: str, others: "list[str]", now: datetime) -> "list[str]":
    """A time of one place, in others."""
    zone = find_zone(place)
    lines = []
    for moment, note in list_readings(read_time(text, zone, now)):
        lines += [f"[{note}]"] if note else []
        first = moment.astimezone(zone).date()
        lines += [show(moment, find_zone(one), one, first) for one in [place, *others]]
    return lines


def find_meetings(day: date, places: "list[str]", hours: "tuple[float, float]", minutes: int) -> "list[str]":
    """Times on a day of the first place that lie within working hours everywhere; else the least bad."""
    zones = [find_zone(place) for place in places]
    start = datetime(day.year, day.month, day.day, tzinfo=zones[0]).astimezone(UTC)
    end = (datetime(day.year, day.month, day.day) + timedelta(days=1)).replace(tzinfo=zones[0]).astimezone(UTC)  # noqa: DTZ001 - the zone follows
    judged = []
    while start < end:
        outside = [_hours_outside(start.astimezone(zone), hours, minutes) for zone in zones]
        judged.append((sum(outside), max(outside), start, outside))
        start += STEP
    suiting = [one for one in judged if one[0] == 0]
    chosen = suiting or sorted(judged)[:LEAST_BAD]
    lines = [] if suiting else ["No time suits everybody; the least bad:"]
    for _, _, moment, outside in chosen:
        clocks = []
        for place, zone, hours_outside in zip(places, zones, outside):  # noqa: B905 - as above
            far = f" ({hours_outside:g} h outside)" if hours_outside else ""
            clocks.append(f"{place} {moment.astimezone(zone):%a %H:%M}{far}")
        lines.append(", ".join(clocks))
    return lines


def _hours_outside(local: datetime, hours: "tuple[float, float]", minutes: int) -> float:
    """How far a meeting lies outside of working hours, the shorter way round the clock; weekends are a day more."""
    begin = local.hour + local.minute / 60
    last = hours[1] - minutes / 60
    far = 0.0 if hours[0] <= begin <= last else min((hours[0] - begin) % 24, (begin - last) % 24)
    return far + (24 if local.weekday() >= 5 else 0)  # noqa: PLR2004 - Saturday


def list_changes(place: str, year: int) -> "list[str]":
    """When a place's clocks change in a year."""
    zone = find_zone(place)
    moment, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    lines = []
    while moment < end:
        after = moment + timedelta(minutes=15)
        before_offset, after_offset = moment.astimezone(zone).utcoffset(), after.astimezone(zone).utcoffset()
        if before_offset is not None and after_offset is not None and before_offset != after_offset:
            by = int((after_offset - before_offset).total_seconds() / 60)
            way = "forward" if by > 0 else "back"
            clock = (after.astimezone(UTC) + before_offset).strftime("%a %Y-%m-%d %H:%M")
            lines.append(
                f"{place}: at {clock} clocks go {way} by {abs(by)} minutes, to {after.astimezone(zone):%H:%M %Z}"
            )
        moment = after
    return lines or [f"{place}: clocks do not change in {year}; it is {moment.astimezone(zone).tzname()} all year."]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--now", help="the moment that counts as now, such as 2026-05-08T12:00Z")
    commands = parser.add_subparsers(dest="command", required=True)
    now = commands.add_parser("now")
    now.add_argument("places", nargs="+")
    conversion = commands.add_parser("convert")
    conversion.add_argument("time")
    conversion.add_argument("place")
    conversion.add_argument("others", nargs="+")
    meeting = commands.add_parser("meet")
    meeting.add_argument("date")
    meeting.add_argument("places", nargs="+")
    meeting.add_argument("--from", dest="first", type=float, default=9)
    meeting.add_argument("--to", dest="last", type=float, default=18)
    meeting.add_argument("--minutes", type=int, default=60)
    changes = commands.add_parser("changes")
    changes.add_argument("places", nargs="+")
    changes.add_argument("--year", type=int)
    return parser.parse_args()


def answer(given: argparse.Namespace) -> "list[str]":
    """Does what the command line asks for."""
    try:
        now = datetime.fromisoformat(_offset(given.now)) if given.now else datetime.now(UTC)
        if given.command == "meet":
            day = date.fromisoformat(given.date)
    except ValueError as error:
        raise NotUnderstoodError(f"That is no date: {error}.") from None
    if now.tzinfo is None:
        now = now.replace(tzinfo=UTC)
    if given.command == "now":
        return tell_now(given.places, now)
    if given.command == "convert":
        return convert(given.time, given.place, given.others, now)
    if given.command == "meet":
        return find_meetings(day, given.places, (given.first, given.last), given.minutes)
    return [line for place in given.places for line in list_changes(place, given.year or now.year)]


def _offset(text: str) -> str:
    return f"{text[:-1]}+00:00" if text.endswith("Z") else text  # Python 3.9 knows no Z


def main() -> int:
    """Prints the answer, or what was not understood."""
    try:
        print("\n".join(answer(_parse())))
    except NotUnderstoodError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

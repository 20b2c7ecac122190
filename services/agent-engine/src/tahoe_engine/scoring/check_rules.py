"""What must hold in a check beyond its format."""

from collections.abc import Iterator
from zoneinfo import available_timezones

import regex

from tahoe_core.errors import InvalidInputError
from tahoe_core.near_names import did_you_mean
from tahoe_engine.models.check_specs import (
    AbsenceCheck,
    CheckSpec,
    JsonSchemaCheck,
    OrderCheck,
    PatternCheck,
    PersonalDataCheck,
    RatioCheck,
    TimingCheck,
    ToolUse,
)
from tahoe_engine.scoring.patterns import compile_pattern
from tahoe_engine.scoring.problems import Location
from tahoe_engine.scoring.time_zones import find_time_zone
from tahoe_engine.scoring.wording import quoted

type Complaint = tuple[Location, str]
"""Where in a check, and what is wrong there."""

MAX_PATTERN = 5000
"""Characters of one regular expression."""

_BACKSPACE = "\b"


def complaints(spec: CheckSpec | ToolUse) -> Iterator[Complaint]:
    """Says what is wrong with a check, those inside it included."""
    match spec:
        case AbsenceCheck():
            yield from _within("of", complaints(spec.of))
        case OrderCheck():
            yield from _within("before", complaints(spec.before))
            yield from _within("after", complaints(spec.after))
        case _:
            yield from _own_complaints(spec)


def _own_complaints(spec: CheckSpec | ToolUse) -> Iterator[Complaint]:
    found: Iterator[Complaint]
    match spec:
        case PatternCheck():
            found = _about_patterns(spec)
        case TimingCheck():
            found = _within("local_hours", _about_local_hours(spec))
        case RatioCheck():
            found = _about_ratio(spec)
        case JsonSchemaCheck():
            found = _within("schema", _about_schema(spec))
        case PersonalDataCheck():
            found = _within("regions", _about_regions(spec))
        case _:
            found = iter(())
    return found


def _within(key: str, inner: Iterator[Complaint]) -> Iterator[Complaint]:
    return (((key, *location), message) for location, message in inner)


def _about_patterns(spec: PatternCheck) -> Iterator[Complaint]:
    for index, pattern in enumerate(spec.patterns):
        for message in _about_pattern(pattern, spec.ignore_case):
            yield ("patterns", index), message


def _about_pattern(pattern: str, ignore_case: bool) -> Iterator[str]:
    if len(pattern) > MAX_PATTERN:
        yield f"has {len(pattern):,} characters; {MAX_PATTERN:,} are allowed. Make it several patterns."
        return
    if _BACKSPACE in pattern:
        yield r"holds a backspace, which is what YAML makes of \b in double quotes. Write patterns in single quotes."
    try:
        fits_nothing = compile_pattern(pattern, ignore_case).search("", timeout=1)
    except regex.error as error:
        yield f"{quoted(pattern)} is no regular expression: {error}."
    except TimeoutError:
        yield f"{quoted(pattern)} takes too long even on an empty text; simplify it."
    else:
        if fits_nothing:
            yield (
                f"{quoted(pattern)} fits the empty text too, so it would be found everywhere, with nothing to quote. "
                "Name words that have to be there; for words that must not be there use an absence check."
            )


def _about_local_hours(spec: TimingCheck) -> Iterator[Complaint]:
    hours = spec.local_hours
    if hours is None:
        return
    for key in ("earliest", "latest"):
        value = getattr(hours, key)
        if value.second or value.microsecond or value.tzinfo:  # a bare 8 is read as eight seconds after midnight, UTC
            yield (key,), "must be a time of day in hours and minutes, for instance 08:00, without a zone."
    if hours.time_zone is not None and find_time_zone(hours.time_zone) is None:
        suggestion = did_you_mean(hours.time_zone, available_timezones(), around="`")
        yield ("time_zone",), f"{quoted(hours.time_zone)} is no IANA time zone.{suggestion}"


def _about_ratio(spec: RatioCheck) -> Iterator[Complaint]:
    if spec.measure == "talk_share":
        for key in ("min", "max"):
            limit = getattr(spec, key)
            if limit is not None and limit > 1:
                yield (key,), "must be a share between 0 and 1, for instance 0.6 for 60%."


def _about_schema(spec: JsonSchemaCheck) -> Iterator[Complaint]:
    # Few scorecards ask for jsonschema, and it takes long to import.
    from tahoe_engine.scoring.bounded_schema import BoundedSchema  # noqa: PLC0415 - see above

    try:
        BoundedSchema(spec.json_schema)
    except InvalidInputError as error:
        steps = (error.field or "").split(".")[1:]
        yield tuple(int(step) if step.isdecimal() else step for step in steps), str(error)


def _about_regions(spec: PersonalDataCheck) -> Iterator[Complaint]:
    if "phone" not in spec.kinds:
        return
    # The tables of phone numbers are large, and few scorecards ask for them.
    from tahoe_engine.scoring.personal.phones import unknown_regions  # noqa: PLC0415 - see above

    for index, region in enumerate(spec.regions):
        if unknown_regions((region.upper(),)):
            yield (index,), f"{quoted(region)} is no country code of ISO 3166, such as US or GB."

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tahoe_engine.reporting.clock import (
    find_zone,
    format_moment,
    format_offset,
    format_time_of_day,
    is_named_zone,
)

NOON = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("America/Chicago", "12 March 2026, 07:00 CDT"),
        ("+05:30", "12 March 2026, 17:30 UTC+05:30"),
        ("UTC-8", "12 March 2026, 04:00 UTC-08:00"),
        ("Z", "12 March 2026, 12:00 UTC"),
        (None, "12 March 2026, 12:00 UTC"),
    ],
)
def test_a_moment_is_read_in_the_zone_of_the_interaction(zone: str | None, text: str) -> None:
    assert format_moment(NOON, zone) == text


def test_a_moment_without_a_known_zone_keeps_the_one_it_came_with() -> None:
    local = NOON.astimezone(timezone(timedelta(hours=2)))
    assert format_moment(local, "Nowhere/Atlantis") == "12 March 2026, 14:00 UTC+02:00"


@pytest.mark.parametrize("name", ["America", "../etc/passwd", "/etc/passwd", "Mars/Base", "+25:00", "\0", "a" * 5000])
def test_names_that_are_no_zone_are_not_found(name: str) -> None:
    assert find_zone(name) is None


def test_only_named_zones_say_more_than_their_abbreviation() -> None:
    assert is_named_zone("Europe/Berlin")
    assert not is_named_zone("+02:00")
    assert not is_named_zone("UTC")


def test_the_time_of_a_turn_names_its_day_where_the_interaction_spans_several() -> None:
    assert format_time_of_day(NOON, "Europe/Berlin", with_day=False) == "13:00"
    assert format_time_of_day(NOON, "Europe/Berlin", with_day=True) == "12 Mar 13:00"


def test_offsets_grow_hours_when_they_need_them() -> None:
    assert [format_offset(seconds) for seconds in (0, 65.9, 3725)] == ["0:00", "1:05", "1:02:05"]

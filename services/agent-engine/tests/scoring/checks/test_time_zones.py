from datetime import UTC, datetime, timedelta

import pytest

from tahoe_engine.scoring.time_zones import find_time_zone


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("UTC", 0),
        ("Z", 0),
        ("+02:00", 2),
        ("-0530", -5.5),
        ("UTC+1", 1),
        ("GMT-7", -7),
        ("Asia/Kolkata", 5.5),
        ("America/Phoenix", -7),
    ],
)
def test_names_and_offsets_are_understood(name: str, hours: float) -> None:
    zone = find_time_zone(name)
    assert zone is not None
    assert datetime(2026, 7, 1, tzinfo=UTC).astimezone(zone).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize(
    "name", ["", "Nowhere", "America", "../etc/passwd", "/etc/localtime", "+99:00", "a\0b", "x" * 5000]
)
def test_anything_else_is_no_zone(name: str) -> None:
    assert find_time_zone(name) is None

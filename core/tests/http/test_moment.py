from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from tahoe_core.http.moment import Moment

MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-03T10:02:00Z", datetime(2026, 11, 3, 10, 2, tzinfo=UTC)),
        ("2026-11-03t10:02:00.25-05:00", datetime(2026, 11, 3, 15, 2, 0, 250_000, tzinfo=UTC)),
        ("2026-11-03 10:02:00z", datetime(2026, 11, 3, 10, 2, tzinfo=UTC)),
        ("0001-01-01T00:00:00+23:59", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:00:00-23:59", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_as_utc(text: str, moment: datetime) -> None:
    assert MOMENT.validate_python(text) == moment
    assert MOMENT.validate_python(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "1700000000",
        "0.5",
        "2026-11-03",
        "2026-11-03T10:02:00",
        "2026-11-03T10:02Z",
        "2026-13-03T10:02:00Z",
        "2026-11-03T10:02:00Z\n",
        "\u0662026-11-03T10:02:00Z",
        "",
    ],
)
def test_nothing_else_is_a_moment(text: str) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(text)


def test_its_schema_is_that_of_a_moment() -> None:
    assert MOMENT.json_schema() == {"type": "string", "format": "date-time"}

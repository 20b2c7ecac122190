from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from tahoe_core.db.page import Cursor, Page, PageRequest
from tahoe_core.errors import InvalidInputError

MOMENT = datetime(2026, 11, 21, 12, 30, 0, 123456, tzinfo=UTC)
ROW = UUID("00000000-0000-4000-8000-000000000001")


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-7))])
def test_a_cursor_comes_back_as_it_was(zone: timezone) -> None:
    cursor = Cursor(MOMENT.astimezone(zone), ROW)
    assert Cursor.decode(cursor.encode()) == cursor


def test_a_cursor_fits_into_a_url() -> None:
    assert Cursor(MOMENT, ROW).encode().replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "text", ["x", "%%%", "ä", "MjAyNi0xMS0yMXxub3QtYS11dWlk", "MjAyNi0xMS0yMVQxMjozMDowMA", "A" * 999]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        PageRequest.of(cursor=text)
    assert raised.value.field == "cursor"


def test_a_cursor_without_a_time_zone_is_refused() -> None:
    naive = Cursor(MOMENT.replace(tzinfo=None), ROW).encode()
    with pytest.raises(InvalidInputError):
        Cursor.decode(naive)


@pytest.mark.parametrize(("year", "hours"), [(1, 23), (9999, -23)])
def test_a_cursor_beyond_the_calendar_of_utc_is_refused(year: int, hours: int) -> None:
    month, day = (1, 1) if year == 1 else (12, 31)
    moment = datetime(year, month, day, 12, tzinfo=timezone(timedelta(hours=hours)))
    with pytest.raises(InvalidInputError):
        Cursor.decode(Cursor(moment, ROW).encode())


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_limit_has_bounds(limit: int) -> None:
    with pytest.raises(InvalidInputError) as raised:
        PageRequest.of(limit)
    assert raised.value.field == "limit"


def test_an_empty_cursor_is_the_first_page() -> None:
    assert PageRequest.of(10, "").after is None


def test_a_page_maps_its_items_and_keeps_its_cursor() -> None:
    assert Page([1, 2], "next").map(str) == Page(["1", "2"], "next")

"""Moments as people type them, and as they are shown so that they can be typed again."""

from datetime import UTC, datetime
from typing import override

import click


class MomentType(click.ParamType[datetime]):
    """An ISO 8601 date or time; without an offset it is meant as this machine's clock shows it.

    Args:
        is_past: Whether it must not lie in the future.
    """

    name = "moment"

    def __init__(self, *, is_past: bool = False) -> None:
        self._is_past = is_past

    @override
    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value).strip())
            moment = moment.astimezone() if moment.tzinfo is None else moment
            moment.astimezone(UTC)  # the edge of the calendar lies beyond it elsewhere
        except (ValueError, OverflowError, OSError):
            self.fail(f"{value!r} is no moment. Write it as 2026-05-08, '2026-05-08 14:30' or with an offset, "
                      "2026-05-08T14:30:00+02:00.", param, ctx)  # fmt: skip
        if self._is_past and moment > datetime.now(UTC):
            self.fail(f"{value!r} lies in the future.", param, ctx)
        return moment


MOMENT = MomentType()
PAST_MOMENT = MomentType(is_past=True)


def show_minute(moment: datetime) -> str:
    """Formats `2026-05-08 14:30`, on this machine's clock."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def show_exactly(moment: datetime) -> str:
    """Formats `2026-05-08 14:30:12.345678`, on this machine's clock, as `MomentType` reads it."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S.%f}"


def name_clock(moment: datetime) -> str:
    """Names the zone of this machine's clock: `CEST, +02:00`, or `UTC`."""
    local = moment.astimezone()
    offset = f"{local:%:z}"
    name = local.tzname() or ""
    return name if name == "UTC" else f"{name}, {offset}" if not name.startswith(("+", "-")) else offset

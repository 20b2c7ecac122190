"""Errors for a name that is not there, with those that are."""

from collections.abc import Sequence

from tahoe_core.errors import NotFoundError
from tahoe_core.near_names import did_you_mean

_LISTED = 20


def not_found(noun: str, name: str, known: Sequence[str]) -> NotFoundError:
    """Returns the error for a name that is not there.

    Args:
        noun: What it would be, for instance `scorecard`.
        name: The name that was asked for.
        known: The names that are there, sorted.
    """
    return NotFoundError(f"There is no {noun} {name!r}.", cure=suggest(name, known) or "There is none at all yet.")


def suggest(name: str, known: Sequence[str]) -> str:
    """Returns a sentence with names like this one, or with some of those there are; empty where there are none."""
    if near := did_you_mean(name, known):
        return near.lstrip()
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return f"There are: {', '.join(known[:_LISTED])}{more}." if known else ""


def no_such_version(noun: str, name: str, version: int, newest: int) -> NotFoundError:
    """Returns the error for a version that is not there."""
    return NotFoundError(f"The {noun} {name!r} has no version {version}.", cure=f"The newest is {newest}.")

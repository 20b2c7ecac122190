"""Errors for a name that is not there, with those that are."""

from collections.abc import Sequence
from difflib import get_close_matches

from tahoe_core.errors import NotFoundError

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
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return f"There are: {', '.join(known[:_LISTED])}{more}." if known else ""


def no_such_version(noun: str, name: str, version: int, newest: int) -> NotFoundError:
    """Returns the error for a version that is not there."""
    return NotFoundError(f"The {noun} {name!r} has no version {version}.", cure=f"The newest is {newest}.")

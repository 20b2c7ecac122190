"""Suggestions for names that were probably mistyped: the one place that decides what is near."""

import difflib
from collections.abc import Iterable

_MOST = 3
_LIKENESS = 0.6


def list_near(name: str, known: Iterable[str]) -> list[str]:
    """Returns the known names that look like this one, the likest first; capitals make no difference."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name.casefold(), by_folded, n=_MOST, cutoff=_LIKENESS)
    return [by_folded[match] for match in near]


def did_you_mean(name: str, known: Iterable[str], around: str = "") -> str:
    """Returns ` Did you mean a or b?`, to stand behind a sentence, or nothing when no known name is near.

    Args:
        name: As it was given.
        known: What it could have been.
        around: Stands before and after each suggestion, for instance a backtick.
    """
    near = " or ".join(f"{around}{candidate}{around}" for candidate in list_near(name, known))
    return f" Did you mean {near}?" if near else ""

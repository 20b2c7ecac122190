"""Suggestions for names that were probably mistyped."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns ` Did you mean a or b?` for the known names nearest to `name`, or nothing when none is near."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name.casefold(), by_folded, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(by_folded[match] for match in near)}?" if near else ""

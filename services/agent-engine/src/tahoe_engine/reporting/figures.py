"""Numbers as reports print them.

They are rounded down: a score of 79.96 under a pass mark of 80 must not read "80", nor a coverage of 99.7% "100%".
"""

import math

_ABSENT = "—"


def format_score(score: float | None) -> str:
    """Formats a score of 0 to 100 with at most one decimal; a dash when there is none."""
    if score is None:
        return _ABSENT
    floored = _floor(score * 10) / 10
    return f"{floored:.0f}" if floored.is_integer() else f"{floored:.1f}"


def format_percent(share: float | None) -> str:
    """Formats a share of 0 to 1 as whole percent; a dash when there is none."""
    return _ABSENT if share is None else f"{_floor(share * 100)}%"


def format_weight(share: float) -> str:
    """Formats a weight's share of the whole, 0 to 1, as per cent; rounded, since nothing is decided by it."""
    return f"{share:.0%}"


def format_duration(milliseconds: float) -> str:
    """Formats a running time."""
    second = 1000
    return f"{milliseconds:.1f} ms" if milliseconds < second else f"{milliseconds / second:.1f} s"


def count(number: int, noun: str, plural: str = "") -> str:
    """Formats a count with its noun: `1 turn`, `12 turns`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _floor(value: float) -> int:
    # 0.29 * 100 is 28.999999999999996; what arithmetic took away is given back before cutting.
    return math.floor(value + 1e-9)

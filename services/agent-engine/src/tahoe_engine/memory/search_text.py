"""What of a memory is searched by words; what is embedded is its content alone.

Date and author are for the words: in the vector they blur what was said (docs/benchmarks.md).
"""

from datetime import datetime


def text_to_weigh(content: str, author: str | None, occurred_at: datetime | None) -> str:
    """Returns `8 May 2023 Ann …`; what is not known is left out."""
    return " ".join(part for part in (write_date(occurred_at) if occurred_at else "", author or "", content) if part)


def write_date(moment: datetime) -> str:
    """Returns the day as people write it, in the offset that the moment has: `8 May 2023`."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


# By name, since strftime's would be those of the process's locale.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

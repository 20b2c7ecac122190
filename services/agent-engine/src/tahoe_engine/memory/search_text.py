"""What of a memory is searched by words; what is embedded is its content alone.

Date and author are for the words: in the vector they blur what was said (docs/benchmarks.md).
"""

from datetime import datetime

from tahoe_core.dates import write_date


def text_to_weigh(content: str, author: str | None, occurred_at: datetime | None) -> str:
    """Returns `8 May 2023 Ann …`; what is not known is left out."""
    return " ".join(part for part in (write_date(occurred_at) if occurred_at else "", author or "", content) if part)

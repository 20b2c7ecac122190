"""Says what is in a table: rows, columns, kinds, gaps, ranges, and what looks wrong.

    describe.py sales.csv [--sheet NAME]

Exit 0; 2 when the file cannot be read.
"""

import argparse
import statistics
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

from table import Column, Table, UnreadableError, read_table

_TOTALS = ("total", "sum", "subtotal", "average", "grand total", "summe", "gesamt", "totale", "somme")
_MOST_SHOWN = 5
_LONGEST_SHOWN = 40


def describe(table: Table) -> "list[str]":
    """Returns the description, a line each."""
    lines = [f"{table.row_count:,} rows, {len(table.columns)} columns; data begins in row {table.first_row}"]
    if len(table.sheets) > 1:
        lines.append(f"Sheets: {', '.join(table.sheets)}")
    for column in table.columns:
        lines += ["", *describe_column(column, table.row_count)]
    warnings = find_warnings(table)
    return [*lines, "", *(["Look at:", *warnings] if warnings else ["Nothing looks wrong."])]


def describe_column(column: Column, rows: int) -> "list[str]":
    """One column: its kind, gaps, and what its values are like."""
    present = [value for value in column.values if value is not None]
    gaps = rows - len(present) - len(column.unreadable)
    distinct = len(set(present))
    lines = [f"{column.name}: {column.kind}, {len(present):,} values, {distinct:,} distinct, {gaps:,} gaps"]
    numbers = column.numbers
    if numbers:
        quarters = statistics.quantiles(numbers, n=4, method="inclusive") if len(numbers) > 1 else numbers * 3
        lines.append(
            f"  sum {_write(sum(numbers))}, mean {_write(statistics.fmean(numbers))}, min {_write(min(numbers))}, "
            f"25% {_write(quarters[0])}, median {_write(quarters[1])}, 75% {_write(quarters[2])}, "
            f"max {_write(max(numbers))}"
        )
    elif column.kind == "date":
        dates = [value for value in present if isinstance(value, datetime)]
        lines.append(f"  from {min(dates):%Y-%m-%d} to {max(dates):%Y-%m-%d}" if dates else "  none readable")
    elif present and distinct < len(present):
        frequent = Counter(map(str, present)).most_common(_MOST_SHOWN)
        lines.append(f"  most frequent: {', '.join(f'{_cut(text)} ({count:,})' for text, count in frequent)}")
    elif present:
        lines.append(f"  all different, such as {', '.join(_cut(str(one)) for one in present[:3])}")
    return lines + [f"  {note}" for note in column.notes]


def find_warnings(table: Table) -> "list[str]":
    """What may spoil a count."""
    warnings = []
    rows = Counter(zip(*(map(str, column.values) for column in table.columns)))  # noqa: B905 - Python 3.9 has no strict
    doubles = sum(count - 1 for count in rows.values())
    if doubles:
        warnings.append(f"- rows that are there once more than needed: {doubles:,}")
    for column in table.columns:
        warnings += [f"- {column.name}: {one}" for one in _column_warnings(column)]
    return warnings


def _column_warnings(column: Column) -> "list[str]":
    warnings = []
    if column.unreadable:
        shown = ", ".join(map(str, column.unreadable[:_MOST_SHOWN]))
        warnings.append(f"values that are no {column.kind}: {len(column.unreadable):,} (rows {shown})")
    words = [text.lower().rstrip(": ") for text in column.texts]
    totals = sum(word in _TOTALS or word.startswith("total ") for word in words)
    if totals:
        warnings.append(f"cells that say total or the like: {totals:,}; do these rows sum up others?")
    texts = [value for value in column.values if isinstance(value, str)]
    spellings = len(set(texts)) - len({" ".join(text.casefold().split()) for text in texts})
    if spellings:
        warnings.append(f"values that differ from another by capitals or spaces alone: {spellings:,}")
    numbers = column.numbers
    if len(numbers) >= 8:  # noqa: PLR2004 - fewer have no outliers to speak of
        low, _, high = statistics.quantiles(numbers, n=4, method="inclusive")
        reach = 1.5 * (high - low)
        far = [number for number in numbers if not low - reach <= number <= high + reach]
        if far and reach > 0:
            warnings.append(f"values that lie far out: {len(far):,}, such as {_write(max(far, key=abs))}")
    return warnings


def _write(number: float) -> str:
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_SHOWN else f"{line[: _LONGEST_SHOWN - 1]}\u2026"


def main() -> int:
    """Prints the description of a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--sheet")
    given = parser.parse_args()
    try:
        print("\n".join(describe(read_table(given.file, given.sheet))))
    except UnreadableError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Filters, groups and sums a table, lists its largest rows, or compares two versions of it.

    query.py sales.csv --by region --sum amount --where "status=open"
    query.py sales.csv --by month:date --mean amount
    query.py sales.csv --top 10 amount
    query.py new.csv --against old.csv --key id

Prints tab-separated lines. Exit 0; 2 when a file or a question is not understood.
"""

import argparse
import math
import operator
import re
import statistics
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Callable  # noqa: UP035 - as Python 3.9 takes it at run time too

from table import Column, Table, UnreadableError, Value, read_table

_CONDITION = re.compile(r"\s*(.+?)\s*(<=|>=|!=|=|<|>|~)\s*(.*?)\s*$")
_PERIODS = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d", "weekday": "%u %a", "hour": "%H"}
_MEASURES = ("sum", "mean", "median", "min", "max", "distinct")
_ORDERS: "dict[str, Callable[[Any, Any], Any]]" = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPUTE: "dict[str, Callable[[list[float]], float]]" = {
    "sum": math.fsum,
    "mean": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
}
_MOST_ROWS = 500


def choose_rows(table: Table, conditions: "list[str]") -> "list[int]":
    """Returns the places of the rows for which all conditions hold; a gap is neither less nor more than anything."""
    chosen = list(range(table.row_count))
    for condition in conditions:
        match = _CONDITION.match(condition)
        if not match:
            raise UnreadableError(f"{condition!r} is no condition: write it as column=value, amount>100 or name~part.")
        holds = _read_condition(table.get(match[1]), match[2], match[3])
        chosen = [row for row in chosen if holds(row)]
    return chosen


def _read_condition(column: Column, sign: str, wanted: str) -> "Callable[[int], bool]":
    bound = _read_bound(column, wanted)
    folded = wanted.casefold()
    if sign == "~":
        return lambda row: folded in column.texts[row].casefold()
    if bound is None:  # compared as it is written
        if sign not in {"=", "!="}:
            said = f"{wanted!r} cannot be compared with {column.name}, which holds {column.kind}s."
            raise UnreadableError(said)
        return lambda row: (" ".join(column.texts[row].casefold().split()) == folded) == (sign == "=")
    compare_with = _ORDERS[sign]

    def holds(row: int) -> bool:
        value = column.values[row]
        if value is None:
            return sign == "!="
        return bool(compare_with(value.casefold() if isinstance(value, str) else value, bound))

    return holds


def _read_bound(column: Column, wanted: str) -> "Value":
    """What a condition compares with, as the column's values are; None: it is none of their kind."""
    try:
        if column.kind == "number":
            return float(wanted.replace(",", ""))
        if column.kind == "date":
            return datetime.fromisoformat(wanted)
    except ValueError:
        return None
    return wanted.casefold() or None


def group(table: Table, rows: "list[int]", keys: "list[str]", measures: "list[tuple[str, str]]") -> "list[list[str]]":
    """Returns a head and a line for each group, with the count first, and a line for all."""
    readers = [_key_reader(table, key) for key in keys]
    groups: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        groups.setdefault(tuple(read(row) for read in readers), []).append(row)
    head = [*keys, "rows", *(f"{measure} {name}" for measure, name in measures)]
    lines = [head]
    lines += [
        [*key, str(len(groups[key])), *(_measure(table, groups[key], *one) for one in measures)]
        for key in sorted(groups)
    ]
    if keys:
        all_of = ["ALL", *[""] * (len(keys) - 1)]
        lines.append([*all_of, str(len(rows)), *(_measure(table, rows, *one) for one in measures)])
    elif not groups:
        lines.append(["0", *(_measure(table, rows, *one) for one in measures)])
    return lines


def _key_reader(table: Table, key: str) -> "Callable[[int], str]":
    period, _, name = key.partition(":")
    if name and period in _PERIODS:
        column = table.get(name)

        def read_period(row: int) -> str:
            value = column.values[row]
            return value.strftime(_PERIODS[period]) if isinstance(value, datetime) else "(none)"

        if column.kind != "date":
            raise UnreadableError(f"{column.name} holds {column.kind}s and no dates, so it has no {period}.")
        return read_period
    column = table.get(key)
    return lambda row: _write(column.values[row]) if column.values[row] is not None else "(none)"


def _measure(table: Table, rows: "list[int]", measure: str, name: str) -> str:
    column = table.get(name)
    values = [column.values[row] for row in rows if column.values[row] is not None]
    if measure == "distinct":
        return str(len(set(values)))
    if measure in {"min", "max"} and column.kind == "date":
        dates = [value for value in values if isinstance(value, datetime)]
        return _write((min if measure == "min" else max)(dates)) if dates else ""
    if column.kind != "number":
        raise UnreadableError(f"{column.name} holds {column.kind}s, of which there is no {measure}.")
    numbers = [value for value in values if isinstance(value, float)]
    if not numbers:
        return ""
    return _write(float(_COMPUTE[measure](numbers)))


def list_top(table: Table, rows: "list[int]", count: int, name: str) -> "list[list[str]]":
    """Returns a head and the rows with the largest values; with a negative count, the smallest."""
    column = table.get(name)
    valued = [row for row in rows if column.values[row] is not None]
    valued.sort(key=lambda row: column.values[row], reverse=count > 0)  # type: ignore[arg-type, return-value] # of one kind
    head = [one.name for one in table.columns]
    return [head, *([_write(one.values[row]) for one in table.columns] for row in valued[: abs(count)])]


def compare(new: Table, old: Table, key: str) -> "list[list[str]]":
    """Returns what was added, removed and changed between two versions, by a column that tells rows apart."""
    sides = []
    for table in (new, old):
        values = [_write(value) for value in table.get(key).values]
        if len(set(values)) < len(values):
            raise UnreadableError(f"{key} does not tell rows apart: some value is there twice.")
        sides.append({value: row for row, value in enumerate(values)})
    now, before = sides
    shared = [column.name for column in new.columns if column.name in {one.name for one in old.columns}]
    lines = [["key", "change", "column", "before", "now"]]
    lines += [[one, "added", "", "", ""] for one in now if one not in before]
    lines += [[one, "removed", "", "", ""] for one in before if one not in now]
    for one in now.keys() & before.keys():
        for name in shared:
            was, is_now = (_write(t.get(name).values[r[one]]) for t, r in ((old, before), (new, now)))
            if was != is_now:
                lines.append([one, "changed", name, was, is_now])
    return [lines[0], *sorted(lines[1:], key=lambda line: (line[1], line[0], line[2]))]


def _write(value: "Value | object") -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}" if value != int(value) or abs(value) > 1e15 else str(int(value))  # noqa: PLR2004 - digits of a float
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d" if value.time() == datetime.min.time() else "%Y-%m-%d %H:%M:%S")
    return " ".join(str(value).split())


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--sheet")
    parser.add_argument("--where", action="append", default=[], metavar="CONDITION")
    parser.add_argument("--by", action="append", default=[], metavar="[PERIOD:]COLUMN")
    parser.add_argument("--count", action="store_true", help="the number of rows, which every answer has")
    for measure in _MEASURES:
        parser.add_argument(f"--{measure}", action="append", default=[], metavar="COLUMN")
    parser.add_argument("--top", nargs=2, metavar=("COUNT", "COLUMN"))
    parser.add_argument("--against", type=Path, metavar="OLDER")
    parser.add_argument("--key", metavar="COLUMN")
    return parser.parse_args()


def answer(given: argparse.Namespace) -> "list[list[str]]":
    """Does what the command line asks for."""
    table = read_table(given.file, given.sheet)
    if given.against:
        if not given.key:
            raise UnreadableError("--against needs --key, the column that tells rows apart.")
        return compare(table, read_table(given.against, given.sheet), given.key)
    rows = choose_rows(table, given.where)
    if given.top:
        if not re.fullmatch(r"-?\d{1,6}", given.top[0]):
            raise UnreadableError(f"{given.top[0]!r} is no count.")
        return list_top(table, rows, int(given.top[0]), given.top[1])
    measures = [(measure, name) for measure in _MEASURES for name in getattr(given, measure)]
    return group(table, rows, given.by, measures)


def main() -> int:
    """Prints the answer."""
    try:
        lines = answer(_parse())
    except UnreadableError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join("\t".join(line) for line in lines[: _MOST_ROWS + 1]))
    if len(lines) > _MOST_ROWS + 1:
        print(f"({len(lines) - 1 - _MOST_ROWS:,} more lines)")
    return 0


if __name__ == "__main__":
    sys.exit(main())

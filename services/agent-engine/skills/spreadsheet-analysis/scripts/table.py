"""Reads tables: CSV, TSV and XLSX, by the standard library alone."""

import base64
import binascii
import csv
import io
import re
import statistics
import zipfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Union
from xml.etree import ElementTree as ET

Value = Union[str, float, datetime, None]  # noqa: UP007 - Python 3.9 has no other way
GAPS = frozenset({"", "-", "--", "n/a", "na", "null", "none", "#n/a"})
ERRORS = frozenset({"#div/0!", "#ref!", "#value!", "#name?", "#num!", "#null!", "#spill!", "#calc!"})
MAX_ROWS, MAX_COLUMNS, MAX_UNPACKED = 1_000_000, 16_384, 200_000_000
_NUMBER = re.compile(r"[-+(]?[\d][\d.,' \u00a0\u202f]*%?\)?-?$|[-+(]?[.,]\d+%?\)?-?$")
_MONEY = re.compile(r"^[A-Z]{3}\s?(?=[-\d(])|(?<=[\d)])\s?[A-Z]{3}$|[$\u20ac\u00a3\u00a5\u20b9]")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?")
_PARTS = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})$")
_WORDS = re.compile(r"(\d{1,2})\.? ([A-Za-z]{3,9})\.? (\d{4})$")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DATE_FORMATS = frozenset([*range(14, 23), *range(45, 48)])


class UnreadableError(Exception):
    """The file is no table that can be read."""


@dataclass
class Column:
    """One column, its values read by the rules that fit all of it.

    Attributes:
        kind: `number`, `date`, `text` or `empty`.
        values: One a row; None is a gap, or what could not be read.
        texts: What stands in each row, as it is written.
        unreadable: Row numbers, as the file counts them, of values that do not fit the kind.
        notes: How values were read where that is not plain.
    """

    name: str
    kind: str
    values: "list[Value]"
    texts: "list[str]" = field(default_factory=list)
    unreadable: "list[int]" = field(default_factory=list)
    notes: "list[str]" = field(default_factory=list)

    @property
    def numbers(self) -> "list[float]":
        """Its numbers, gaps left out."""
        return [value for value in self.values if isinstance(value, float)]


@dataclass
class Table:
    """A table with named columns of one length.

    Attributes:
        sheets: Names of all sheets of the file; empty for CSV.
        first_row: Number of the first row of data in the file.
    """

    columns: "list[Column]"
    row_count: int
    sheets: "list[str]"
    first_row: int = 2

    def get(self, name: str) -> Column:
        """Returns a column by its name, capitals aside."""
        for column in self.columns:
            if column.name.lower() == name.strip().lower():
                return column
        raise UnreadableError(f"There is no column {name!r}. There are: {', '.join(one.name for one in self.columns)}.")


def read_table(path: Path, sheet: "str | None" = None) -> Table:
    """Reads a file; the first row that has a value in most columns is taken for the names."""
    try:
        content = path.read_bytes()
        if path.suffix == ".b64":
            content = base64.b64decode(content, validate=False)
    except (OSError, binascii.Error) as error:
        raise UnreadableError(f"{path} cannot be read: {error}") from None
    sheets: list[str] = []
    if content.startswith(b"PK\x03\x04"):
        rows, sheets = _read_xlsx(content, sheet)
    elif content.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableError("This is an old Excel file (.xls). Save it as .xlsx or CSV.")
    else:
        rows = _read_csv(content)
    return _to_table(rows, sheets)


def _read_csv(content: bytes) -> "list[list[Value]]":
    for encoding in ("utf-8-sig", "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "cp1252"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise UnreadableError("The file is no text in UTF-8, UTF-16 or Windows' encoding.")
    lines = text.splitlines()[:50]
    # The sign that cuts most lines into equally many parts, two at least.
    counts = {sign: [len(next(csv.reader([line], delimiter=sign), [])) for line in lines] for sign in ",;\t|"}
    sign = max(counts, key=lambda one: (_agreement(counts[one]), max(counts[one], default=0)))
    csv.field_size_limit(10_000_000)
    try:
        return [list(row) for row, _ in zip(csv.reader(io.StringIO(text), delimiter=sign), range(MAX_ROWS))]  # noqa: B905 - Python 3.9 has no strict
    except csv.Error as error:
        raise UnreadableError(f"This is no CSV: {error}") from None


def _agreement(counts: "list[int]") -> float:
    several = [count for count in counts if count > 1]
    return several.count(statistics.mode(several)) / len(counts) if several else 0


def _read_xlsx(content: bytes, wanted: "str | None") -> "tuple[list[list[Value]], list[str]]":
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
                raise UnreadableError(f"The file unpacks to more than {MAX_UNPACKED:,} bytes.")
            book = _parse(archive, "xl/workbook.xml")
            names = {str(one.get("name")): str(one.get(_RELATION)) for one in book.iter(f"{_SHEET}sheet")}
            name = wanted or next(iter(names), "")
            if name not in names:
                raise UnreadableError(f"There is no sheet {name!r}. There are: {', '.join(names)}.")
            targets = {one.get("Id"): str(one.get("Target")) for one in _parse(archive, "xl/_rels/workbook.xml.rels")}
            target = targets[names[name]]
            path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            is_1904 = any(one.get("date1904") in {"1", "true"} for one in book.iter(f"{_SHEET}workbookPr"))
            reader = _SheetReader(_texts(archive), _date_styles(archive), is_1904=is_1904)
            return reader.read(_parse(archive, path)), list(names)
    except (zipfile.BadZipFile, KeyError, ET.ParseError, ValueError, IndexError) as error:
        raise UnreadableError(f"This is no Excel file that can be read ({type(error).__name__}).") from None


def _parse(archive: zipfile.ZipFile, path: str) -> ET.Element:
    content = archive.read(path)
    if b"<!DOCTYPE" in content[:1000] or b"<!ENTITY" in content:
        raise UnreadableError("The file declares entities, which no spreadsheet program writes.")
    return ET.fromstring(content)  # noqa: S314 - entities are refused above


def _texts(archive: zipfile.ZipFile) -> "list[str]":
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    return [_text_of(item) for item in _parse(archive, "xl/sharedStrings.xml").iter(f"{_SHEET}si")]


def _text_of(item: ET.Element) -> str:
    """The text without the phonetic runs that East Asian files carry beside it."""
    pieces = [item.find(f"{_SHEET}t"), *(run.find(f"{_SHEET}t") for run in item.findall(f"{_SHEET}r"))]
    return "".join(piece.text or "" for piece in pieces if piece is not None)


def _date_styles(archive: zipfile.ZipFile) -> "set[int]":
    """Numbers of the cell styles that show a date."""
    if "xl/styles.xml" not in archive.namelist():
        return set()
    styles = _parse(archive, "xl/styles.xml")
    own = {
        int(str(one.get("numFmtId")))
        for one in styles.iter(f"{_SHEET}numFmt")
        if re.search(r"[dyh]|m{3}", re.sub(r"\[[^\]]*\]|\"[^\"]*\"|\\.", "", str(one.get("formatCode")).lower()))
    }
    formats = styles.find(f"{_SHEET}cellXfs")
    used = [int(one.get("numFmtId") or 0) for one in (formats if formats is not None else ())]
    return {place for place, number in enumerate(used) if number in _DATE_FORMATS or number in own}


class _SheetReader:
    def __init__(self, texts: "list[str]", date_styles: "set[int]", *, is_1904: bool) -> None:
        self._texts = texts
        self._date_styles = date_styles
        self._epoch = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - sheets have no zones

    def read(self, sheet: ET.Element) -> "list[list[Value]]":
        rows: list[list[Value]] = []
        for row in sheet.iter(f"{_SHEET}row"):
            number = int(row.get("r") or len(rows) + 1)
            if number > MAX_ROWS:
                break
            rows += [[] for _ in range(number - len(rows))]
            cells = rows[number - 1]
            for cell in row.iter(f"{_SHEET}c"):
                place = _column_number(cell.get("r")) if cell.get("r") else len(cells)
                if place < MAX_COLUMNS:
                    cells += [None] * (place + 1 - len(cells))
                    cells[place] = self._value(cell)
        return rows

    def _value(self, cell: ET.Element) -> Value:
        kind = cell.get("t")
        inline = cell.find(f"{_SHEET}is")
        if inline is not None:
            return _text_of(inline)
        held = cell.find(f"{_SHEET}v")
        text = held.text if held is not None else None
        if text is None or kind in {"str", "e"}:
            return text
        if kind == "s":
            return self._texts[int(text)]
        if kind == "b":
            return "TRUE" if text == "1" else "FALSE"
        number = float(text)
        is_date = int(cell.get("s") or 0) in self._date_styles and 0 <= number < 2_958_466  # noqa: PLR2004 - the year 9999
        return self._epoch + timedelta(days=number) if is_date else number


def _column_number(reference: "str | None") -> int:
    number = 0
    for letter in re.match(r"[A-Z]*", reference or "")[0]:  # type: ignore[index] # it always matches
        number = number * 26 + ord(letter) - 64
    return number - 1


def _to_table(rows: "list[list[Value]]", sheets: "list[str]") -> Table:
    width = max((len(row) for row in rows), default=0)
    filled = [sum(not _is_gap(value) for value in row) for row in rows]
    top = next((place for place, count in enumerate(filled) if count and count * 2 >= max(filled)), None)
    if top is None:
        raise UnreadableError("There is nothing in it.")
    data = [row + [None] * (width - len(row)) for row in rows[top + 1 :]]
    numbered = [(number, row) for number, row in enumerate(data, top + 2) if any(not _is_gap(one) for one in row)]
    names = _names(rows[top], width)
    columns = [
        _to_column(name, [row[place] for _, row in numbered], [number for number, _ in numbered])
        for place, name in enumerate(names)
    ]
    columns = [one for one in columns if one.kind != "empty" or not one.name.startswith("column ")]
    return Table(columns, len(numbered), sheets, top + 2)


def _names(row: "list[Value]", width: int) -> "list[str]":
    names: list[str] = []
    for place in range(width):
        given = row[place] if place < len(row) else None
        name = " ".join(str(given).split()) if not _is_gap(given) else f"column {place + 1}"
        names.append(name if name not in names else f"{name} ({place + 1})")
    return names


def _is_gap(value: Value) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in GAPS)


def _to_column(name: str, given: "list[Value]", numbers: "list[int]") -> Column:
    column = _read_column(name, given, numbers)
    column.texts = ["" if one is None else _as_text(one) for one in given]
    return column


def _read_column(name: str, given: "list[Value]", numbers: "list[int]") -> Column:
    texts = [one.strip() for one in given if isinstance(one, str) and not _is_gap(one)]
    readable = [one for one in texts if one.lower() not in ERRORS]
    present = len(texts) + sum(isinstance(one, (float, datetime)) for one in given)
    if present == 0:
        return Column(name, "empty", [None] * len(given))
    codes = any(re.fullmatch(r"0\d+", text) for text in readable)
    is_numeric = sum(bool(_NUMBER.match(_bare(text))) for text in readable) + sum(isinstance(v, float) for v in given)
    is_dated = sum(_is_date(text) for text in readable) + sum(isinstance(v, datetime) for v in given)
    if is_dated * 5 >= present * 4:
        return _read_dates(name, given, numbers, readable)
    if is_numeric * 5 >= present * 4 and not codes:
        return _read_numbers(name, given, numbers, readable)
    values: list[Value] = [None if _is_gap(one) else _as_text(one) for one in given]
    return Column(name, "text", values, notes=["leading zeros: read as codes"] if codes else [])


def _as_text(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.15g}"
    return value.isoformat(" ") if isinstance(value, datetime) else str(value).strip()


def _bare(text: str) -> str:
    return _MONEY.sub("", text.strip()).strip()


def _read_numbers(name: str, given: "list[Value]", rows: "list[int]", texts: "list[str]") -> Column:
    points = {_decimal_sign(_bare(text)) for text in texts} - {None}
    sign = "," if points == {","} else "."
    column = Column(name, "number", [])
    if points == {",", "."}:
        column.notes.append("decimal commas and points are mixed: read with points, the others are unreadable")
    elif sign == ",":
        column.notes.append("read with decimal commas")
    units = {match[0].strip() for text in texts for match in _MONEY.finditer(text.strip())}
    if len(units) > 1:
        column.notes.append(f"several currencies: {', '.join(sorted(units))}")
    for value, row in zip(given, rows):  # noqa: B905 - Python 3.9 has no strict
        read = value if isinstance(value, float) else _number(value, sign) if isinstance(value, str) else None
        if read is None and not _is_gap(value):
            column.unreadable.append(row)
        column.values.append(read)
    return column


def _decimal_sign(text: str) -> "str | None":
    """The decimal sign that a number shows beyond doubt."""
    text = text.strip("()+-% ")
    point, comma = text.rfind("."), text.rfind(",")
    if point >= 0 and comma >= 0:
        return "." if point > comma else ","
    last, sign = max(point, comma), "." if point > comma else ","
    if last < 0 or text.count(sign) > 1:
        return None if last < 0 else ("," if sign == "." else ".")
    return sign if len(text) - last - 1 != 3 or text.startswith(("0.", "0,")) else None  # noqa: PLR2004 - thousands


def _number(text: str, sign: str) -> "float | None":
    bare = _bare(text)
    if not _NUMBER.match(bare):
        return None
    minus = bare.startswith(("-", "(")) or bare.endswith("-")
    digits = re.sub(r"[' \u00a0\u202f()%+-]", "", bare)
    other = "," if sign == "." else "."
    if sign in digits and other in digits[digits.rfind(sign) :]:
        return None
    if other in digits and not re.fullmatch(r"\d{1,3}(?:[.,]\d{3})*", digits.split(sign, maxsplit=1)[0]):
        return None
    try:
        number = float(digits.replace(other, "").replace(sign, "."))
    except ValueError:
        return None
    number = number / 100 if "%" in bare else number
    return -number if minus else number


def _is_date(text: str) -> bool:
    return bool(_ISO.fullmatch(text) or _PARTS.match(text) or _WORDS.match(text))


def _read_dates(name: str, given: "list[Value]", rows: "list[int]", texts: "list[str]") -> Column:
    pairs = [(int(match[1]), int(match[3]), match[2]) for text in texts if (match := _PARTS.match(text))]
    column = Column(name, "date", [])
    day_first = any(first > 12 for first, _, _ in pairs)  # noqa: PLR2004 - months
    month_first = any(second > 12 for _, second, _ in pairs)  # noqa: PLR2004 - months
    if day_first and month_first:
        column.notes.append("days and months come in both orders: read with the day first where possible")
    elif pairs and not day_first and not month_first:
        has_dots = all(sign == "." for _, _, sign in pairs)
        if not has_dots:
            column.notes.append("day and month cannot be told apart: read with the month first")
        month_first = not has_dots
    for value, row in zip(given, rows):  # noqa: B905 - as above
        read = value if isinstance(value, datetime) else None
        if isinstance(value, str):
            read = _date(value.strip(), month_first=month_first and not day_first)
        if read is None and not _is_gap(value):
            column.unreadable.append(row)
        column.values.append(read)
    return column


def _date(text: str, *, month_first: bool) -> "datetime | None":
    try:
        if match := _ISO.fullmatch(text):
            return datetime(*(int(part) for part in match.groups() if part))  # type: ignore[arg-type]  # noqa: DTZ001 - sheets have no zones
        if match := _PARTS.match(text):
            first, second = int(match[1]), int(match[3])
            day, month = (second, first) if month_first else (first, second)
            return datetime(int(match[4]), month, day)  # noqa: DTZ001 - as above
        if (match := _WORDS.match(text)) and match[2][:3].lower() in _MONTHS:
            return datetime(int(match[3]), _MONTHS.index(match[2][:3].lower()) + 1, int(match[1]))  # noqa: DTZ001 - as above
    except ValueError:
        return None
    return None

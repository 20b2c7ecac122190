"""Names what stands in a summary and not in its source: numbers, dates, quotations, names.

    check_summary.py source.txt summary.txt

Exit 0 when all of it is found, 1 when something is not, 2 when a file cannot be read.
"""

import argparse
import re
import sys
import unicodedata
from pathlib import Path

_NUMBER = re.compile(r"(?<![\w.])\d[\d,.\u00a0' ]*\d|(?<![\w.])\d")
_QUOTE = re.compile(r"[\u201c\u201e\u00ab\"]([^\u201c\u201d\u201e\u00ab\u00bb\"]{3,300})[\u201d\u201c\u00bb\"]")
_NAME = re.compile(r"\b[A-Z\u00c0-\u00de][\w\u2019'-]*[a-z][\w\u2019'-]*(?:\s+[A-Z\u00c0-\u00de][\w\u2019'-]+)+")
_MARK = re.compile(r"\[computed\]|\(computed\)", re.IGNORECASE)
_SCALES = {"thousand": 3, "k": 3, "million": 6, "m": 6, "mn": 6, "billion": 9, "bn": 9, "trillion": 12}
_SCALED = re.compile(r"(\d[\d,.]*)\s?(thousand|million|billion|trillion|mn|bn|k|m)\b", re.IGNORECASE)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WORD_DATE = re.compile(
    r"\b(\d{1,2})(?:st|nd|rd|th)?\.?\s+([A-Za-z]{3,9})\.?,?\s+(\d{4})|\b([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})"
)
_ISO_DATE = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b")


def normalise(text: str) -> str:
    """Makes spellings alike that mean the same: quotes, dashes, spaces, compatibility forms."""
    text = unicodedata.normalize("NFKC", text)
    for strange, plain in (("\u2019", "'"), ("\u2018", "'"), ("\u2013", "-"), ("\u2014", "-"), ("\u00ad", "")):
        text = text.replace(strange, plain)
    return " ".join(text.split())


def find_numbers(text: str) -> "set[str]":
    """Returns the numbers of a text, thousands unseparated, scales multiplied out."""
    numbers = {_plain(number) for number in _NUMBER.findall(text)}
    for number, scale in _SCALED.findall(text):
        plain = _plain(number)
        if plain.replace(".", "", 1).isdigit():
            whole, _, part = plain.partition(".")
            zeros = _SCALES[scale.lower()]
            numbers.add((whole + part.ljust(zeros, "0")[:zeros]).lstrip("0") or "0")
    return numbers


def find_dates(text: str) -> "set[str]":
    """Returns the whole dates of a text as ISO 8601 has them."""
    dates = {"-".join(match) for match in _ISO_DATE.findall(text)}
    for day, month, year, other_month, other_day, other_year in _WORD_DATE.findall(text):
        name = (month or other_month)[:3].lower()
        if name in _MONTHS:
            dates.add(f"{year or other_year}-{_MONTHS.index(name) + 1:02}-{int(day or other_day):02}")
    return dates


def check(source: str, summary: str) -> "list[str]":
    """Returns what the source does not have, a line each."""
    source = normalise(source)
    folded, numbers, dates = source.casefold(), find_numbers(source), find_dates(source)
    missing = []
    for number, line in enumerate(summary.splitlines(), 1):
        plain = normalise(line)
        wrong = [] if _MARK.search(plain) else _find_wrong_figures(plain, numbers, dates)
        wrong += [
            f'the quotation "{quote}"'
            for quote in _QUOTE.findall(plain)
            if quote.strip(" .,;").casefold() not in folded
        ]
        wrong += [f"the name {name}" for name in _NAME.findall(plain) if not _is_named(name.casefold(), folded)]
        missing += [f"line {number}: {one}" for one in wrong]
    return missing


def _find_wrong_figures(line: str, numbers: "set[str]", dates: "set[str]") -> "list[str]":
    undated = _WORD_DATE.sub(" ", _ISO_DATE.sub(" ", line))
    return [f"the date {value}" for value in sorted(find_dates(line) - dates)] + [
        f"the number {written.strip()}"
        for written in _NUMBER.findall(undated)
        if not find_numbers(_with_scale(undated, written)) & numbers
    ]


def _is_named(name: str, source: str) -> bool:
    """A sentence's first word is written as a name is: what follows it may be the name."""
    return name in source or name.split(None, 1)[1] in source


def _with_scale(text: str, number: str) -> str:
    at = text.index(number)
    match = _SCALED.match(text, at)
    return match[0] if match else number


def _plain(number: str) -> str:
    """1,234.50 and 1.234,50 and 1 234,5 are one number."""
    digits = re.sub(r"[\u00a0' ]", "", number).strip(".,")
    last = max(digits.rfind(","), digits.rfind("."))
    if last < 0:
        return digits.lstrip("0") or "0"
    head, tail = digits[:last], digits[last + 1 :]
    separators = set(re.findall(r"[.,]", digits))
    is_grouping = len(tail) == 3 and (len(separators) == 1)  # noqa: PLR2004 - thousands
    if is_grouping:
        return re.sub(r"[.,]", "", digits).lstrip("0") or "0"
    head = re.sub(r"[.,]", "", head).lstrip("0") or "0"
    tail = tail.rstrip("0")
    return f"{head}.{tail}" if tail else head


def main() -> int:
    """Prints what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("summary", type=Path)
    given = parser.parse_args()
    try:
        source, summary = (path.read_text(encoding="utf-8-sig") for path in (given.source, given.summary))
    except (OSError, UnicodeDecodeError) as error:
        print(f"A file cannot be read: {error}", file=sys.stderr)
        return 2
    missing = check(source, summary)
    print("\n".join(["Not found in the source:", *missing]) if missing else "Everything that can be checked is found.")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

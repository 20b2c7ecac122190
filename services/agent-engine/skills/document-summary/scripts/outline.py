"""Shows how a text from standard input is built: headings, lengths, and lines that hold what a summary must not lose.

outline.py [--lines 8] < document.txt
"""

import argparse
import re
import sys

_HEADING = re.compile(r"^(#{1,6})\s+(\S.*)$|^((?:\d+\.)*\d+\.?)\s+([A-Z\u00c0-\u00de].{0,80})$")
_UNDERLINE = re.compile(r"^(=|-){3,}\s*$")
_MAX_HEADING = 90
_KINDS = (
    ("Figures", r"[$\u20ac\u00a3\u00a5]\s?\d|\d[\d.,]*\s?(%|percent|million|billion|bn|EUR|USD|GBP)"),
    ("Dates", r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b\d{1,2}\.? [A-Z][a-z]+ \d{4}\b"),
    ("Duties", r"(?i)\b(shall|must|is required to|are required to|agrees? to|undertakes?|no later than)\b"),
    ("Conditions", r"(?i)\b(unless|provided that|except|subject to|notwithstanding|only if)\b"),
    ("Open", r"(?i)\?\s*$|\b(TBD|to be (decided|confirmed|agreed)|unclear|unknown|not yet)\b"),
    ("Conclusions", r"(?i)\b(we (conclude|recommend|propose|find)|in summary|in conclusion|decided)\b"),
)


def find_headings(lines: "list[str]") -> "list[tuple[int, int, str]]":
    """Returns line number, level and text of each heading: Markdown's, underlined, or numbered."""
    found = []
    for number, line in enumerate(lines, 1):
        match = _HEADING.match(line.strip())
        if match and match[1]:
            found.append((number, len(match[1]), match[2]))
        elif match and not line.rstrip().endswith((".", ",", ";")):
            found.append((number, match[3].strip(".").count(".") + 1, line.strip()))
        elif line.strip() and len(line) <= _MAX_HEADING and number < len(lines) and _UNDERLINE.match(lines[number]):
            found.append((number, 1 if lines[number].startswith("=") else 2, line.strip()))
    return found


def outline(text: str, most: int) -> "list[str]":
    """Returns the outline, a line each."""
    lines = text.splitlines()
    words = [len(line.split()) for line in lines]
    result = [f"{sum(words):,} words, {len(lines):,} lines, about {max(1, round(sum(words) / 230))} min to read"]
    headings = find_headings(lines)
    result.append("" if headings else "No headings.")
    starts = [number for number, _, _ in headings] + [len(lines) + 1]
    for (number, level, title), end in zip(headings, starts[1:]):  # noqa: B905 - Python 3.9 has no strict
        result.append(f"{number:>6}  {'  ' * (level - 1)}{title}  ({sum(words[number : end - 1]):,} words)")
    for kind, pattern in _KINDS:
        hits = [number for number, line in enumerate(lines, 1) if re.search(pattern, line)]
        if hits:
            result += ["", f"{kind}: {len(hits)} line(s)"]
            result += [f"{number:>6}  {' '.join(lines[number - 1].split())[:140]}" for number in hits[:most]]
    return result


def main() -> int:
    """Prints the outline of standard input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=8, help="lines to show of each kind")
    most = parser.parse_args().lines
    text = sys.stdin.read()
    if not text.strip():
        print("Standard input is empty: give the document there.", file=sys.stderr)
        return 2
    print("\n".join(outline(text, most)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Reads a unified diff from standard input: numbers its added lines, and lists what is worth a look.

    read_diff.py [--context] < change.diff

Exit 0; 2 if the input is no unified diff.
"""

import argparse
import re
import sys
from dataclasses import dataclass, field

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_SIGNS = (
    ("secret", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}")),
    (
        "secret",
        re.compile(r"(?i)\b(password|passwd|secret|token|api_?key)\b[\"']?\s*[:=]\s*[\"'][^\"'\s$<{]{8,}[\"']"),
    ),
    ("conflict marker", re.compile(r"^(<{7} |={7}$|>{7} )")),
    ("debugging", re.compile(r"\b(breakpoint\(\)|pdb\.set_trace|console\.log\(|debugger;|var_dump\(|dbg!\()")),
    (
        "test switched off",
        re.compile(r"@(pytest\.mark\.)?(skip|xfail)|\b(it|test|describe)\.(skip|only)\(|\bxit\(|t\.Skip"),
    ),
    ("check switched off", re.compile(r"#\s*(noqa|type:\s*ignore|nosec)|eslint-disable|@SuppressWarnings|nolint")),
    ("left for later", re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")),
    ("runs a text", re.compile(r"\b(eval|exec)\(|shell\s*=\s*True|os\.system\(|pickle\.loads?\(|yaml\.load\(")),
    ("checks no certificate", re.compile(r"verify\s*=\s*False|InsecureSkipVerify|rejectUnauthorized:\s*false")),
    ("catches everything", re.compile(r"^\s*except\s*(BaseException|Exception)?\s*:|catch\s*\(\s*(\.\.\.|Throwable)")),
)
_SHOWN = 200


@dataclass
class File:
    """One file of the diff.

    Attributes:
        lines: Number in the new file (None: the line is gone), sign, text.
    """

    path: str
    lines: "list[tuple[int | None, str, str]]" = field(default_factory=list)

    def count(self, sign: str) -> int:
        """Counts the lines with a sign."""
        return sum(line[1] == sign for line in self.lines)


def read_diff(text: str) -> "list[File]":
    """Returns the files of a diff; the counts of each hunk decide where it ends, and not what its lines look like."""
    files: list[File] = []
    old_left = new_left = number = 0
    for line in text.splitlines():
        if old_left > 0 or new_left > 0:
            sign, rest = (line[:1] or " "), line[1:]
            if sign == "\\":
                continue
            files[-1].lines.append((None if sign == "-" else number, sign, rest))
            old_left -= sign != "+"
            new_left -= sign != "-"
            number += sign != "-"
        elif line.startswith("+++ "):
            files.append(File(_name(line[4:])))
        elif line.startswith("--- "):
            before = _name(line[4:])
        elif files and (hunk := _HUNK.match(line)):
            old_left, new_left = (int(count) if count is not None else 1 for count in (hunk[1], hunk[3]))
            number = int(hunk[2])
            if files[-1].path == "/dev/null":
                files[-1].path = f"{before} (removed)"
    return files


def find_signs(files: "list[File]") -> "list[str]":
    """Lists what is worth a look among the added lines; secrets are named and not repeated."""
    found = []
    for file in files:
        for number, sign, text in file.lines:
            if sign != "+":
                continue
            kind = next((kind for kind, pattern in _SIGNS if pattern.search(text)), None)
            if kind is not None:
                shown = "(not shown)" if kind == "secret" else text.strip()[:_SHOWN]
                found.append(f"{file.path}:{number}: {kind}: {shown}")
    return found


def _name(text: str) -> str:
    path = text.split("\t", maxsplit=1)[0].strip().strip('"')
    return path[2:] if path.startswith(("a/", "b/")) else path


def main() -> int:
    """Prints what the diff holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--context", action="store_true", help="print unchanged lines too")
    show_context = parser.parse_args().context
    files = read_diff(sys.stdin.read())
    if not files:
        print("This is no unified diff: no line begins with '+++ '. `git diff` makes one.", file=sys.stderr)
        return 2
    print(f"{len(files)} file(s)")
    for file in files:
        print(f"\n{file.path}: +{file.count('+')} -{file.count('-')}")
        for number, sign, text in file.lines:
            if sign == " " and not show_context:
                continue
            print(f"{number if number is not None else '':>6} {sign} {text}".rstrip())
    signs = find_signs(files)
    print("\nWorth a look:" if signs else "\nNothing stands out by its look alone.")
    print("\n".join(signs))
    return 0


if __name__ == "__main__":
    sys.exit(main())

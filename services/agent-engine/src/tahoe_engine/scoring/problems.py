"""What is wrong with a scorecard, said so that its author can mend it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tahoe_core.errors import InvalidInputError

type Location = tuple[str | int, ...]
"""Keys and indexes that lead to a value, for instance `("requirements", 3, "checks", 0, "patterns")`."""

type Lines = Mapping[Location, int]
"""The 1-based line on which each value of a file begins; for an entry of a mapping, the line of its key."""


@dataclass(frozen=True)
class Problem:
    """One mistake.

    Attributes:
        source: The file, or what else the scorecard came from.
        line: 1-based line in the source; None when it has no lines.
    """

    source: str
    location: Location
    message: str
    line: int | None = None

    @property
    def path(self) -> str:
        """The location as people write it: `requirements[3].checks[0].patterns`."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.location)
        return "".join(steps).removeprefix(".")

    def __str__(self) -> str:
        """One line: `support.yaml:12: requirements[3].weight: must be above 0.`."""
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return f"{place}: {self.path}: {self.message}" if self.location else f"{place}: {self.message}"


class ScorecardError(InvalidInputError):
    """A scorecard cannot be used; `problems` lists every mistake that was found, in the order of the file."""

    title = "Invalid scorecard"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        first = self.problems[0]
        if len(self.problems) == 1:
            message = str(first)
        else:
            message = "\n  ".join((f"{first.source} has {len(self.problems)} problems:", *map(str, self.problems)))
        super().__init__(message, field=".".join(map(str, first.location)) or None)


def line_of(lines: Lines | None, location: Location) -> int | None:
    """Returns the line of a value, or of the nearest thing around it that the file holds."""
    if lines is None:
        return None
    return next((lines[location[:end]] for end in range(len(location), -1, -1) if location[:end] in lines), None)


def listed(words: Sequence[str]) -> str:
    """Lists words in backticks."""
    return ", ".join(f"`{word}`" for word in words)

"""What is wrong with a skill, with file and line."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tahoe_core.errors import InvalidInputError


class Severity(StrEnum):
    """How bad it is.

    `fatal`: the skill cannot be used. `error`: it breaks the specification, and is used all the same, since many
    skills in the world do. `warning`: it keeps to the specification, and could be better.
    """

    FATAL = "fatal"
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class SkillProblem:
    """One thing that is wrong.

    Attributes:
        line: 1-based; None: the file as a whole.
        message: A sentence that says what is wrong, and what is allowed.
    """

    file: Path
    line: int | None
    severity: Severity
    message: str

    def __str__(self) -> str:
        """As compilers write it, so that editors can jump there."""
        return f"{self.file}:{self.line or 1}: {self.severity}: {self.message}"


class SkillError(InvalidInputError):
    """A skill cannot be used; it lists everything that is wrong.

    Args:
        problems: At least one.
    """

    title = "Unusable skill"

    def __init__(self, problems: Sequence[SkillProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)

"""What reading gives: an interaction or a failure, each with the place that it comes from."""

from dataclasses import dataclass, replace

from tahoe_core.errors import ReadError, TahoeError
from tahoe_engine.interactions.formats.options import Format
from tahoe_engine.models.interaction import Interaction


@dataclass(frozen=True, slots=True)
class Source:
    """A place in a file.

    Attributes:
        path: The file as the user named it; `-` is standard input.
        line: 1-based; of the record in a JSONL file, or of the fault.
        position: Where it is in a JSON document, for instance `[3]` or `train[0]`; empty for the whole of it.
    """

    path: str
    line: int | None = None
    position: str = ""

    def __str__(self) -> str:
        line = "" if self.line is None else f":{self.line}"
        separator = "." if self.position and not self.position.startswith("[") else ""
        return f"{self.path}{line}{separator}{self.position}"


@dataclass(frozen=True, slots=True)
class ReadInteraction:
    """An interaction that could be read.

    Attributes:
        notes: What is not certain about it, for a person: unknown roles, times without a zone, parts left out.
    """

    source: Source
    format: Format
    interaction: Interaction
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """A file, or a part of one, that could not be read.

    Attributes:
        error: To be raised by who wants it so.
    """

    source: Source
    error: TahoeError

    @property
    def message(self) -> str:
        """What is wrong, for a person."""
        return self.error.message

    @property
    def cure(self) -> str:
        """What to do about it."""
        return self.error.cure

    def __str__(self) -> str:
        return f"{self.source}: {self.error}"


type ReadItem = ReadInteraction | ReadFailure


def failure(source: Source, error: TahoeError) -> ReadFailure:
    """Makes a failure at a place; where the place has no line, the error's own line completes it."""
    if isinstance(error, ReadError):
        source = source if source.line is not None else replace(source, line=error.line)
        error.path, error.line = source.path, source.line
    return ReadFailure(source, error)

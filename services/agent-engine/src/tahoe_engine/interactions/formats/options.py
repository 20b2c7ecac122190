"""How the reader is told to read."""

from dataclasses import dataclass, field
from enum import StrEnum

from tahoe_core.errors import InvalidInputError
from tahoe_core.near_names import did_you_mean
from tahoe_engine.interactions.formats.field_map import FieldMap
from tahoe_engine.interactions.formats.times import check_zone

MEBIBYTE = 1024 * 1024


class Format(StrEnum):
    """The formats that are read; JSON and JSONL hold records of any shape, the next two insist on one."""

    JSON = "json"
    JSONL = "jsonl"
    TAHOE = "tahoe"
    OPENAI = "openai"
    TEXT = "text"
    EMAIL = "email"
    VTT = "vtt"
    SRT = "srt"


JSON_FORMATS = frozenset({Format.JSON, Format.JSONL, Format.TAHOE, Format.OPENAI})


def get_format(name: str) -> Format:
    """Returns the format of that name.

    Raises:
        InvalidInputError: There is none; near names are suggested.
    """
    try:
        return Format(name.strip().lower())
    except ValueError:
        raise InvalidInputError(
            f"Unknown format {name!r}.{did_you_mean(name, list(Format))}",
            cure=f"Use one of {', '.join(Format)}, or leave it out: the format is recognised from the content.",
            field="format",
        ) from None


@dataclass(frozen=True)
class ReadOptions:
    """What the caller knows about the source.

    Attributes:
        format: Overrules recognition.
        time_zone: IANA name or offset for times that come without one.
        max_bytes: Most bytes of one document: of a file, or of one line of a JSONL file.
    """

    format: Format | None = None
    field_map: FieldMap = field(default_factory=FieldMap)
    time_zone: str | None = None
    max_bytes: int = 64 * MEBIBYTE

    def __post_init__(self) -> None:
        """Refuses a time zone that there is not, once rather than for every file."""
        if self.time_zone is not None:
            check_zone(self.time_zone)

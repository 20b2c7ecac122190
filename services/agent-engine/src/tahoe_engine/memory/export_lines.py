"""Memories as lines of text: JSONL, one version a line."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from tahoe_core.db.storable import refuse_unstorable
from tahoe_core.errors import InvalidInputError, ReadError, TahoeError
from tahoe_engine.db.repositories.memory_row import NewMemory
from tahoe_engine.memory.preparing import prepare, to_create
from tahoe_engine.models.memory_models import MemoryCreate, MemoryRecord, Tag

_BOM = b"\xef\xbb\xbf"
_CURE = "Nothing of it was imported."
_LARGEST_VERSION = 2**31 - 1
_GROWN = ("tags", "source_message_ids", "related_to")
"""Merging may have gathered more of these than may be added at once."""
_TAGS = TypeAdapter(list[Tag])


@dataclass(frozen=True, slots=True)
class ExportLine:
    """One line of an export, read.

    Attributes:
        number: 1-based.
        row: What would be written; None for one that was erased.
    """

    number: int
    record: MemoryRecord
    row: NewMemory | None


def write_line(record: MemoryRecord) -> bytes:
    """Returns a version as a line, its end included."""
    return record.model_dump_json().encode() + b"\n"


def read_lines(data: bytes) -> Sequence[ExportLine]:
    """Reads an export, all of it before anything is done with it; empty lines are passed over.

    Raises:
        ReadError: A line is no memory; it says which and why, never what stands there.
    """
    lines = enumerate(data.removeprefix(_BOM).split(b"\n"), start=1)
    return [_read(number, line) for number, line in lines if line.strip()]


def _read(number: int, line: bytes) -> ExportLine:
    try:
        record = MemoryRecord.model_validate_json(line, strict=True)
        return ExportLine(number, record, _prepare(record) if record.erased_at is None else None)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        why = f"{where}: {first['msg']}" if where else first["msg"]
    except TahoeError as error:
        why = str(error)
    raise ReadError(f"Line {number} is no memory as an export writes it: {why.rstrip('.')}.", line=number, cure=_CURE)


def _prepare(record: MemoryRecord) -> NewMemory:
    """Makes a row of it, held to what may be added, which is less than a record can say."""
    if not 1 <= record.version <= _LARGEST_VERSION:
        raise InvalidInputError("version: it counts from 1.")
    create = to_create(record)
    refuse_unstorable(create.content, "content")
    MemoryCreate.model_validate(create.model_dump(exclude={*_GROWN}))
    _TAGS.validate_python(record.tags)
    return prepare(create)

"""JSONL: a record a line, read as it streams; or a turn a line, which makes one conversation of the file."""

from collections.abc import Iterator

from pydantic import JsonValue

from tahoe_core.errors import PayloadTooLargeError, ReadError
from tahoe_engine.interactions.formats.encoding import decode
from tahoe_engine.interactions.formats.generic_turns import is_turn_list
from tahoe_engine.interactions.formats.json_text import parse_json
from tahoe_engine.interactions.formats.options import JSON_FORMATS, Format, ReadOptions
from tahoe_engine.interactions.formats.recognise import JSONL_EXTENSIONS, extension
from tahoe_engine.interactions.formats.records import list_records
from tahoe_engine.interactions.formats.turn_lists import holds_turns
from tahoe_engine.interactions.record_reading import read_one_record
from tahoe_engine.interactions.results import ReadItem, Source, failure
from tahoe_engine.interactions.stream_head import BOM, StreamHead


def is_jsonl(head: StreamHead, name: str, options: ReadOptions) -> bool:
    """Tells a record a line from one document: the first line is a whole one, and not the only one."""
    if options.format in (Format.JSON, Format.JSONL):
        return options.format is Format.JSONL
    if options.format is not None and options.format not in JSON_FORMATS:
        return False
    if head.first in (b"[", b"{"):
        return False  # a document printed over many lines, whatever its extension
    if extension(name) in JSONL_EXTENSIONS:
        return True
    return bool(head.second) and head.first.startswith((b"[", b"{")) and _find_value(head.first) is not None


def read_json_lines(head: StreamHead, source: Source, options: ReadOptions) -> Iterator[ReadItem]:
    """Yields what each line holds; a line that cannot be read is a failure, and the others are done.

    Raises:
        ReadError: The lines are turns, and one is broken: without it the conversation would not be the same.
    """
    if all(_is_a_turn(line, options) for line in (head.first, head.second) if line):
        turns = [
            _parse(line, number, 0)
            for number, line in enumerate(head.read_all().removeprefix(BOM).split(b"\n"), start=1)
            if line.strip()
        ]
        for record in list_records(turns, options.field_map):
            yield read_one_record(record, source, options, Format.JSONL)
        return
    for number, (offset, line) in enumerate(head.iterate_lines(), start=1):
        place = Source(source.path, number)
        if isinstance(line, PayloadTooLargeError):
            yield failure(place, line)
            continue
        content = line.removeprefix(BOM) if number == 1 else line
        if content.strip():
            yield from _read_line(content, offset, place, options)


def _read_line(line: bytes, offset: int, place: Source, options: ReadOptions) -> Iterator[ReadItem]:
    try:
        value = _parse(line, place.line or 1, offset)
        records = list_records(value, options.field_map)
    except ReadError as error:
        yield failure(place, error)
        return
    for record in records:
        yield read_one_record(record, place, options, Format.JSONL)


def _parse(line: bytes, number: int, offset: int) -> JsonValue:
    try:
        return parse_json(decode(line, first_byte=offset), first_line=number)
    except ReadError as error:
        error.line = number
        raise


def _find_value(line: bytes) -> JsonValue:
    try:
        return parse_json(decode(line))
    except ReadError:
        return None


def _is_a_turn(line: bytes, options: ReadOptions) -> bool:
    value = _find_value(line)
    return is_turn_list([value], options.field_map) and not holds_turns(value, options.field_map)

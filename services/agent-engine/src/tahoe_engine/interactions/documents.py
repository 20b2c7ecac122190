"""One document, whatever its format: bytes in, interactions and failures out."""

from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from tahoe_core.errors import ReadError, TahoeError
from tahoe_engine.interactions.formats.encoding import decode
from tahoe_engine.interactions.formats.json_text import parse_json
from tahoe_engine.interactions.formats.options import JSON_FORMATS, Format, ReadOptions
from tahoe_engine.interactions.formats.recognise import recognise
from tahoe_engine.interactions.formats.records import Record, list_records
from tahoe_engine.interactions.json_lines import is_jsonl, read_json_lines
from tahoe_engine.interactions.record_reading import read_one_record, read_one_text
from tahoe_engine.interactions.results import ReadItem, Source, failure
from tahoe_engine.interactions.stream_head import StreamHead


def read_document(data: bytes | str, name: str, options: ReadOptions | None = None) -> list[ReadItem]:
    """Reads a document that is already in memory, for instance one that was uploaded.

    Args:
        data: The document; bytes are decoded as a file would be.
        name: Its file name: a hint at the format, and what failures speak of.
        options: What is known about it.
    """
    encoded = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return list(read_stream(BytesIO(encoded), name, options or ReadOptions()))


def read_stream(stream: BinaryIO, name: str, options: ReadOptions) -> Iterator[ReadItem]:
    """Yields what a stream holds, in its order; what cannot be read is a value, not an exception."""
    source = Source(name)
    try:
        yield from _read(StreamHead(stream, options.max_bytes), source, options)
    except OSError as error:
        cure = "Check the file and its permissions."
        yield failure(source, ReadError(f"Cannot be read: {error.strerror or error}.", cure=cure))
    except TahoeError as error:
        yield failure(source, error)


def _read(head: StreamHead, source: Source, options: ReadOptions) -> Iterator[ReadItem]:
    if head.is_utf16:
        utf8 = decode(head.read_all()).encode()
        # The same text may be half as long again in UTF-8; the limit was held to above.
        head = StreamHead(BytesIO(utf8), max(options.max_bytes, len(utf8)))
    if not head.first:
        raise ReadError("The file is empty.", cure="Give a file that holds at least one interaction.")
    if is_jsonl(head, source.path, options):
        yield from read_json_lines(head, source, options)
    else:
        yield from _read_whole(decode(head.read_all()), source, options)


def _read_whole(text: str, source: Source, options: ReadOptions) -> Iterator[ReadItem]:
    recognised = options.format or recognise(text, source.path, options.field_map)
    if recognised not in JSON_FORMATS:
        yield read_one_text(text, source, options, recognised)
        return
    document = parse_json(text)
    if options.format is Format.TAHOE and isinstance(document, dict):
        records = [Record(document)]  # its reader says better what is wrong than a search for turns
    else:
        records = list_records(document, options.field_map)
    for record in records:
        yield read_one_record(record, source, options, Format.JSON)

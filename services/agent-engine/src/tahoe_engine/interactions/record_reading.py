"""One record, or one text, to an interaction or a failure."""

from tahoe_core.errors import ReadError, TahoeError
from tahoe_engine.interactions.formats.assembly import assemble
from tahoe_engine.interactions.formats.captions import read_srt, read_vtt
from tahoe_engine.interactions.formats.draft import InteractionDraft
from tahoe_engine.interactions.formats.email_thread import read_email_thread
from tahoe_engine.interactions.formats.generic import read_record
from tahoe_engine.interactions.formats.options import Format, ReadOptions
from tahoe_engine.interactions.formats.plain_text import read_plain_text
from tahoe_engine.interactions.formats.records import Record
from tahoe_engine.interactions.results import ReadInteraction, ReadItem, Source, failure


def read_one_record(record: Record, source: Source, options: ReadOptions, container: Format) -> ReadItem:
    """Reads one record of a JSON document or of a line."""
    place = Source(source.path, source.line, record.position)
    try:
        interaction, notes = assemble(read_record(record, options), options)
    except RecursionError:
        return failure(place, ReadError("It nests too deep to be an interaction.", cure="Flatten it."))
    except TahoeError as error:
        return failure(place, error)
    return ReadInteraction(place, container, interaction, notes)


def read_one_text(text: str, source: Source, options: ReadOptions, text_format: Format) -> ReadItem:
    """Reads one document that is no JSON."""
    try:
        interaction, notes = assemble(_draft(text, text_format, options), options)
    except TahoeError as error:
        return failure(source, error)
    return ReadInteraction(source, text_format, interaction, notes)


def _draft(text: str, text_format: Format, options: ReadOptions) -> InteractionDraft:
    if text_format is Format.EMAIL:
        return read_email_thread(text)
    readers = {Format.VTT: read_vtt, Format.SRT: read_srt, Format.TEXT: read_plain_text}
    return readers[text_format](text, options.field_map)

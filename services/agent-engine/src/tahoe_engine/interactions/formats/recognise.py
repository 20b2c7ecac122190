"""Which format a document is in: by its content, with its extension as a hint."""

from pathlib import PurePath

from tahoe_core.errors import ReadError
from tahoe_engine.interactions.formats.captions import looks_like_srt, looks_like_vtt
from tahoe_engine.interactions.formats.email_thread import looks_like_email
from tahoe_engine.interactions.formats.field_map import FieldMap
from tahoe_engine.interactions.formats.options import Format
from tahoe_engine.interactions.formats.plain_text import looks_like_plain_text

JSONL_EXTENSIONS = frozenset({".jsonl", ".ndjson"})
_BY_EXTENSION = {
    ".json": Format.JSON,
    ".vtt": Format.VTT,
    ".srt": Format.SRT,
    ".txt": Format.TEXT,
    ".text": Format.TEXT,
    ".md": Format.TEXT,
    ".log": Format.TEXT,
    ".eml": Format.EMAIL,
}
_CURE = (
    "Tahoe reads JSON and JSONL (its own, OpenAI messages, or turns under a usual name), plain text with speaker "
    "labels (`Agent: …`), e-mail threads, WebVTT and SRT; --format says which one it is."
)


def recognise(text: str, name: str, field_map: FieldMap) -> Format:
    """Returns the format of a document.

    Args:
        text: The whole document.
        name: Its file name, whose extension decides where the content does not.
        field_map: Names that are known to be speakers.

    Raises:
        ReadError: It is none that is known.
    """
    start = text.lstrip()
    by_name = _BY_EXTENSION.get(extension(name))
    if looks_like_vtt(text):
        return Format.VTT
    if start.startswith(("{", "[")) and not (start.startswith("[") and _is_text(text, field_map)):
        return Format.JSON
    if looks_like_srt(text):
        return Format.SRT
    if looks_like_email(text):
        return Format.EMAIL
    if by_name in (Format.JSON, Format.VTT, Format.SRT, Format.EMAIL):
        return by_name  # its reader says what is wrong with it
    if _is_text(text, field_map) or by_name is Format.TEXT:
        return Format.TEXT
    kind = _known_stranger(start)
    raise ReadError(
        f"Unknown format{f': it looks like {kind}' if kind else ''}. Tried JSON, e-mail, WebVTT, SRT and plain text "
        "with speaker labels.",
        cure=_CURE,
    )


def extension(name: str) -> str:
    """Returns the extension of a file name in lower case, with its dot."""
    return PurePath(name).suffix.lower()


def _is_text(text: str, field_map: FieldMap) -> bool:
    """Tells plain text; of what begins with a bracket, only `[00:01:02] Agent: …` is."""
    first = text.lstrip().partition("\n")[0] if text.lstrip().startswith("[") else text
    return looks_like_plain_text(first, field_map)


def _known_stranger(start: str) -> str:
    if start.startswith(("<?xml", "<!DOCTYPE", "<html", "<")):
        return "XML or HTML"
    first = start.partition("\n")[0]
    if first.count(",") > 1 or "\t" in first:
        return "a table (CSV)"
    return ""

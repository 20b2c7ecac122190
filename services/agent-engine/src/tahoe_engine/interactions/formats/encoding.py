"""Bytes to text: UTF-8, or UTF-16 that says so; anything else is refused rather than guessed."""

import codecs

from tahoe_core.errors import ReadError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MAGIC = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a zip archive or an Office document",
    b"\x1f\x8b": "a gzip file",
    b"RIFF": "a sound or video file",
    b"ID3": "a sound file",
    b"OggS": "a sound file",
    b"fLaC": "a sound file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"SQLite format 3": "an SQLite database",
    b"PAR1": "a Parquet file",
}


def is_utf16(data: bytes) -> bool:
    """Tells whether the bytes begin with a UTF-16 byte order mark."""
    return data.startswith(_UTF16)


def decode(data: bytes, *, first_byte: int = 0) -> str:
    """Decodes a document, without its byte order mark.

    Args:
        data: The whole document, or one line of it.
        first_byte: Where `data` begins in its file, so that errors name the file's own offsets.

    Raises:
        ReadError: It is binary, or in an encoding that does not say its name.
    """
    if is_utf16(data):
        return _decode_utf16(data)
    refuse_binary(data, first_byte=first_byte)
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        mark = len(data) - len(error.object)
        at = first_byte + mark + error.start
        raise ReadError(
            f"Not UTF-8: byte 0x{error.object[error.start]:02X} at offset {at} does not fit.",
            line=error.object.count(b"\n", 0, error.start) + 1,
            cure="Save it as UTF-8, for instance with `iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW`.",
        ) from None


def refuse_binary(data: bytes, *, first_byte: int = 0) -> None:
    """Raises when the bytes are no text.

    Raises:
        ReadError: They begin like a known binary format, or hold a NUL.
    """
    kind = next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)
    if kind is not None and first_byte == 0:
        raise ReadError(f"This is {kind}, not text.", cure="Export the transcript as JSON, plain text, WebVTT or SRT.")
    nul = data.find(b"\0")
    if nul >= 0:
        raise ReadError(
            f"This is binary: a NUL byte stands at offset {first_byte + nul}.",
            cure="Give a text file; UTF-16 is read when it begins with its byte order mark.",
        )


def _decode_utf16(data: bytes) -> str:
    try:
        text = data.decode("utf-16")
    except UnicodeDecodeError as error:
        raise ReadError(
            f"Not UTF-16, though its byte order mark says so: offset {error.start} does not fit.",
            cure="Save it as UTF-8.",
        ) from None
    if "\0" in text:
        raise ReadError(
            f"This is binary: a NUL character stands at offset {text.index(chr(0)) * 2 + 2}.", cure="Give a text file."
        )
    return text

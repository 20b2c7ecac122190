"""Reading interactions from files, folders, globs and standard input: lazily, in a stable order, errors as values."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tahoe_core.errors import ReadError
from tahoe_engine.interactions.documents import read_document, read_stream
from tahoe_engine.interactions.files import STANDARD_INPUT, list_files
from tahoe_engine.interactions.formats.field_map import FieldMap
from tahoe_engine.interactions.formats.options import Format, ReadOptions, get_format
from tahoe_engine.interactions.results import ReadFailure, ReadInteraction, ReadItem, Source, failure

__all__ = [
    "FieldMap",
    "Format",
    "ReadFailure",
    "ReadInteraction",
    "ReadItem",
    "ReadOptions",
    "Source",
    "count_files",
    "get_format",
    "read_document",
    "read_paths",
]


def read_paths(paths: Iterable[str], options: ReadOptions | None = None) -> Iterator[ReadItem]:
    """Yields every interaction, and every failure in its place; one file is open at a time.

    Args:
        paths: Files, folders, globs, and `-` for standard input.
        options: What is known about them.
    """
    options = options or ReadOptions()
    for item in list_files(paths):
        if isinstance(item, ReadError):
            yield failure(Source(item.path or ""), item)
        elif item == STANDARD_INPUT:
            yield from read_stream(sys.stdin.buffer, item, options)
        else:
            yield from _read_file(item, options)


def count_files(paths: Iterable[str]) -> int:
    """Returns how many files `read_paths` will open, for a progress bar."""
    return sum(not isinstance(item, ReadError) for item in list_files(paths))


def _read_file(path: str, options: ReadOptions) -> Iterator[ReadItem]:
    try:
        with Path(path).open("rb") as stream:
            yield from read_stream(stream, path, options)
    except OSError as error:
        cure = "Check the file and its permissions."
        yield failure(Source(path), ReadError(f"Cannot be opened: {error.strerror or error}.", cure=cure))

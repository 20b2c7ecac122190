"""From what the user names to files: paths, folders, globs and standard input."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tahoe_core.errors import ReadError
from tahoe_engine.interactions.formats.near_names import did_you_mean

STANDARD_INPUT = "-"
EXTENSIONS = frozenset({".json", ".jsonl", ".ndjson", ".txt", ".text", ".md", ".eml", ".email", ".vtt", ".srt", ".log"})
_MAGIC = frozenset("*?[")


def list_files(paths: Iterable[str]) -> Iterator[str | ReadError]:
    """Yields each file once: the arguments in their order, what a folder or a glob holds sorted by name.

    Folders are searched for the known extensions; hidden files and folders are passed over, and links to folders
    are not followed. A path that leads to nothing is an error in its place.
    """
    seen: set[str] = set()
    for path in paths:
        for item in _expand(path):
            if isinstance(item, ReadError):
                yield item
            elif (real := item if item == STANDARD_INPUT else os.path.realpath(item)) not in seen:
                seen.add(real)
                yield item


def _expand(path: str) -> Iterator[str | ReadError]:
    if path == STANDARD_INPUT:
        yield path
    elif os.path.isdir(path):
        yield from _found(_walk(path), path, f"Nothing to read in the folder {path!r}: no {_extensions()} file.")
    elif os.path.lexists(path):
        yield path
    elif _MAGIC & set(path):
        matches = sorted(glob.glob(os.path.expanduser(path), recursive=True))
        files = (item for match in matches for item in ([match] if not os.path.isdir(match) else []))
        yield from _found(files, path, f"No file matches {path!r}.")
    else:
        yield ReadError(f"There is no file {path!r}.{_near(path)}", path=path, cure="Check the path.")

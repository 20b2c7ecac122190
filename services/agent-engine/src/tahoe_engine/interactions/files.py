"""From what the user names to files: paths, folders, globs and standard input."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tahoe_core.errors import ReadError
from tahoe_core.near_names import did_you_mean

STANDARD_INPUT = "-"
EXTENSIONS = (".json", ".jsonl", ".ndjson", ".txt", ".text", ".log", ".eml", ".vtt", ".srt")


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
                continue
            real = item if item == STANDARD_INPUT else os.path.realpath(item)
            if real not in seen:
                seen.add(real)
                yield item


def _expand(path: str) -> Iterator[str | ReadError]:
    if path == STANDARD_INPUT:
        yield path
    elif Path(path).is_dir():
        yield from _or_error(
            _walk(path), path, f"Nothing to read in {path!r}: no file in it ends in a known extension."
        )
    elif Path(path).exists() or not glob.has_magic(path):
        yield path if Path(path).exists() else _missing(path)
    else:
        matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207  # Path.glob takes no absolute patterns
        files = (file for match in matches for file in (_walk(match) if Path(match).is_dir() else [match]))
        yield from _or_error(files, path, f"No file matches {path!r}.")


def _walk(folder: str) -> Iterator[str]:
    for here, folders, files in Path(folder).walk():
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and name.lower().endswith(EXTENSIONS):
                yield str(here / name)


def _or_error(files: Iterator[str], path: str, message: str) -> Iterator[str | ReadError]:
    empty = True
    for file in files:
        empty = False
        yield file
    if empty:
        yield ReadError(message, path=path, cure=f"Known extensions: {', '.join(EXTENSIONS)}; other files go by name.")


def _missing(path: str) -> ReadError:
    try:
        siblings = [entry.name for entry in Path(path).parent.iterdir()]
    except OSError:
        siblings = []
    hint = did_you_mean(Path(path).name, siblings)
    return ReadError(f"There is no file {path!r}.{hint}", path=path, cure="" if hint else "Check the path.")

"""The files of a skill, level 3 of disclosure: listed and read, and never one outside its folder."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tahoe_core.errors import InvalidInputError, NotFoundError, PayloadTooLargeError
from tahoe_core.near_names import did_you_mean
from tahoe_engine.skills.skill import Skill

MAX_FILES = 1000
MAX_DEPTH = 8
MAX_TEXT_BYTES = 5 * 1024 * 1024
MAX_CHARACTERS_A_READ = 40_000
_SKIPPED = frozenset(
    {".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".DS_Store"}
)
_OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe must not hold the reader up
_BYTES_LOOKED_AT = 8192


@dataclass(frozen=True, slots=True)
class SkillFile:
    """A file of a skill.

    Attributes:
        path: Relative to the skill's folder, with slashes.
    """

    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class FileExtract:
    """What was read of a file.

    Attributes:
        text: None: the file is binary.
        offset: Number of characters before the extract.
        total_characters: Of the whole file; None: it is binary.
    """

    path: str
    size_bytes: int
    text: str | None
    offset: int = 0
    total_characters: int | None = None

    @property
    def next_offset(self) -> int | None:
        """Where to read on; None: this is the end."""
        if self.text is None or self.total_characters is None:
            return None
        end = self.offset + len(self.text)
        return end if end < self.total_characters else None


def list_files(skill: Skill) -> tuple[SkillFile, ...]:
    """Lists the files that can be read, sorted by path; at most 1,000, and eight folders deep."""
    found: list[SkillFile] = []
    for file in _walk(skill.folder, "", 0):
        found.append(file)
        if len(found) == MAX_FILES:
            break
    return tuple(sorted(found, key=lambda file: file.path))


def read_file(skill: Skill, path: str, *, offset: int = 0, limit: int = MAX_CHARACTERS_A_READ) -> FileExtract:
    """Reads a text of a skill, or says that it is binary.

    Args:
        skill: Whose file.
        path: Relative to the skill's folder.
        offset: Number of characters to leave out.
        limit: The most characters to return; 40,000 at most.

    Raises:
        NotFoundError: There is no such file.
        InvalidInputError: The path leads out of the skill's folder.
        PayloadTooLargeError: The file is larger than 5 MiB.
    """
    try:
        content = read_bytes(skill.folder, path, MAX_TEXT_BYTES)
    except NotFoundError as error:
        hint = did_you_mean(path, (file.path for file in list_files(skill)))
        raise NotFoundError(f"{error.message}{hint}", cure=error.cure) from None
    if b"\0" in content[:_BYTES_LOOKED_AT]:
        return FileExtract(path, len(content), None)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return FileExtract(path, len(content), None)
    start = max(offset, 0)
    extract = text[start : start + min(limit, MAX_CHARACTERS_A_READ)]
    return FileExtract(path, len(content), extract, start, len(text))


def read_bytes(folder: Path, path: str, limit: int) -> bytes:
    """Reads a file of a folder as it is.

    Raises:
        NotFoundError: There is no such file.
        InvalidInputError: The path leads out of the folder.
        PayloadTooLargeError: The file is larger than the limit in bytes.
    """
    descriptor = open_inside(folder, path)
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise PayloadTooLargeError(f"{path} is larger than {limit:,} bytes, which is the most that is read.")
    return content


def open_inside(folder: Path, path: str) -> int:
    """Opens a regular file below a folder for reading, and returns its descriptor.

    A symbolic link is followed where it stays within. Folder by folder and without following anything, so that a link
    that is put there between the look and the opening leads nowhere.

    Raises:
        NotFoundError: There is no such file.
        InvalidInputError: The path leads out of the folder.
    """
    root = folder.resolve()
    if not path or "\0" in path or path.startswith(("/", "\\")) or ".." in Path(path).parts:
        raise _outside(path)
    try:
        parts = (root / path).resolve().relative_to(root).parts
    except ValueError:
        raise _outside(path) from None
    except (OSError, RuntimeError):  # a name that is too long, links in a circle
        raise _missing(path) from None
    try:
        return _open_parts(root, parts)
    except OSError:
        raise _missing(path) from None


def _open_parts(root: Path, parts: tuple[str, ...]) -> int:
    descriptor = os.open(root, _OPEN_FLAGS | os.O_DIRECTORY)
    try:
        for place, part in enumerate(parts):
            flags = _OPEN_FLAGS if place == len(parts) - 1 else _OPEN_FLAGS | os.O_DIRECTORY
            inner = os.open(part, flags, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileNotFoundError
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _walk(root: Path, inside: str, depth: int) -> Iterator[SkillFile]:
    """Lists the files below a folder of the skill, named as from its root with a slash at the end."""
    try:  # paths are texts here, as this runs in every turn and pathlib is slow
        entries = sorted(os.scandir(root / inside), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name in _SKIPPED:
            continue
        path = f"{inside}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            if depth < MAX_DEPTH:
                yield from _walk(root, f"{path}/", depth + 1)
            continue
        try:
            if entry.is_file() and (not entry.is_symlink() or Path(entry.path).resolve().is_relative_to(root)):
                yield SkillFile(path, entry.stat().st_size)
        except OSError:  # a link in a circle, or a file that has just gone
            continue


def _outside(path: str) -> InvalidInputError:
    return InvalidInputError(
        f"{path!r} is not within the skill's folder.",
        cure="Give a path relative to the skill's folder, such as references/guide.md.",
        field="path",
    )


def _missing(path: str) -> NotFoundError:
    return NotFoundError(f"The skill has no file {path!r}.")

"""The identity of an embedded Tahoe: one team and its service token, made on first use and kept in the home.

Two files of one line each, `team_id` and `service_token`: `$(cat ~/.tahoe/service_token)` is all a script needs.
"""

import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from pydantic import SecretStr

from tahoe_core.errors import ReadError, UnavailableError
from tahoe_core.security.service_token import create_service_token, is_well_formed

TEAM_FILE = "team_id"
TOKEN_FILE = "service_token"  # noqa: S105 - a file's name
PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
MAX_BYTES = 1024


@dataclass(frozen=True)
class Identity:
    """Whose data it is, and what proves it."""

    team_id: UUID
    token: SecretStr


def load_identity(home: Path) -> Identity:
    """Returns the home's identity, made on first use.

    Processes that start at once end with the same one: each file has a single winner, and everybody reads it back.

    Raises:
        ReadError: A file is damaged, or others than its owner can read it. It is refused and not mended: a token that
            stood open may be known already, so a person decides whether it is still good.
        UnavailableError: The home cannot be made or written.
    """
    try:
        home.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        _refuse_shared_directory(home)
        team = _read_or_create(home / TEAM_FILE, lambda: str(uuid4()))
        token = _read_or_create(home / TOKEN_FILE, lambda: create_service_token().get_secret_value())
    except OSError as error:
        raise UnavailableError(
            f"The home {home} cannot be used: {error.strerror or error}.",
            cure="Free or mend that disk, or set TAHOE_HOME to a directory of yours.",
        ) from error
    try:
        team_id = UUID(team)
    except ValueError:
        raise _damaged(home / TEAM_FILE) from None
    if not is_well_formed(token):
        raise _damaged(home / TOKEN_FILE)
    return Identity(team_id, SecretStr(token))


def _read_or_create(path: Path, make: Callable[[], str]) -> str:
    try:
        return _read(path)
    except FileNotFoundError:
        _create(path, make())
        return _read(path)


def _create(path: Path, text: str) -> None:
    """Puts a whole file in place, or leaves the one that another process put there first.

    A link to a finished file: unlike a rename it never replaces, unlike O_EXCL on the name itself nobody reads a half.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink()
    _sync_directory(path.parent)


def _read(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        _refuse_open_file(path, status)
        content = file.read(MAX_BYTES)
    try:
        return content.decode("ascii").strip()
    except UnicodeDecodeError:
        raise _damaged(path) from None


def _refuse_open_file(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ReadError(f"{path} is not a file.", path=str(path), cure="Move it away; Tahoe then makes a new one.")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise ReadError(
            f"{path} can be read by others (mode {stat.S_IMODE(status.st_mode):04o}).",
            path=str(path),
            cure=f"If nobody has seen it, run: chmod 600 '{path}'. Else delete it; Tahoe then makes a new one.",
        )
    if status.st_uid not in {0, os.geteuid(), path.parent.stat().st_uid}:  # root works in the homes of others too
        raise ReadError(
            f"{path} belongs to another user.", path=str(path), cure="Set TAHOE_HOME to a directory of yours."
        )


def _refuse_shared_directory(home: Path) -> None:
    """Refuses a home where anybody could put files of their own; a group may, where the umask is 002.

    What the group cannot do is to pass its files off as ours, since each file must be its owner's alone.
    """
    mode = stat.S_IMODE(home.stat().st_mode)
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise ReadError(
            f"{home} can be written by everybody (mode {mode:04o}).",
            path=str(home),
            cure=f"Run: chmod o-w '{home}', or set TAHOE_HOME to a directory of yours.",
        )


def _damaged(path: Path) -> ReadError:
    return ReadError(
        f"{path} is damaged.", path=str(path), cure="Restore it, or delete it; Tahoe then makes a new one."
    )


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

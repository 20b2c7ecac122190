"""What a failure of Postgres or of the system means, and what to do about it."""

import contextlib
import errno
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tahoe_core.errors import EmbeddedPostgresError

_SHOWN_LOG_LINES = 8
_FULL_BYTES = 1_000_000


class Retry(StrEnum):
    """Whether another attempt can succeed without anyone doing anything."""

    NO = "no"
    ON_ANOTHER_PORT = "on another port"
    LATER = "later"


@dataclass(frozen=True)
class KnownCause:
    """A cause that shows in what Postgres writes (its messages are always English here)."""

    pattern: re.Pattern[str]
    problem: str
    cure: str
    retry: Retry = Retry.NO


@dataclass(frozen=True)
class Failure:
    """An end of the server that nobody asked for."""

    error: EmbeddedPostgresError
    retry: Retry


_DISK_FULL = ("The disk is full.", "Free some space and try again; what was stored before is not lost.")
_READ_ONLY = (
    "The file system is mounted read-only.",
    "Set TAHOE_HOME to a directory that can be written to, or mount this one for writing.",
)
_DENIED = (
    "Permission denied.",
    "Give the directory back to the user that Tahoe runs as (chown), or set TAHOE_HOME to another one.",
)
_NO_QUOTA = ("The disk quota is used up.", _DISK_FULL[1])
_SYSTEM_CAUSES = {
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: _NO_QUOTA,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.ENOTDIR: ("A file stands where a directory should be.", "Set TAHOE_HOME to a directory."),
    errno.EEXIST: ("A file stands where a directory should be.", "Set TAHOE_HOME to a directory."),
    errno.ELOOP: ("A link stands where a file of Tahoe's own should be.", "Remove the link and try again."),
    errno.ENAMETOOLONG: ("The path is too long for this system.", "Set TAHOE_HOME to a shorter path."),
}

KNOWN_CAUSES = (
    KnownCause(
        re.compile(r"No space left on device.*shared memory|could not resize shared memory"),
        "There is not enough shared memory.",
        "Give /dev/shm more room (docker run --shm-size=256m) and try again.",
    ),
    KnownCause(
        re.compile(r"pre-existing shared memory block"),
        "Processes of a crashed Postgres still work on the data.",
        "They end by themselves when their query is done; try again in a moment.",
        Retry.LATER,
    ),
    KnownCause(
        re.compile(r"Address already in use|could not bind IPv4 address"),
        "The port is in use by another program.",
        "End the program that uses it, or try again: another port will be chosen.",
        Retry.ON_ANOTHER_PORT,
    ),
    KnownCause(re.compile(r"No space left on device|Disk full"), *_DISK_FULL),
    KnownCause(re.compile(r"Disk quota exceeded"), *_NO_QUOTA),
    KnownCause(re.compile(r"Read-only file system"), *_READ_ONLY),
    KnownCause(
        re.compile(r"incompatible with (this version|server)|was initialized by PostgreSQL version"),
        "The data directory was made by another major version of PostgreSQL.",
        "Use the Tahoe version that made it, or set TAHOE_HOME to another directory.",
    ),
    KnownCause(
        re.compile(r"could not (create|map|attach|get).*shared memory|shmget|Cannot allocate memory"),
        "The system gives Postgres no shared memory.",
        "Close other programs, or raise the limits on memory of this machine or container.",
    ),
    KnownCause(
        re.compile(r"wrong ownership|must be started by the user that owns"),
        "The data directory belongs to another user than the one that runs Postgres.",
        "Run Tahoe as its owner, or give the directory back (chown -R).",
    ),
    KnownCause(
        re.compile(r"invalid permissions"),
        "Others may read the data directory, which Postgres refuses.",
        "Take the permission away: chmod -R go= on the data directory.",
    ),
    KnownCause(re.compile(r"Permission denied"), *_DENIED),
    KnownCause(
        re.compile(r"could not locate a valid checkpoint|invalid checkpoint record|checksum (verification )?fail"),
        "The data directory is damaged.",
        "Restore it from a backup; keep a copy of it as it is before you try anything else.",
    ),
)


def explain_text(text: str) -> KnownCause | None:
    """The known cause that shows in what a Postgres program wrote; the most telling one first."""
    return next((cause for cause in KNOWN_CAUSES if cause.pattern.search(text)), None)


def explain_end(what: str, text: str, directory: Path) -> Failure:
    """Why a Postgres program ended early.

    Args:
        what: What did not succeed, a whole clause: "Postgres did not start in /home/me/.tahoe/postgres".
        text: What the program wrote, or the end of it.
        directory: Where it writes: on a full disk the log says nothing, so the space is looked at too.
    """
    cause = explain_text(text)
    if cause is None and _is_full(directory):
        cause = KnownCause(re.compile(""), *_DISK_FULL)
    lines = "\n".join(text.splitlines()[-_SHOWN_LOG_LINES:])
    said = f"\nIt said:\n{lines}\n" if lines else " It wrote nothing to its log."
    if cause is None:
        error = EmbeddedPostgresError(f"{what}.{said}", cure="Run `tahoe doctor`; the log has the details.")
        return Failure(error, Retry.NO)
    return Failure(EmbeddedPostgresError(f"{what}: {cause.problem}{said}", cure=cause.cure), cause.retry)


@contextlib.contextmanager
def system_errors_explained(what: str) -> Iterator[None]:
    """Turn an error of the operating system into one that names the cure.

    Args:
        what: What was being done, a whole clause: "Postgres could not be started in /home/me/.tahoe".
    """
    try:
        yield
    except OSError as error:
        problem, cure = _SYSTEM_CAUSES.get(error.errno or 0, (f"{error.strerror or error}.", "Run `tahoe doctor`."))
        place = f" ({error.filename})" if error.filename else ""
        raise EmbeddedPostgresError(f"{what}: {problem}{place}", cure=cure) from error
    except subprocess.SubprocessError as error:
        raise EmbeddedPostgresError(f"{what}: {error}", cure="Run `tahoe doctor`.") from error


def _is_full(directory: Path) -> bool:
    return shutil.disk_usage(directory).free < _FULL_BYTES

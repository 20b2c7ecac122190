"""What a failure of Postgres or of the system means, and what to do about it."""

import contextlib
import errno
import re
import shutil
import subprocess
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from tahoe_core.errors import EmbeddedPostgresError

_SHOWN_LOG_LINES = 8
_FULL_BYTES = 1_000_000
_LOOK = "Run `tahoe doctor`, and see the log."


class Retry(StrEnum):
    """Whether another attempt can succeed without anyone doing anything."""

    NO = "no"
    ON_ANOTHER_PORT = "on another port"
    LATER = "later"


class Cause(NamedTuple):
    """What is wrong and what to do about it, a sentence each."""

    problem: str
    cure: str
    retry: Retry = Retry.NO


class Failure(NamedTuple):
    """An end of the server that nobody asked for."""

    error: EmbeddedPostgresError
    retry: Retry


_DISK_FULL = Cause("The disk is full.", "Free some space and try again; what was stored before is not lost.")
_NO_QUOTA = Cause("The disk quota is used up.", "Free some space and try again; what was stored before is not lost.")
_READ_ONLY = Cause(
    "The file system is mounted read-only.",
    "Mount it for writing, or set TAHOE_HOME to a directory that can be written to.",
)
_DENIED = Cause(
    "Permission denied.",
    "Give the directory back to the user that Tahoe runs as (chown), or set TAHOE_HOME to another one.",
)
_NO_DIRECTORY = Cause("A file stands where a directory should be.", "Set TAHOE_HOME to a directory.")

# What Postgres writes (its messages are always English here); the first that fits is the most telling.
_BY_MESSAGE = {
    r"could not resize shared memory": Cause(
        "There is not enough shared memory.", "Give /dev/shm more room (docker run --shm-size=256m) and try again."
    ),
    r"pre-existing shared memory block": Cause(
        "Processes of a crashed Postgres still work on the data.",
        "They end by themselves when their query is done; try again in a moment.",
        Retry.LATER,
    ),
    r"could not (create|map|attach|get).*shared memory|shmget|Cannot allocate memory": Cause(
        "The system gives Postgres no shared memory.",
        "Close other programs, or raise the limits on memory of this machine or container.",
    ),
    r"Address already in use": Cause(
        "The port is in use by another program.",
        "End the program that uses it, or stop Tahoe and start it again: it will choose another port.",
        Retry.ON_ANOTHER_PORT,
    ),
    r"No space left on device": _DISK_FULL,
    r"Disk quota exceeded": _NO_QUOTA,
    r"Read-only file system": _READ_ONLY,
    r"database files are incompatible with server": Cause(
        "The data directory was made by another version of PostgreSQL.",
        "Use the Tahoe version that made it, or set TAHOE_HOME to another directory.",
    ),
    r"has wrong ownership|must be started by the user that owns": Cause(
        "The data directory belongs to another user than the one that runs Postgres.",
        "Run Tahoe as its owner, or give the directory back (chown -R).",
    ),
    r"has invalid permissions": Cause(
        "Others may read the data directory, which Postgres refuses.",
        "Take the permission away: chmod -R go= on the data directory.",
    ),
    r"Permission denied": _DENIED,
    r"could not locate a valid checkpoint|invalid checkpoint record|checksum": Cause(
        "The data directory is damaged.",
        "Keep a copy of it as it is before you try anything else, then restore it from a backup.",
    ),
}

_BY_NUMBER = {
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: _NO_QUOTA,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.ENOTDIR: _NO_DIRECTORY,
    errno.EEXIST: _NO_DIRECTORY,
    errno.ELOOP: Cause("A link stands where a file of Tahoe's own should be.", "Remove the link and try again."),
    errno.ENAMETOOLONG: Cause("The path is too long for this system.", "Set TAHOE_HOME to a shorter path."),
}


def find_cause(text: str) -> Cause | None:
    """The known cause that shows in what a Postgres program wrote."""
    return next((cause for pattern, cause in _BY_MESSAGE.items() if re.search(pattern, text)), None)


def explain_end(what: str, text: str, directory: Path) -> Failure:
    """Why a Postgres program ended early.

    Args:
        what: What did not succeed, a whole clause: "Postgres did not start in /home/me/.tahoe/postgres".
        text: What the program wrote, or the end of it.
        directory: Where it writes: on a full disk the log says nothing, so the space is looked at too.
    """
    cause = find_cause(text) or (_DISK_FULL if shutil.disk_usage(directory).free < _FULL_BYTES else None)
    lines = "".join(f"\n  {line}" for line in text.splitlines()[-_SHOWN_LOG_LINES:]) or " nothing."
    problem = f"{what}: {cause.problem}" if cause else f"{what}."
    error = EmbeddedPostgresError(f"{problem} It wrote:{lines}\n", cure=cause.cure if cause else _LOOK)
    return Failure(error, cause.retry if cause else Retry.NO)


@contextlib.contextmanager
def system_errors_explained(what: str) -> Iterator[None]:
    """Turn an error of the operating system into one that names the cure.

    Args:
        what: What did not succeed, a whole clause: "Postgres could not be started in /home/me/.tahoe".
    """
    try:
        yield
    except OSError as error:
        cause = _BY_NUMBER.get(error.errno or 0, Cause(f"{error.strerror or error}.", _LOOK))
        place = f" ({error.filename})" if error.filename else ""
        raise EmbeddedPostgresError(f"{what}: {cause.problem}{place}", cure=cause.cure) from error
    except subprocess.SubprocessError as error:
        raise EmbeddedPostgresError(f"{what}: {error}", cure=_LOOK) from error

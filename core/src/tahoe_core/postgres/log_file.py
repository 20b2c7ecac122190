"""The server's log: one file in the home, kept small.

The file is opened here and handed to the server as its standard error. So it can lie in a home which the server's
account cannot enter, and no collector process is needed. Opened for appending, it can be emptied while the server
writes: its next line starts at the new end.
"""

import contextlib
import os
import shutil
from typing import BinaryIO

from tahoe_core.postgres.home import Home

LOG_LIMIT_BYTES = 5_000_000
_TAIL_BYTES = 8_000


def open_log(home: Home) -> BinaryIO:
    """The log, open for appending; ``tell()`` is where the next start's lines begin."""
    descriptor = os.open(home.log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    home.give_to_owner(descriptor)
    file = os.fdopen(descriptor, "ab", buffering=0)
    file.seek(0, os.SEEK_END)
    return file


def read_log_tail(home: Home, begin: int = 0) -> str:
    """The last lines, from the byte ``begin`` at the earliest; empty when there is no log."""
    try:
        with home.log_file.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(begin if begin <= size else 0, size - _TAIL_BYTES))  # it may have been cut meanwhile
            return file.read().decode(errors="replace").strip()
    except FileNotFoundError:
        return ""


def trim_log(home: Home, limit_bytes: int = LOG_LIMIT_BYTES) -> None:
    """Move a log that has grown past the limit to ``postgres.log.1`` and begin anew.

    Lines written between the copy and the cut are lost, and the copy where there is no room for it; a log that
    fills the disk would be worse. Nothing fails because of a log.
    """
    with contextlib.suppress(OSError):
        if home.log_file.stat().st_size <= limit_bytes:
            return
        with contextlib.suppress(OSError):
            _copy_aside(home)
        os.truncate(home.log_file, 0)


def _copy_aside(home: Home) -> None:
    aside = home.log_file.with_name(f"{home.log_file.name}.1")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as target, home.log_file.open("rb") as source:
        home.give_to_owner(descriptor)
        shutil.copyfileobj(source, target)

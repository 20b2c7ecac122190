"""Who uses the embedded Postgres of a home: its users share a lock, so that none stops it under another."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_FILE = "in_use.lock"


@contextmanager
def present(home: Path) -> Iterator[None]:
    """Counts this process among the users of the home's Postgres; in a home that cannot be written to, nobody is."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            fcntl.flock(stack.enter_context(_open(home)), fcntl.LOCK_SH)
        yield


@contextmanager
def alone(home: Path) -> Iterator[bool]:
    """Says whether nobody uses the home's Postgres; then nobody begins to while the context lasts."""
    with contextlib.ExitStack() as stack:
        is_alone = True
        try:
            fcntl.flock(stack.enter_context(_open(home)), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_alone = False
        except OSError:
            pass  # Nobody could write the lock file, as in `present`.
        yield is_alone


@contextmanager
def _open(home: Path) -> Iterator[int]:
    descriptor = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)

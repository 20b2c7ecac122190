"""One process at a time starts, stops or provisions in a home."""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator

from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.postgres.home import Home

LOCK_SECONDS = 60.0
_POLL_SECONDS = 0.05


@contextlib.contextmanager
def home_lock(home: Home, wait_seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the home's lock; the system lets go of it when the process dies, however it dies.

    Raises:
        EmbeddedPostgresError: Another process has held it all the time; the message names its pid.
    """
    descriptor = _open_lock_file(home)
    try:
        _acquire(home, descriptor, time.monotonic() + wait_seconds)
        with contextlib.suppress(OSError):  # the pid is for people; a full disk must not keep anyone from stopping
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _open_lock_file(home: Home) -> int:
    flags = os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(home.lock_file, os.O_RDWR | os.O_CREAT | flags, 0o600)
    except OSError as error:
        if error.errno != errno.EROFS or not home.lock_file.exists():
            raise
        return os.open(home.lock_file, os.O_RDONLY | flags)
    home.give_to_owner(descriptor)
    return descriptor


def _acquire(home: Home, descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
                raise EmbeddedPostgresError(
                    f"Another tahoe process (pid {holder}) is starting, stopping or setting up Postgres in {home.root}"
                    " and has not finished.",
                    cure=f"Wait for it, or end it (kill {holder}) and try again.",
                ) from None
            time.sleep(_POLL_SECONDS)
        else:
            return

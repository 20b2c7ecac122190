"""A pseudo-terminal: a program in it behaves as it does before a person."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROWS, COLUMNS = 40, 100
TIMEOUT_SECONDS = 60.0
_BYTES = 65536


class Terminal:
    """Runs a command while the block lasts.

    Args:
        command: What is run.
        environment: All of it.
        directory: Where.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], directory: Path) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        # It leads a session of its own, of which this becomes the controlling terminal: so Ctrl-C reaches it. Nor is
        # that ignored, as it is by whatever a shell runs in the background, perhaps the tests as well.
        wrapped = ("setsid", "--ctty", "--wait", "env", "--default-signal=INT", *command)
        self._process = subprocess.Popen(
            wrapped, stdin=theirs, stdout=theirs, stderr=theirs, cwd=directory, env=dict(environment)
        )
        os.close(theirs)
        self._seen = b""
        self._place = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hangs up, as closing the window does."""
        os.close(self._ours)
        try:
            self._process.wait(TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    @property
    def seen(self) -> str:
        """All that was shown so far."""
        return self._seen.decode(errors="replace")

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def wait_for(self, text: str, timeout: float = TIMEOUT_SECONDS) -> float:
        """Reads on until a text is shown, after the one that was waited for before; returns the moment."""
        end = time.monotonic() + timeout
        while (found := self._seen.find(text.encode(), self._place)) < 0:
            if not self._read(end - time.monotonic()):
                raise AssertionError(f"{text!r} was not shown after:\n{self.seen}")
        self._place = found + len(text.encode())
        return time.monotonic()

    def wait_for_end(self, timeout: float = TIMEOUT_SECONDS) -> int:
        """Reads to the end, and returns the exit status."""
        end = time.monotonic() + timeout
        while self._read(end - time.monotonic()):
            pass
        return self._process.wait(max(1.0, end - time.monotonic()))

    def _read(self, timeout: float) -> bool:
        """Reads what comes; False at the end, or where nothing came in time."""
        if not select.select([self._ours], [], [], max(0.0, timeout))[0]:
            return False
        try:
            came = os.read(self._ours, _BYTES)
        except OSError:  # Linux's way to say that the other side is closed
            return False
        self._seen += came
        return bool(came)

"""The server process of a data directory: who it is, and whether it answers."""

import contextlib
import os
import socket
import struct
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tahoe_core.postgres.processes import find_works_in, is_alive, list_arguments

HOST = "127.0.0.1"
_POLL_SECONDS = 0.02
_PROBE_SECONDS = 2.0
_PORT_LINE = 3
_PROTOCOL_3_0 = 196608


@dataclass(frozen=True)
class Postmaster:
    """A live server; ``port`` is 0 for the first moments, before it has written one."""

    pid: int
    port: int


class Answer(StrEnum):
    """What comes back from the port."""

    READY = "ready"
    NOT_YET = "not yet"  # it starts up, recovers or shuts down
    SILENCE = "silence"  # nothing listens, or not Postgres


def find_postmaster(data_dir: Path) -> Postmaster | None:
    """The server that runs on this directory, by ``postmaster.pid`` and by what the process really is.

    In doubt (the system hides the working directory and the command line names none) it counts as running: to take
    a live server for dead costs data, the other mistake a clear error.
    """
    lines = _read_lock_file(data_dir)
    pid = _leading_pid(lines)
    if pid is None or not _runs_on(pid, data_dir):
        return None
    port = lines[_PORT_LINE] if len(lines) > _PORT_LINE else ""
    return Postmaster(pid=pid, port=int(port) if port.isdigit() else 0)


def remove_stale_lock_file(data_dir: Path) -> None:
    """Remove a ``postmaster.pid`` whose number some process has that is not its server.

    Postgres does so itself when no process has the number. But it refuses to start when the number was given out
    again (after a reboot, or in a container, where numbers are always the same), or when its old self is a zombie
    that nobody reaps. Its check for processes that still use the shared memory stands behind us in any case.
    """
    pid = _leading_pid(_read_lock_file(data_dir))
    if pid is not None and _is_taken(pid) and not _runs_on(pid, data_dir):
        (data_dir / "postmaster.pid").unlink(missing_ok=True)


def ask(port: int) -> Answer:
    """Begin a login and see whether the server would go on with it, as ``pg_isready`` does; no login takes place."""
    parameters = b"user\0postgres\0database\0postgres\0\0"
    try:
        with socket.create_connection((HOST, port), timeout=_PROBE_SECONDS) as connection:
            connection.sendall(struct.pack("!II", len(parameters) + 8, _PROTOCOL_3_0) + parameters)
            reply = connection.recv(1024)
    except OSError:
        return Answer.SILENCE
    if reply[:1] not in {b"R", b"E"}:
        return Answer.SILENCE
    # 57P03 is cannot_connect_now; any other error ("too many clients") comes from a server that is up.
    return Answer.NOT_YET if reply[:1] == b"E" and b"C57P03\0" in reply else Answer.READY


def wait_until_ready(pid: int, data_dir: Path, deadline: float) -> Postmaster | None:
    """The server once it accepts logins; None when it ended or the deadline (monotonic) passed first."""
    while is_alive(pid) and time.monotonic() < deadline:
        postmaster = find_postmaster(data_dir)
        if postmaster and postmaster.pid == pid and ask(postmaster.port) is Answer.READY:
            return postmaster
        time.sleep(_POLL_SECONDS)
    return None


def end(pid: int, signal_number: int, wait_seconds: float) -> bool:
    """Send the signal and wait; True when the process is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal_number)
    deadline = time.monotonic() + wait_seconds
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _read_lock_file(data_dir: Path) -> list[str]:
    try:
        return (data_dir / "postmaster.pid").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []


def _leading_pid(lines: list[str]) -> int | None:
    """The process id; None for an empty file, and for the negative one of a single-user backend."""
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def _is_taken(pid: int) -> bool:
    """Whether the number belongs to any process, a zombie included."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _runs_on(pid: int, data_dir: Path) -> bool:
    arguments = list_arguments(pid)
    if not arguments or not is_alive(pid) or not Path(arguments[0]).name.startswith("postgres"):
        return False
    works_here = find_works_in(pid, data_dir)
    if works_here is not None:
        return works_here
    if "-D" not in arguments[:-1]:
        return True
    try:
        return data_dir.samefile(arguments[arguments.index("-D") + 1])
    except FileNotFoundError:
        return True  # it may have been moved here
    except PermissionError:
        return False

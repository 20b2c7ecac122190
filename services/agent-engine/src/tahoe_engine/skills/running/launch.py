"""The process between Tahoe and a script: it gives up what the script shall not have, starts it, and ends it.

It runs in an interpreter of its own, since rights that are given up do not come back. Standard library alone, so that
it starts in some ten milliseconds. It is told a plan as JSON, and writes two lines of JSON to a pipe: what keeps the
script in, and how it ended.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tahoe_engine.skills.running import landlock, privileges

_DIE_WITH_PARENT, _ADOPT_ORPHANS = 1, 36
_LAST_MOMENTS_S = 5
_COULD_NOT_START = 126
_OPEN_FILES = 256
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


@dataclass(frozen=True)
class Plan:
    """What to run, and within which bounds.

    Attributes:
        command: Interpreter, script and arguments.
        environment: All of it.
        folder: Where it starts; it may write there and in `writable`.
        address_bytes: None: not bounded, as some interpreters reserve more than there is.
        processes: Threads count too.
        needs_isolation: Whether it is not run at all where the kernel cannot keep files and secrets from it.
    """

    command: list[str]
    environment: dict[str, str]
    folder: str
    readable: list[str]
    writable: list[str]
    timeout_s: float
    cpu_s: int
    address_bytes: int | None
    data_bytes: int
    file_bytes: int
    processes: int
    needs_isolation: bool


def main() -> None:
    """Reads the plan from the first argument, and the number of the pipe from the second."""
    plan, pipe = Plan(**json.loads(sys.argv[1])), int(sys.argv[2])
    os.set_inheritable(pipe, False)
    began_s = time.monotonic()
    _prctl(_ADOPT_ORPHANS, 1)
    has_namespaces = privileges.leave_namespaces()
    child = os.fork()
    if child == 0:
        _become_script(plan, pipe, has_namespaces=has_namespaces)
    ended = _wait(child, plan.timeout_s)
    _end_descendants()
    _tell(pipe, ended | {"duration_s": time.monotonic() - began_s})


def _become_script(plan: Plan, pipe: int, *, has_namespaces: bool) -> NoReturn:
    """Gives everything up and becomes the script."""
    try:
        user = privileges.choose_user()
        version = landlock.find_version()
        # In a user namespace only its own tasks are counted, and so are those of a user of its own; else all of ours.
        others = 0 if has_namespaces or user is not None else privileges.count_tasks(os.getuid())
        _limit(plan, others)
        os.chdir(plan.folder)
        if user is not None:
            _become(user, plan, may_pass_folders=version > 0)
        _prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        keeps_files = landlock.confine(plan.readable, (*plan.writable, *_DEVICES))
        network = "none" if has_namespaces else ("no_tcp" if keeps_files and version >= 4 else "open")  # noqa: PLR2004 - Landlock's version with TCP
        is_refused = plan.needs_isolation and not keeps_files
        _tell(pipe, {"network": network, "files": keeps_files, "refused": is_refused})
        if not is_refused:
            for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores both, and what it starts would too
                signal.signal(number, signal.SIG_DFL)
            os.execve(plan.command[0], plan.command, plan.environment)  # noqa: S606 - a shell is what is not wanted
    except OSError as error:
        _tell(pipe, {"could_not_start": error.strerror})
    finally:
        os._exit(_COULD_NOT_START)


def _become(user: int, plan: Plan, *, may_pass_folders: bool) -> None:
    """Becomes another user than root; some containers leave root no right to, and then it stays."""
    is_reachable = privileges.is_reachable(plan.command[0]) and privileges.is_reachable(plan.folder)
    with suppress(PermissionError):
        for folder in plan.writable:
            os.chown(folder, user, user)
            for parent, inner, files in os.walk(folder):
                for name in (*inner, *files):
                    os.chown(Path(parent) / name, user, user, follow_symlinks=False)
        privileges.become(user, may_pass_folders=may_pass_folders and not is_reachable)


def _limit(plan: Plan, others: int) -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: plan.cpu_s,
        resource.RLIMIT_DATA: plan.data_bytes,
        resource.RLIMIT_FSIZE: plan.file_bytes,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_NPROC: plan.processes + others,
    }
    if plan.address_bytes is not None:
        limits[resource.RLIMIT_AS] = plan.address_bytes
    for kind, value in limits.items():
        _soft, hard = resource.getrlimit(kind)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (most, most))


def _wait(child: int, timeout_s: float) -> dict[str, object]:
    """Waits for the script's end, and brings it about when time is over or this process is told to stop."""
    ended = "exited"

    def kill(number: int, _frame: object) -> None:
        nonlocal ended
        ended = "timed_out" if number == signal.SIGALRM else "stopped"
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, kill)
    signal.signal(signal.SIGTERM, kill)
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    _, status = os.waitpid(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    code = os.waitstatus_to_exitcode(status)
    killed_by = signal.Signals(-code).name if code < 0 else None
    return {"ended": ended, "exit_code": code if code >= 0 else None, "signal": killed_by}


def _end_descendants() -> None:
    """Kills what the script left behind; orphans of any depth become children of this process."""
    give_up_s = time.monotonic() + _LAST_MOMENTS_S
    while time.monotonic() < give_up_s:
        for child in _list_children():
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.005)
        except ChildProcessError:
            return


def _list_children() -> list[int]:
    own = os.getpid()
    children = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            # "pid (name) state parent …", and the name may hold anything
            if int((process / "stat").read_text().rpartition(")")[2].split()[1]) == own:
                children.append(int(process.name))
    return children


def _prctl(option: int, value: int) -> None:
    prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux alone has it
    if prctl is not None:
        prctl(option, value, 0, 0, 0)


def _tell(pipe: int, said: dict[str, object]) -> None:
    os.write(pipe, json.dumps(said).encode() + b"\n")

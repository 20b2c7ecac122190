"""Waits for the end of a test run, then ends what runs in its temporary home and removes it.

``python -m tahoe_core.postgres.watchdog HOME``, with a pipe from the test run as standard input.
"""

import shutil
import signal
import sys
import time
from pathlib import Path

import psutil

from tahoe_core.postgres.home import Home
from tahoe_core.postgres.place import list_places
from tahoe_core.postgres.postmaster import end, find_postmaster

_GIVE_UP_SECONDS = 30.0
_PAUSE_SECONDS = 0.05
_PROGRAMS = {"postgres", "initdb", "sh"}


def main() -> int:
    """Exit code 1 when something would not go away."""
    root = Path(sys.argv[1])
    sys.stdin.buffer.read()  # returns when the other end is closed, by the run or by the system after its death
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        # The places outside first: the notes in them are what leads to them.
        for folder in [*list_places(within=root), root]:
            _end_programs(folder)
            shutil.rmtree(folder, ignore_errors=True)
        if not root.exists() and not list_places(within=root) and not _list_programs(root):
            return 0
        time.sleep(_PAUSE_SECONDS)
    return 1


def _end_programs(folder: Path) -> None:
    """End the server at once, without writing anything more; then whatever is only about to become one."""
    data_dir = Home.at(folder).find_data_dir()
    postmaster = find_postmaster(data_dir) if data_dir else None
    if postmaster is not None:
        end(postmaster.pid, signal.SIGQUIT, _GIVE_UP_SECONDS / 2)
    for process in _list_programs(folder):
        process.kill()


def _list_programs(folder: Path) -> list[psutil.Process]:
    """Programs of ours that name the folder in their arguments: a killed run leaves initdb working, for instance."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] in _PROGRAMS
        and any(str(folder) in argument for argument in process.info["cmdline"] or [])
    ]


if __name__ == "__main__":
    sys.exit(main())

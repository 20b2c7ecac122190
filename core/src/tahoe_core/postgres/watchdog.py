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
from tahoe_core.postgres.place import OFF_HOME
from tahoe_core.postgres.postmaster import end, find_postmaster

_GIVE_UP_SECONDS = 30.0
_PAUSE_SECONDS = 0.05
_PROGRAMS = {"postgres", "initdb", "sh"}


def main() -> int:
    """Exit code 1 when something would not go away."""
    home = Home.at(Path(sys.argv[1]))
    sys.stdin.buffer.read()  # returns when the other end is closed, by the run or by the system after its death
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        _end_programs(home)
        _remove(home)
        if not home.root.exists() and not _list_starting(home):
            return 0
        time.sleep(_PAUSE_SECONDS)
    return 1


def _end_programs(home: Home) -> None:
    """End the server at once, without writing anything more; then whatever is only about to become one."""
    data_dir = home.find_data_dir()
    postmaster = find_postmaster(data_dir) if data_dir else None
    if postmaster is not None:
        end(postmaster.pid, signal.SIGQUIT, _GIVE_UP_SECONDS / 2)
    for process in _list_starting(home):
        process.kill()


def _list_starting(home: Home) -> list[psutil.Process]:
    """Programs of ours that name the home in their arguments: a killed run leaves initdb working, for instance."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] in _PROGRAMS
        and any(str(home.root) in argument for argument in process.info["cmdline"] or [])
    ]


def _remove(home: Home) -> None:
    """The place outside first: the link in the home is what leads to it."""
    place = home.data_link.readlink().parent if home.data_link.is_symlink() else None
    if place is not None and place.parent == OFF_HOME:
        shutil.rmtree(place, ignore_errors=True)
    if place is None or not place.exists():
        shutil.rmtree(home.root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

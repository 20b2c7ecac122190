"""What the operating system says of another process; dead and zombie are the same here.

Linux answers from ``/proc`` directly: psutil costs 30 ms to import, which the fast path of a command cannot spare.
"""

import os
import sys
from pathlib import Path

_ON_LINUX = sys.platform == "linux"


def is_alive(pid: int) -> bool:
    """Whether the process still runs; a zombie that nobody reaps (a container without init) counts as gone."""
    if not _ON_LINUX:
        import psutil  # noqa: PLC0415 -- start-up time, and only where there is no /proc

        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    # The name in brackets may itself hold brackets and blanks: the state follows the last one (proc_pid_stat(5)).
    return stat.rpartition(b")")[2].split()[0] not in {b"Z", b"X"}


def list_arguments(pid: int) -> list[str]:
    """The process's command line; empty when it is gone."""
    if not _ON_LINUX:
        import psutil  # noqa: PLC0415 -- start-up time, and only where there is no /proc

        try:
            return psutil.Process(pid).cmdline()
        except psutil.Error:
            return []
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(argument) for argument in raw.split(b"\0")[:-1]]


def find_works_in(pid: int, directory: Path) -> bool | None:
    """Whether the process's working directory is this one.

    Returns:
        None when the system does not say, as in a container whose root lacks ``CAP_SYS_PTRACE``.
    """
    if not _ON_LINUX:
        import psutil  # noqa: PLC0415 -- start-up time, and only where there is no /proc

        try:
            return Path(psutil.Process(pid).cwd()).samefile(directory)
        except (OSError, psutil.Error):
            return None
    try:
        return Path(f"/proc/{pid}/cwd").samefile(directory)
    except OSError:
        return None

"""Namespaces, users and capabilities of a script's process. Standard library alone: the launcher imports this."""

import ctypes
import os
import random
import struct
from contextlib import suppress
from pathlib import Path

_KEEP_CAPABILITIES, _AMBIENT, _AMBIENT_RAISE = 8, 47, 2
_PASS_THROUGH_FOLDERS = 2  # CAP_DAC_READ_SEARCH
_CAPABILITY_VERSION_3 = 0x20080522
_NOBODY = 65534
_FIRST_OWN_USER, _OWN_USERS = 0x40000000, 0x00FFFFFF
_OTHERS_MAY_PASS = 0o001

_libc = ctypes.CDLL(None, use_errno=True)


def leave_namespaces() -> bool:
    """Gives this process and its children a network with nothing in it, and its children numbers of their own.

    Returns:
        Whether the kernel lets it, as root or, where that is allowed, as anyone.
    """
    unshare = getattr(os, "unshare", None)  # Linux alone has it
    if unshare is None:
        return False
    wanted = os.CLONE_NEWNET | os.CLONE_NEWPID | os.CLONE_NEWIPC
    user, group = os.getuid(), os.getgid()
    with suppress(OSError):
        unshare(wanted)
        return True
    with suppress(OSError):
        unshare(wanted | os.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        return True
    return False


def choose_user() -> int | None:
    """Returns a user id that nobody has, for a script to run as; None: this process may not choose one."""
    if os.getuid() != 0:
        return None
    mapped = Path("/proc/self/uid_map").read_text().split()
    is_whole = len(mapped) == 3 and int(mapped[2]) > _FIRST_OWN_USER + _OWN_USERS  # noqa: PLR2004 - inside, outside, length
    if not is_whole:
        return _NOBODY
    return _FIRST_OWN_USER + random.randrange(_OWN_USERS)  # noqa: S311 - no secret hangs on it


def become(user: int, *, may_pass_folders: bool) -> None:
    """Becomes that user for good, without any privilege but, where asked for, to pass through closed folders.

    That one is for an interpreter that lies in a home of root; Landlock says what may be reached by it.

    Raises:
        OSError: The kernel refuses.
    """
    _check(_libc.prctl(_KEEP_CAPABILITIES, int(may_pass_folders), 0, 0, 0))
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    if may_pass_folders:
        kept = 1 << _PASS_THROUGH_FOLDERS
        header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
        _check(_libc.capset(header, struct.pack("IIIIII", kept, kept, kept, 0, 0, 0)))
        _check(_libc.prctl(_AMBIENT, _AMBIENT_RAISE, _PASS_THROUGH_FOLDERS, 0, 0))


def is_reachable(path: str) -> bool:
    """Tells whether every user can pass through the folders above a file."""
    return all(folder.stat().st_mode & _OTHERS_MAY_PASS for folder in Path(path).resolve().parents)


def count_tasks(user: int) -> int:
    """Counts the processes and threads of a user, as RLIMIT_NPROC does."""
    tasks = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if process.stat().st_uid == user:
                tasks += sum(1 for _ in (process / "task").iterdir())
    return tasks


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))

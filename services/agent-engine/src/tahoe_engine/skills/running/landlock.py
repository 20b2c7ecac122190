"""Landlock: Linux's way for a process to give up files, TCP and signals for itself and all that it starts.

Source: Documentation/userspace-api/landlock.rst of the kernel. It needs no privilege and works in most containers.
Standard library alone: the launcher imports this.
"""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_GET_VERSION = 1
_PATH_BENEATH = 1
_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_ALL_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP_VERSION, _SCOPE_VERSION = 4, 6
_BIND_AND_CONNECT_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_libc = ctypes.CDLL(None, use_errno=True)


def find_version() -> int:
    """Returns the kernel's version of Landlock; 0: it has none, or it is switched off."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, 0, _GET_VERSION)))


def confine(readable: Iterable[str], writable: Iterable[str]) -> bool:
    """Leaves this process, for ever, only these files and folders, and no TCP.

    Args:
        readable: To read and run; what does not exist is left out.
        writable: To do anything with.

    Returns:
        Whether the kernel does it.
    """
    version = find_version()
    if version == 0:
        return False
    everything = _ALL_BY_VERSION[min(version, max(_ALL_BY_VERSION))]
    ruleset = _create_ruleset(version, everything)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(ruleset, path, _READ)
        for path in writable:
            _allow(ruleset, path, everything)
        if _libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            return False
        return int(_libc.syscall(_RESTRICT_SELF, ruleset, 0)) == 0
    finally:
        os.close(ruleset)


def _create_ruleset(version: int, everything: int) -> int:
    attributes = struct.pack("Q", everything)
    if version >= _TCP_VERSION:
        attributes += struct.pack("Q", _BIND_AND_CONNECT_TCP)
    if version >= _SCOPE_VERSION:
        attributes += struct.pack("Q", _ABSTRACT_SOCKETS_AND_SIGNALS)
    return int(_libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0))


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            access &= _OF_FILES
        # A right that this version does not know makes the call fail; all that are given were asked for above.
        _libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", access, descriptor), 0)
    finally:
        os.close(descriptor)

"""The account that the server runs as: Postgres refuses to run as root, so root hands it over to another."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tahoe_core.errors import EmbeddedPostgresError

_OWN_NAME = "tahoe"
_USUAL_NAMES = ("postgres", _OWN_NAME)
_SMALL_TASK_SECONDS = 30
# Nothing of the caller's environment reaches the server: a PGDATA or LD_PRELOAD there is meant for something else.
_CLEAN_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
# Through a shell that goes away at once, the server becomes nobody's child here: it outlives us and leaves no zombie.
_DETACH = '"$@" >&2 & echo $!'


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int

    @classmethod
    def by_number(cls, uid: int, gid: int) -> "Account":
        """The account of this number; one without an entry (usual in containers) has the number for a name."""
        try:
            return cls(pwd.getpwuid(uid).pw_name, uid, gid)
        except KeyError:
            return cls(str(uid), uid, gid)

    @classmethod
    def current(cls) -> "Account":
        """The account of this process."""
        return cls.by_number(os.geteuid(), os.getegid())

    @classmethod
    def by_owner(cls, path: Path) -> "Account":
        """The owner of a file."""
        status = path.stat()
        return cls.by_number(status.st_uid, status.st_gid)

    @property
    def is_current(self) -> bool:
        """Whether this process runs as the account already."""
        return self.uid == os.geteuid()

    def run(
        self, arguments: Sequence[str | Path], *, text_input: str = "", wait_seconds: float = _SMALL_TASK_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as the account, in a clean environment and at ``/``, and capture what it says."""
        return subprocess.run(  # noqa: S603 -- the arguments are our own, and no shell reads them
            arguments,
            input=text_input,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=wait_seconds,
            check=False,
            env=_CLEAN_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
            user=None if self.is_current else self.uid,
            group=None if self.is_current else self.gid,
            extra_groups=None if self.is_current else [],
        )

    def passes(self, test: str, path: Path) -> bool:
        """Whether a shell test of ``"$1"`` holds for the account: the system's own answer, ACLs included."""
        return self.run(["/bin/sh", "-c", test, "sh", path]).returncode == 0

    def can_enter(self, directory: Path) -> bool:
        """Whether the account can pass through the directory and everything above it."""
        return self.passes('cd -- "$1"', directory)

    def spawn(self, arguments: Sequence[str | Path], log: BinaryIO) -> int:
        """Start a program as the account in a session of its own, outliving this process.

        Returns:
            Its process id.
        """
        started = subprocess.run(  # noqa: S603 -- the shell reads a constant; the arguments are only passed on
            ["/bin/sh", "-c", _DETACH, "sh", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            timeout=_SMALL_TASK_SECONDS,
            check=True,
            env=_CLEAN_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
            user=None if self.is_current else self.uid,
            group=None if self.is_current else self.gid,
            extra_groups=None if self.is_current else [],
        )
        return int(started.stdout)

    def take(self, path: Path) -> None:
        """Make the account the owner of a file or directory."""
        if not self.is_current:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def find_account(name: str) -> Account | None:
    """The account of this name."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def find_created_account(name: str) -> Account | None:
    """A new system account without home or shell; None where the system has no ``useradd`` or refuses."""
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return None
    subprocess.run(  # noqa: S603 -- a system tool by its full path, with constants
        [
            useradd,
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
            "--shell",
            "/usr/sbin/nologin",
            name,
        ],
        capture_output=True,
        check=False,
        timeout=_SMALL_TASK_SECONDS,
    )
    return find_account(name)


def choose_account(
    current: Account,
    home_owner: Account,
    *,
    find: Callable[[str], Account | None] = find_account,
    create: Callable[[str], Account | None] = find_created_account,
) -> Account:
    """The account for a new cluster.

    An ordinary user serves itself. Root acts for the home's owner, else for ``postgres`` or ``tahoe``; where neither
    exists ``tahoe`` is created, and where it cannot be, ``nobody`` has to do.

    Raises:
        EmbeddedPostgresError: This system has no account to hand the server to.
    """
    if current.uid != 0:
        return current
    if home_owner.uid != 0:
        return home_owner
    usual = next((account for name in _USUAL_NAMES if (account := find(name))), None)
    chosen = usual or create(_OWN_NAME) or find("nobody")
    if chosen is None or chosen.uid == 0:
        raise EmbeddedPostgresError(
            "Postgres refuses to run as root, and this system has no other account that it could run as.",
            cure=f"Create one (useradd --system {_OWN_NAME}), or run Tahoe as an ordinary user.",
        )
    return chosen

"""Where everything of the embedded Postgres lies in ``$TAHOE_HOME``.

::

    $TAHOE_HOME/
    ├── postgres            the data directory, or a link to it where the server's account cannot enter the home
    ├── postgres.json       passwords, last port, what was provisioned (0600)
    ├── postgres.lock       held while a process starts, stops or provisions
    ├── postgres.log        what the server says, with postgres.log.1 before it
    └── pginstall-VERSION   a copy of the binaries, only where the account cannot reach the installed ones
"""

import os
from dataclasses import dataclass
from pathlib import Path

from tahoe_core.errors import EmbeddedPostgresError


@dataclass(frozen=True)
class Home:
    """The files of one ``$TAHOE_HOME``; build it with `Home.at`."""

    root: Path

    @classmethod
    def at(cls, path: Path) -> "Home":
        """The home at ``path``, which need not exist yet.

        Raises:
            EmbeddedPostgresError: The path holds a line break, which Postgres refuses in its configuration.
        """
        if "\n" in str(path) or "\r" in str(path):
            raise EmbeddedPostgresError(
                f"The home path {str(path)!r} holds a line break, which Postgres cannot work with.",
                cure="Set TAHOE_HOME to a path without one.",
            )
        return cls(Path(os.path.realpath(path)))

    @property
    def data_link(self) -> Path:
        """The data directory itself or a link to it."""
        return self.root / "postgres"

    @property
    def state_file(self) -> Path:
        """Passwords and what was provisioned."""
        return self.root / "postgres.json"

    @property
    def lock_file(self) -> Path:
        """Held by whoever starts, stops or provisions."""
        return self.root / "postgres.lock"

    @property
    def log_file(self) -> Path:
        """The server's standard error."""
        return self.root / "postgres.log"

    def find_data_dir(self) -> Path | None:
        """The data directory, its link followed; None as long as no cluster was made.

        Raises:
            PermissionError: It is there, and not for this user to see. (`Path.exists` would say that it is not.)
        """
        data_dir = Path(os.path.realpath(self.data_link))
        try:
            (data_dir / "PG_VERSION").stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return data_dir

    def create(self) -> None:
        """Make the directory where it is missing, closed to others.

        As root it stays open to pass through, since the server then runs as another account and its data lies inside.
        """
        if os.geteuid() == 0:
            make_passable(self.root)
        else:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def give_to_owner(self, descriptor: int) -> None:
        """Make the home's owner own an open file of it, so that root at work here locks nobody out later."""
        owner = self.root.stat()
        if os.geteuid() == 0 and owner.st_uid != 0:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def make_passable(directory: Path) -> None:
    """Make a directory that others can pass through but not list; one that exists is left as it is."""
    try:
        directory.mkdir(parents=True)
    except FileExistsError:
        return
    directory.chmod(0o711)  # after the fact, since a strict umask would take it away again

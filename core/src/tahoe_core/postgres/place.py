"""Where the data directory lies: in the home, or beside it in a place that the server's account can reach."""

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.postgres.account import Account
from tahoe_core.postgres.home import Home, make_passable

OFF_HOME = Path("/var/lib/tahoe")
_DATA_NAME = "postgres"
_MARKER_NAME = "home"


def choose_data_dir(home: Home, account: Account) -> Path:
    """Where a new cluster will lie; its parent exists and the account can enter it.

    A home that the account cannot enter (``/root`` is closed to it) gets a link to a folder of its own under
    ``/var/lib/tahoe``. The link is made before the cluster, so that a kill in between loses nothing.

    Raises:
        EmbeddedPostgresError: The account can reach neither, or something else stands in the way.
    """
    data_dir = Path(os.path.realpath(home.data_link))
    if home.data_link.is_symlink() and not data_dir.parent.is_dir():
        home.data_link.unlink()
    if not home.data_link.is_symlink() and not account.is_current and not account.can_enter(home.root):
        home.data_link.symlink_to(_make_place(home) / _DATA_NAME)
    data_dir = Path(os.path.realpath(home.data_link))
    if not account.is_current and not account.can_enter(data_dir.parent):
        raise EmbeddedPostgresError(
            f"Postgres runs as {account.name!r}, which cannot enter {data_dir.parent}.",
            cure="Set TAHOE_HOME to a directory that this account can reach, /srv/tahoe for instance.",
        )
    if data_dir.exists() and (not data_dir.is_dir() or any(data_dir.iterdir())):
        raise EmbeddedPostgresError(
            f"{data_dir} holds something that is no Postgres data directory.",
            cure="Move it away, or set TAHOE_HOME to another directory.",
        )
    return data_dir


def check_space(directory: Path, needed_bytes: int) -> None:
    """Refuse to begin what would not end.

    Raises:
        EmbeddedPostgresError: The file system has less room than needed.
    """
    free_bytes = shutil.disk_usage(directory).free
    if free_bytes < needed_bytes:
        raise EmbeddedPostgresError(
            f"The disk is nearly full: {free_bytes // 1_000_000} MB are free at {directory}, and Postgres needs"
            f" {needed_bytes // 1_000_000} MB.",
            cure="Free some space, or set TAHOE_HOME to a directory on another disk.",
        )


def list_leftovers() -> list[Path]:
    """Places under ``/var/lib/tahoe`` whose home is gone or uses another one; nobody but doctor names them."""
    return [place for place, home in _list_noted() if Path(os.path.realpath(home / _DATA_NAME)) != place / _DATA_NAME]


def list_places(within: Path) -> list[Path]:
    """Places under ``/var/lib/tahoe`` of homes that lie, or lay, in a directory."""
    return [place for place, home in _list_noted() if home.is_relative_to(within)]


def _list_noted() -> list[tuple[Path, Path]]:
    """Each place with the home that it notes; those which this user may not look into are left out."""
    noted = []
    for marker in sorted(OFF_HOME.glob(f"postgres-*/{_MARKER_NAME}")):
        with contextlib.suppress(OSError):
            home = marker.read_text(encoding="utf-8", errors="surrogateescape")
            noted.append((marker.parent, Path(home)))
    return noted


def note_home(home: Home, data_dir: Path) -> None:
    """Keep the place's note of its home true when the home was moved."""
    marker = data_dir.parent / _MARKER_NAME
    if data_dir.parent.parent == OFF_HOME and marker.exists():
        marker.write_text(str(home.root), encoding="utf-8", errors="surrogateescape")


def _make_place(home: Home) -> Path:
    place = OFF_HOME / f"postgres-{secrets.token_hex(8)}"
    make_passable(OFF_HOME)
    make_passable(place)
    (place / _MARKER_NAME).write_text(str(home.root), encoding="utf-8", errors="surrogateescape")
    return place

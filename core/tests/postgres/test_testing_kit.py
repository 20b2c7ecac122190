import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tahoe_core.postgres.lifecycle import ensure_running, superuser_url
from tahoe_core.postgres.processes import is_alive
from tahoe_core.postgres.settings import THROWAWAY
from tahoe_core.postgres.testing import temporary_home, temporary_postgres

type Fetch = Callable[[str, str], Awaitable[list[Any]]]
type Child = Callable[..., Any]

HOLD = """
import sys, time
from tahoe_core.postgres.testing import temporary_postgres
with temporary_postgres() as postgres:
    print(postgres.home, postgres.server.pid, flush=True)
    time.sleep(600)
"""
BEGIN = """
from tahoe_core.postgres.lifecycle import ensure_running
from tahoe_core.postgres.settings import THROWAWAY
from tahoe_core.postgres.testing import temporary_home
with temporary_home() as home:
    print(home, flush=True)
    ensure_running(home, THROWAWAY)
    time.sleep(600)
"""


def wait_until_gone(home: Path, *pids: int) -> None:
    deadline = time.monotonic() + 20
    while home.exists() or any(is_alive(pid) for pid in pids):
        assert time.monotonic() < deadline, home
        time.sleep(0.05)


async def test_a_temporary_server_works_and_leaves_nothing_behind_even_after_an_error(fetch: Fetch) -> None:
    seen = []

    async def fail() -> None:
        with temporary_postgres() as postgres:
            seen.append(postgres)
            assert await fetch(superuser_url(postgres.home), "SELECT 1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert not seen[0].home.exists()
    assert not is_alive(seen[0].server.pid)


def test_a_killed_test_run_leaves_nothing_behind(child: Child) -> None:
    run = child(HOLD)
    home, pid = run.next_line().split()
    assert is_alive(int(pid))

    run.kill()

    wait_until_gone(Path(home), int(pid))


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_a_test_run_killed_during_the_first_start_leaves_nothing_behind(child: Child, seconds: float) -> None:
    run = child("import time\n" + BEGIN)
    home = Path(run.next_line())
    time.sleep(seconds)

    run.kill()

    wait_until_gone(home)


def test_a_test_run_killed_while_its_data_lies_elsewhere_leaves_nothing_behind(child: Child, as_root: None) -> None:
    run = child("import os, time\n" + BEGIN.replace("    print(", "    os.chmod(home, 0o700)\n    print("))
    home = Path(run.next_line())
    while not (home / "postgres").exists():
        assert run.poll() is None
    place = (home / "postgres").readlink().parent
    assert str(home) in (place / "home").read_text()

    run.kill()

    wait_until_gone(home)
    assert not place.exists()


def test_a_temporary_home_cleans_up_after_homes_inside_it_too(as_root: None) -> None:
    with temporary_home() as home:
        (home / "closed").mkdir(mode=0o700)
        inside = ensure_running(home / "closed" / "home", THROWAWAY)
        assert not inside.data_dir.is_relative_to(home)

    assert not home.exists()
    assert not inside.data_dir.parent.exists()
    assert not is_alive(inside.pid)

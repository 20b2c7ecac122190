import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from tahoe_core.postgres.lifecycle import EmbeddedServer, ensure_running, stop, superuser_url
from tahoe_core.postgres.processes import is_alive
from tahoe_core.postgres.settings import THROWAWAY
from tahoe_core.postgres.supervise import keep_running


@pytest.fixture
def server(made: Path) -> EmbeddedServer:
    return ensure_running(made, THROWAWAY)


class Supervised:
    """A running supervisor and what it told."""

    def __init__(self, home: Path) -> None:
        self.restarts: asyncio.Queue[EmbeddedServer] = asyncio.Queue()
        self.task = asyncio.create_task(keep_running(home, self.restarts.put, THROWAWAY))


@pytest.fixture
async def supervised(made: Path, server: EmbeddedServer) -> AsyncIterator[Supervised]:
    running = Supervised(made)
    await asyncio.sleep(0.1)
    yield running
    running.task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running.task


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while is_alive(pid):
        time.sleep(0.01)


async def until(condition: Callable[[], object]) -> None:
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.05)
    pytest.fail("It did not happen within ten seconds.")


async def test_a_killed_server_is_back_on_its_port_within_two_seconds_and_pools_find_it(
    made: Path, server: EmbeddedServer, supervised: Supervised
) -> None:
    async with asyncpg.create_pool(superuser_url(made), min_size=1, max_size=2) as pool:
        begin = time.monotonic()
        kill(server.pid)

        restarted = await asyncio.wait_for(supervised.restarts.get(), 20)

        assert time.monotonic() - begin < 2 + 1  # noticed within two; the restart itself takes its time
        assert restarted.port == server.port
        assert restarted.pid != server.pid
        with contextlib.suppress(asyncpg.PostgresError, OSError):
            await pool.fetchval("SELECT 1")  # the pool may first have to notice that its connection is gone
        assert await pool.fetchval("SELECT 42") == 42


async def test_a_server_stopped_on_purpose_stays_stopped(
    made: Path, server: EmbeddedServer, supervised: Supervised
) -> None:
    await asyncio.to_thread(stop, made)

    await asyncio.wait_for(supervised.task, 10)

    assert not is_alive(server.pid)
    assert supervised.restarts.empty()


async def test_a_server_that_another_command_started_first_is_taken_over(
    made: Path, server: EmbeddedServer, supervised: Supervised
) -> None:
    def kill_and_start() -> EmbeddedServer:
        kill(server.pid)
        return ensure_running(made, THROWAWAY)

    other = await asyncio.to_thread(kill_and_start)

    assert (await asyncio.wait_for(supervised.restarts.get(), 20)).pid == other.pid


async def test_a_restart_that_fails_is_logged_and_tried_again_ever_more_slowly(
    made: Path, server: EmbeddedServer, supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tahoe_core.postgres.supervise._PAUSES_SECONDS", (0.0, 0.05, 0.1))
    monkeypatch.setattr("tahoe_core.postgres.lifecycle._PORT_PATIENCE_SECONDS", 0.1)
    with capture_logs() as logs:
        kill(server.pid)
        with socket.create_server(("127.0.0.1", server.port)):
            await until(lambda: len(logs) >= 3)
        restarted = await asyncio.wait_for(supervised.restarts.get(), 20)

    failures = [entry for entry in logs if entry["event"] == "embedded_postgres_down"]
    assert [entry["next_try_seconds"] for entry in failures[:3]] == [0.05, 0.1, 0.1]
    assert "The port is in use by another program." in failures[0]["error"]
    assert restarted.port == server.port
    assert logs[-1]["event"] == "embedded_postgres_restarted"


async def test_a_stop_while_restarts_fail_ends_the_attempts(
    made: Path, server: EmbeddedServer, supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tahoe_core.postgres.supervise._PAUSES_SECONDS", (0.0, 0.05))
    monkeypatch.setattr("tahoe_core.postgres.lifecycle._PORT_PATIENCE_SECONDS", 0.1)
    with capture_logs() as logs:
        kill(server.pid)
        with socket.create_server(("127.0.0.1", server.port)):
            await until(lambda: logs)

            assert await asyncio.to_thread(stop, made) is False
            await asyncio.wait_for(supervised.task, 10)

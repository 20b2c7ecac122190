import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

type InPrivateMounts = Callable[..., Any]
type OnSmallDisk = Callable[..., dict[str, Any]]

PRELUDE = """
import asyncio, json, os, signal, sys
from pathlib import Path
import asyncpg
from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.postgres import cluster
from tahoe_core.postgres.lifecycle import ensure_running, stop, superuser_url
from tahoe_core.postgres.status import find_status



home = Path(sys.argv[1]) / "home"

def report(**found) -> None:
    print(json.dumps(found))

def attempt() -> None:
    try:
        ensure_running(home)
    except EmbeddedPostgresError as error:
        return str(error)
    return "started"

def fill(leave_bytes) -> None:
    room = os.statvfs(home)
    with (home / "ballast").open("wb") as file:
        file.write(bytes(max(0, room.f_bavail * room.f_frsize - leave_bytes)))

async def fetch(query) -> None:
    connection = await asyncpg.connect(superuser_url(home))
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        connection.terminate()
"""


@pytest.fixture
def on_small_disk(home: Path, in_private_mounts: InPrivateMounts) -> OnSmallDisk:
    """Run code with ``home`` on a disk of its own; returns what the code reports."""

    def run(size: str, code: str) -> dict[str, Any]:
        done = in_private_mounts(
            'mount -t tmpfs -o size="$1",mode=0711 tmpfs "$2"; exec "$3" -c "$4" "$2"',
            size,
            home,
            sys.executable,
            PRELUDE + code,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


class TestAFullDisk:
    def test_is_found_out_before_anything_is_made(self, on_small_disk: OnSmallDisk) -> None:
        found = on_small_disk("100m", "report(said=attempt(), left=os.listdir(home))")

        assert "The disk is nearly full" in found["said"]
        assert "Postgres needs 200 MB. Free some space" in found["said"]
        assert found["left"] == ["postgres.lock"]

    def test_during_the_making_of_the_cluster_leaves_nothing_half_made(self, on_small_disk: OnSmallDisk) -> None:
        found = on_small_disk(
            "30m", "cluster.NEEDED_TO_CREATE_BYTES = 0\nreport(said=attempt(), left=os.listdir(home))"
        )

        assert "could not be created: The disk is full" in found["said"]
        assert "No space left on device" in found["said"]
        assert found["left"] == ["postgres.lock"]

    def test_keeps_a_stopped_server_from_starting_until_there_is_room(self, on_small_disk: OnSmallDisk) -> None:
        found = on_small_disk(
            "300m",
            """
ensure_running(home)
stop(home)
fill(leave_bytes=20_000_000)
said = attempt()
problems = find_status(home).problems
(home / "ballast").unlink()
report(said=said, problems=problems, then=attempt())
stop(home)
""",
        )

        assert "The disk is nearly full" in found["said"]
        assert "The disk is nearly full" in found["problems"][0]
        assert found["then"] == "started"

    def test_is_named_when_only_the_server_notices_it(self, on_small_disk: OnSmallDisk) -> None:
        found = on_small_disk(
            "300m",
            """
cluster.NEEDED_TO_START_BYTES = 0
ensure_running(home)
stop(home)
fill(leave_bytes=0)
report(said=attempt())
""",
        )

        assert "The disk is full" in found["said"]
        assert "Free some space" in found["said"]

    def test_costs_no_row_that_was_committed_before(self, on_small_disk: OnSmallDisk) -> None:
        found = on_small_disk(
            "300m",
            """
ensure_running(home)
asyncio.run(fetch("CREATE TABLE kept AS SELECT 42 AS answer"))
fill(leave_bytes=8_000_000)
try:
    asyncio.run(fetch("CREATE TABLE big AS SELECT repeat(md5(x::text), 30) FROM generate_series(1, 100000) AS a (x)"))
    refused = None
except (asyncpg.PostgresError, OSError) as error:
    refused = str(error)
(home / "ballast").unlink()
ensure_running(home)
report(refused=refused, rows=asyncio.run(fetch("TABLE kept")))
stop(home)
""",
        )

        assert found["refused"]
        assert found["rows"] == [[42]]


class TestAReadOnlyDisk:
    def test_is_named_on_the_first_start(self, on_small_disk: OnSmallDisk) -> None:
        found = on_small_disk(
            "300m",
            "home.mkdir()\nos.system(f'mount -o remount,ro {sys.argv[1]}')\nreport(said=attempt())",
        )

        assert "The file system is mounted read-only." in found["said"]
        assert "TAHOE_HOME" in found["said"]

    def test_is_named_when_there_is_a_cluster_already(self, on_small_disk: OnSmallDisk) -> None:
        found = on_small_disk(
            "300m",
            """
ensure_running(home)
stop(home)
os.system(f'mount -o remount,ro {sys.argv[1]}')
report(said=attempt(), stopped=stop(home))
""",
        )

        assert "The file system is mounted read-only." in found["said"]
        assert found["stopped"] is False

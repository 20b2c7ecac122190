import json
import os
import sys
import sysconfig
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

import tahoe_core
from tahoe_core.postgres.lifecycle import ensure_running
from tahoe_core.postgres.status import find_status

type Fetch = Callable[[str, str], Awaitable[list[Any]]]
type InPrivateMounts = Callable[..., Any]
type AsNobody = Callable[..., dict[str, Any]]

NOBODY = 65534
# The interpreter is mounted where the user can reach it: it may stand under /root. Nothing else is changed.
AS_NOBODY = """
mount --bind "$1" "$2"; export LD_LIBRARY_PATH="$2/lib" PYTHONPATH="$3"; python="$2/bin/$4"; shift 4
exec setpriv --reuid=65534 --regid=65534 --clear-groups "$python" -c "$@"
"""
PRELUDE = """
import json, os, signal, sys
from dataclasses import asdict
from pathlib import Path
from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.postgres.lifecycle import ensure_running, stop
from tahoe_core.postgres.provision import ServiceDatabase, provision_service


home = Path(sys.argv[1])
assert os.getuid() == 65534
"""


@pytest.fixture
def as_nobody(tmp_path_factory: pytest.TempPathFactory, base: Path, in_private_mounts: InPrivateMounts) -> AsNobody:
    """Run code as an ordinary user; returns what it prints as JSON."""

    def run(code: str, *arguments: object) -> dict[str, Any]:
        mount_point = base / "python"
        mount_point.mkdir(exist_ok=True)
        packages = os.pathsep.join([sysconfig.get_path("purelib"), str(Path(tahoe_core.__file__).parents[1])])
        interpreter = f"python{sys.version_info.major}.{sys.version_info.minor}"
        given = (sys.base_prefix, mount_point, packages, interpreter)
        trial = in_private_mounts(AS_NOBODY, *given, "import tahoe_core, psutil")
        if trial.returncode != 0:
            pytest.skip(f"An ordinary user cannot run this Python here: {trial.stderr.strip()}")
        done = in_private_mounts(AS_NOBODY, *given, PRELUDE + code, *arguments)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


@pytest.fixture
def own(home: Path) -> Path:
    os.chown(home, NOBODY, NOBODY)
    home.chmod(0o700)
    return home


class TestAnOrdinaryUser:
    async def test_has_a_whole_life_with_a_server_of_its_own(
        self, as_nobody: AsNobody, own: Path, fetch: Fetch
    ) -> None:
        found = as_nobody(
            """
service = ServiceDatabase("agent_engine", "agent_engine_owner", "agent_engine_app")
first = ensure_running(home / "new")
urls = provision_service(home / "new", service)
adopted = ensure_running(home / "new")
os.kill(first.pid, signal.SIGKILL)
second = ensure_running(home / "new")
stopped = [stop(home / "new"), stop(home / "new")]
last = ensure_running(home / "new")
print(json.dumps({"pids": [first.pid, adopted.pid, second.pid, last.pid], "data_dir": str(last.data_dir),
    "started": [first.started_here, adopted.started_here, second.started_here, last.started_here],
    "stopped": stopped, "url": urls.app_url}))
""",
            own,
        )

        pids = found["pids"]
        assert pids[0] == pids[1]
        assert len(set(pids)) == 3
        assert found["started"] == [True, False, True, True]
        assert found["stopped"] == [True, False]
        assert found["data_dir"] == str(own / "new" / "postgres")
        assert psutil.Process(pids[-1]).uids().real == NOBODY
        assert await fetch(found["url"], "SELECT '[1]'::public.vector")

    def test_shares_its_server_with_root_who_leaves_its_files_alone(self, as_nobody: AsNobody, own: Path) -> None:
        found = as_nobody('print(json.dumps({"pid": ensure_running(home).pid}))', own)

        assert ensure_running(own).pid == found["pid"]
        assert find_status(own).account == psutil.Process(found["pid"]).username()
        assert {file.stat().st_uid for file in own.iterdir()} == {NOBODY}
        assert as_nobody('print(json.dumps({"stopped": stop(home)}))', own) == {"stopped": True}

    def test_is_told_when_the_data_is_not_its_own(self, as_nobody: AsNobody, made: Path, own: Path) -> None:
        os.chown(own / "postgres", 1, 1)

        found = as_nobody(
            """
try:
    ensure_running(home)
except EmbeddedPostgresError as error:
    print(json.dumps({"said": str(error)}))
""",
            own,
        )

        assert f"Permission denied. ({own}/postgres/PG_VERSION)" in found["said"]
        assert "Give the directory back to the user that Tahoe runs as" in found["said"]

    def test_is_told_when_it_may_not_write_to_the_home(self, as_nobody: AsNobody, home: Path) -> None:
        found = as_nobody(
            """
try:
    ensure_running(home)
except EmbeddedPostgresError as error:
    print(json.dumps({"said": str(error)}))
""",
            home,
        )

        assert "Permission denied." in found["said"]
        assert "chown" in found["said"]

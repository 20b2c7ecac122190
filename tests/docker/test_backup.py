"""A backup, the loss of everything, and the same results afterwards."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from containers import ENGINE, Platform
from remembered import Remembered, analyze


def read_all(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get(path, params=cursor).raise_for_status().json()
        found += page["items"]
        if not page.get("next_cursor"):
            return found
        cursor = {"cursor": page["next_cursor"]}


@pytest.fixture(scope="module")
def backup(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    platform.wait_until_ready()
    with platform.client() as client:
        analyze(client, f"docker-{uuid4()}")
    file = tmp_path_factory.mktemp("backups") / "tahoe.dump"
    platform.make("backup", FILE=str(file))
    return file


class TestABackup:
    def test_is_for_its_owner_alone(self, backup: Path) -> None:
        assert backup.stat().st_mode & 0o777 == 0o600
        assert [path.name for path in backup.parent.iterdir()] == [backup.name]

    def test_holds_no_password(self, platform: Platform, backup: Path) -> None:
        content = backup.read_bytes()
        assert content.startswith(b"PGDMP")
        assert not any(v.encode() in content for name, v in platform.variables.items() if "PASSWORD" in name)

    def test_is_not_restored_under_services_that_work(self, platform: Platform, backup: Path) -> None:
        with pytest.raises(AssertionError, match="Stop the services first"):
            platform.make("restore", FILE=str(backup))
        platform.wait_until_ready()

    def test_that_is_cut_off_changes_nothing(self, platform: Platform, backup: Path, tmp_path: Path) -> None:
        torn = tmp_path / "torn.dump"
        torn.write_bytes(backup.read_bytes()[:-2000])
        platform.make("docker-down", ENGINE)
        count = "SELECT count(*) FROM agent_engine.analyses"
        before = platform.sql(count)
        with pytest.raises(AssertionError, match="ended with"):
            platform.make("restore", FILE=str(torn))
        assert platform.sql(count) == before
        platform.make("docker-up", ENGINE)

    def test_brings_the_same_results_back_into_an_empty_volume(self, platform: Platform, tmp_path: Path) -> None:
        platform.wait_until_ready()
        with platform.client() as client:
            memory = Remembered.add(client, f"Cleo pays by card {uuid4()} and wants no paper.")
            at = datetime.now(UTC)
            later = Remembered.add(client, f"Dora moved to street {uuid4()} in spring.")
            paths = ("/v1/analyses", "/v1/interactions", "/v1/scorecards", "/v1/memories", "/v1/agent-templates")
            before = {path: read_all(client, path) for path in paths}
            analyses = [client.get(f"/v1/analyses/{row['analysis_id']}").json() for row in before["/v1/analyses"]]
        file = tmp_path / "all.dump"
        platform.make("backup", FILE=str(file))

        platform.remove()
        platform.make("up")
        assert platform.sql("SELECT to_regclass('agent_engine.analyses') IS NULL").strip() == "t"
        platform.make("restore", FILE=str(file))
        platform.make("docker-up", ENGINE)

        with platform.client() as client:
            assert {path: read_all(client, path) for path in paths} == before
            assert analyses
            for analysis in analyses:
                assert client.get(f"/v1/analyses/{analysis['analysis_id']}").json() == analysis
            assert memory.is_found(client)
            assert later.is_found(client)
            assert memory.is_found(client, as_of=at)
            assert not later.is_found(client, as_of=at)
            analyze(client, f"docker-{uuid4()}")
        assert platform.validate().count("✓") == 6

"""What the compose files say, as Compose itself reads them."""

import json
from pathlib import Path
from typing import Any

import pytest

from containers import ENGINE, ROOT, Platform

FOLDERS = {"infrastructure": ROOT, "agent-engine": ENGINE}


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """A .env as `make env` writes it, nothing changed."""
    platform = Platform("tahoe", tmp_path_factory.mktemp("plain") / ".env")
    platform.make("env")
    return platform


def read(platform: Platform, folder: Path, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(platform.compose(*options, "config", "--format", "json", folder=folder))
    return found


class TestTheInfrastructure:
    def test_is_postgres_and_redis_and_nothing_else(self, plain: Platform) -> None:
        config = read(plain, ROOT)
        images = {service["image"]: service["container_name"] for service in config["services"].values()}
        assert images == {"pgvector/pgvector:pg17": "tahoe-postgres", "redis:7-alpine": "tahoe-redis"}
        assert config["networks"]["tahoe"]["name"] == "tahoe-network"
        assert set(config["volumes"]) == {"postgres-data", "redis-data"}

    def test_has_windows_into_both_for_a_developer(self, plain: Platform) -> None:
        config = read(plain, ROOT, "--profile", "debug")
        assert set(config["services"]) == {"postgres", "redis", "pgadmin", "redis-commander"}

    def test_knows_when_it_is_healthy(self, plain: Platform) -> None:
        assert all("healthcheck" in service for service in read(plain, ROOT)["services"].values())


class TestTheAgentEngine:
    def test_joins_the_network_and_has_no_fixed_name(self, plain: Platform) -> None:
        config = read(plain, ENGINE)
        assert list(config["services"]) == ["agent-engine"]
        assert "container_name" not in config["services"]["agent-engine"]
        assert config["networks"]["tahoe"].items() >= {"name": "tahoe-network", "external": True}.items()
        (port,) = config["services"]["agent-engine"]["ports"]
        assert (port["target"], port["published"]) == (8001, "8001")

    def test_does_not_know_the_role_that_owns_the_tables(self, plain: Platform) -> None:
        services = read(plain, ENGINE, "--profile", "migrate")["services"]
        assert "AGENT_ENGINE_DB_OWNER_PASSWORD" not in services["agent-engine"]["environment"]
        assert services["migrate"]["environment"]["AGENT_ENGINE_DB_OWNER_PASSWORD"]

    def test_gets_no_password_that_is_not_its_own(self, plain: Platform) -> None:
        given = {key for key, value in read(plain, ENGINE)["services"]["agent-engine"]["environment"].items() if value}
        assert {key for key in given if "PASSWORD" in key} == {
            "AGENT_ENGINE_DB_PASSWORD",
            "AGENT_ENGINE_REDIS_PASSWORD",
        }


@pytest.mark.parametrize("name", FOLDERS)
class TestEveryContainer:
    def test_is_published_to_this_machine_alone(self, plain: Platform, name: str) -> None:
        services = read(plain, FOLDERS[name], "--profile", "*")["services"].values()
        ports = [port for service in services for port in service.get("ports", [])]
        assert ports
        assert {port["host_ip"] for port in ports} == {"127.0.0.1"}

    def test_gains_no_rights_and_keeps_its_log_small(self, plain: Platform, name: str) -> None:
        for service in read(plain, FOLDERS[name], "--profile", "*")["services"].values():
            assert "no-new-privileges:true" in service["security_opt"]
            assert not service.get("privileged")
            assert service["logging"]["options"]["max-size"]


def test_a_service_can_write_nothing_but_its_scratch(plain: Platform) -> None:
    for service in read(plain, ENGINE, "--profile", "migrate")["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "volumes" not in service
        assert [mount.split(":")[0] for mount in service["tmpfs"]] == ["/tmp"]  # noqa: S108 - in the container


def test_nothing_starts_without_its_passwords(plain: Platform, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("")
    bare = Platform("tahoe", tmp_path / ".env")
    for folder in FOLDERS.values():
        with pytest.raises(AssertionError, match="Run make env"):
            bare.compose("config", folder=folder)

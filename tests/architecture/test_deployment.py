"""The files of a deployment, held to the rules of those who read them; `make docker-test` runs them for real."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml

from tahoe_core.secret_files import SUFFIX
from tahoe_engine.settings import EngineSettings

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
DOCKERFILES = sorted(ROOT.glob("services/*/Dockerfile"))
SCRIPTS = sorted([*ROOT.glob("deploy/**/*.sh"), ROOT / "scripts" / "docker_test.sh"])
KUBERNETES = ("1.31", "1.34")
KINDS_OF_TOOLS = {"Kustomization"}

type Json = dict[str, Any]


def list_resources() -> Iterator[Json]:
    for path in MANIFESTS:
        yield from (one for one in yaml.safe_load_all(path.read_text()) if one["kind"] not in KINDS_OF_TOOLS)


RESOURCES = list(list_resources())
PODS = [one["spec"]["template"]["spec"] for one in RESOURCES if "template" in one.get("spec", {})]


def name(resource: Json) -> str:
    metadata = resource["metadata"]
    return f"{resource['kind']} {metadata.get('name') or metadata['generateName']}"


class TestDockerfiles:
    def test_every_service_has_one(self) -> None:
        services = [path.parent.name for path in ROOT.glob("services/*/pyproject.toml")]
        assert [path.parent.name for path in DOCKERFILES] == sorted(services)

    @pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
    def test_keep_the_rules_of_hadolint(self, path: Path) -> None:
        hadolint = Path(sys.executable).with_name("hadolint")
        done = subprocess.run([hadolint, path], capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stdout) == (0, "")


class TestScripts:
    @pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
    def test_can_be_run_and_are_well_formed(self, path: Path) -> None:
        assert path.stat().st_mode & 0o111 == 0o111
        shell = path.read_text().splitlines()[0].removeprefix("#!").removeprefix("/usr/bin/env ")
        subprocess.run([shell, "-n", path], check=True, timeout=10)


class TestKubernetes:
    def test_there_are_manifests_to_check(self) -> None:
        assert {one["kind"] for one in RESOURCES} >= {"Deployment", "Job", "Service", "Secret", "NetworkPolicy"}

    @pytest.mark.parametrize("version", KUBERNETES)
    @pytest.mark.parametrize("resource", RESOURCES, ids=name)
    def test_takes_each_of_them_strictly(self, resource: Json, version: str) -> None:
        kubernetes_validate.validate(resource, version, strict=True)

    @pytest.mark.parametrize("pod", PODS, ids=lambda pod: pod["containers"][0]["name"])
    def test_runs_them_with_no_rights(self, pod: Json) -> None:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]

    def test_gives_them_variables_that_are_read(self) -> None:
        given = {key for one in RESOURCES if one["kind"] == "ConfigMap" for key in one["data"]}
        given |= {env["name"] for pod in PODS for env in pod["containers"][0].get("env", [])}
        secret = {key + SUFFIX for key in EngineSettings.secret_names()}
        assert given <= EngineSettings.variable_names() | secret
        assert {"DATABASE_URL_FILE", "DATABASE_OWNER_URL_FILE", "TAHOE_SERVICE_TOKEN_FILE"} <= given

    def test_shows_the_owners_secret_to_the_migration_alone(self) -> None:
        holders = [
            pod["containers"][0]["name"]
            for pod in PODS
            for volume in pod["volumes"]
            if volume.get("secret", {}).get("secretName") == "agent-engine-owner"
        ]
        assert holders == ["migrate"]


def test_prometheus_finds_each_service_by_its_name() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    assert set(jobs) == {path.parent.name for path in DOCKERFILES}
    assert all(job["authorization"]["credentials_file"] for job in jobs.values())

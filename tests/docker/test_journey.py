"""What a caller does with a deployed platform, over HTTP."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import yaml

from containers import IMAGE, ROOT, SERVICE, Platform, docker
from remembered import EXAMPLE, Remembered, analyze


class TestAnInteraction:
    def test_is_scored_with_evidence_that_stands_in_it(self, client: httpx.Client) -> None:
        analysis = analyze(client, "docker-journey")
        quotes = [
            (item["turn"], item["start"], item["end"], item["quote"])
            for category in analysis["categories"].values()
            for finding in category["findings"]
            for item in finding["evidence"]
        ]
        assert quotes
        for turn, start, end, quote in quotes:
            assert EXAMPLE["turns"][turn]["text"][start:end] == quote
        assert client.get(f"/v1/analyses/{analysis['analysis_id']}").json() == analysis

    def test_is_done_once_for_its_idempotency_key(self, client: httpx.Client) -> None:
        key = {"Idempotency-Key": str(uuid4())}
        first, second = (analyze(client, "docker-key", headers=key) for _ in range(2))
        assert first == second


class TestAMemory:
    def test_is_added_found_and_asked_for_as_of_before(self, client: httpx.Client) -> None:
        before = datetime.now(UTC)
        memory = Remembered.add(client, f"Ann likes room {uuid4()} with a balcony over the harbour.")
        assert memory.is_found(client)
        assert memory.is_found(client, as_of=datetime.now(UTC))
        assert not memory.is_found(client, as_of=before)


class TestAnOperator:
    def test_validates_the_deployment_from_outside(self, platform: Platform, client: httpx.Client) -> None:
        said = platform.validate("--url", str(client.base_url))
        assert [line.split()[1] for line in said.splitlines()] == ["settings", "ready", "api", "seed", "scoring"]
        assert "✗" not in said

    def test_validates_its_database_from_inside(self, platform: Platform) -> None:
        said = platform.validate("--json")
        checks = {check["name"]: check for check in json.loads(said)["checks"]}
        assert all(check["passed"] for check in checks.values())
        assert "agent_engine_app, which is neither superuser nor owner" in checks["database"]["detail"]

    def test_sees_the_containers(self, platform: Platform) -> None:
        listed = docker("ps", "--filter", f"network={platform.name}-network", "--format", "{{.Names}}").splitlines()
        assert {f"{platform.name}-postgres", f"{platform.name}-redis"} < set(listed)
        assert any(SERVICE in name for name in listed)


class TestPrometheus:
    def test_finds_every_replica_by_its_name_and_is_let_in_by_the_token(self, platform: Platform) -> None:
        config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
        (job,) = [job for job in config["scrape_configs"] if job["job_name"] == SERVICE]
        (target,) = job["dns_sd_configs"]
        script = (
            "import sys, urllib.request\n"
            f"url = 'http://{target['names'][0]}:{target['port']}{job.get('metrics_path', '/metrics')}'\n"
            "token = sys.stdin.readline().strip()\n"
            "request = urllib.request.Request(url, headers={'Authorization': 'Bearer ' + token})\n"
            "print(urllib.request.urlopen(request, timeout=10).read().decode())"
        )
        network = f"{platform.name}-network"
        command = ["run", "--rm", "--network", network, "--env", f"T={platform.variables['TAHOE_SERVICE_TOKEN']}"]
        said = docker(
            *command, "--entrypoint", "sh", IMAGE, "-c", 'printenv T | python -c "$0"', script
        )  # the script by argument, the token by the environment
        assert "tahoe_http_requests_total" in said

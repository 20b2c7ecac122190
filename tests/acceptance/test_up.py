"""Serving, killing and stopping: real processes, real signals."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator

import psutil

from journey import TAHOE, Shell


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def up(shell: Shell, port: int) -> Iterator[subprocess.Popen[bytes]]:
    log = (shell.directory / f"up-{port}.log").open("wb")
    process = subprocess.Popen(
        [TAHOE, "up"], env=shell.environment(AGENT_ENGINE_PORT=str(port)), cwd=shell.directory, stdout=log, stderr=log
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError):
                if get(f"http://127.0.0.1:{port}/ready")[0] == 200:
                    break
            time.sleep(0.1)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
        log.close()


def get(url: str, token: str = "") -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def postmasters(shell: Shell) -> list[int]:
    data = os.path.realpath(shell.home / "postgres")
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if data in (process.info["cmdline"] or []) and "-D" in (process.info["cmdline"] or [])
    ]


class TestUp:
    def test_serves_with_the_token_of_the_home_and_stops_what_it_started(self, own: Shell) -> None:
        port = find_free_port()
        with up(own, port):
            token_file = own.home / "service_token"
            assert token_file.stat().st_mode & 0o777 == 0o600
            url = f"http://127.0.0.1:{port}"
            assert get(f"{url}/v1/scorecards")[0] == 401
            assert get(f"{url}/v1/scorecards", "tahoe_st_wrong")[0] == 401
            status, page = get(f"{url}/v1/scorecards", token_file.read_text().strip())
            assert status == 200
            assert page["items"]
            assert get(f"{url}/openapi.json")[0] == 200
            assert len(postmasters(own)) == 1
        assert postmasters(own) == []

    def test_leaves_a_postgres_alone_that_was_there_before(self, own: Shell) -> None:
        own.run("scorecards", "list")
        before = postmasters(own)
        with up(own, find_free_port()):
            assert postmasters(own) == before
        assert postmasters(own) == before
        assert "stopped" in own.run("down").out
        assert postmasters(own) == []

    def test_stops_its_postgres_when_it_is_terminated(self, own: Shell) -> None:
        with up(own, find_free_port()) as process:
            assert len(postmasters(own)) == 1
            process.terminate()
            process.wait(timeout=60)
            assert postmasters(own) == []

    def test_does_not_stop_its_postgres_under_another_that_uses_it(self, own: Shell) -> None:
        port = find_free_port()
        with up(own, find_free_port()) as first, up(own, port):
            first.send_signal(signal.SIGINT)
            first.wait(timeout=60)
            assert get(f"http://127.0.0.1:{port}/ready")[0] == 200
        assert "stopped" in own.run("down").out

    def test_brings_a_postgres_back_that_was_killed(self, own: Shell) -> None:
        port = find_free_port()
        with up(own, port):
            (pid,) = postmasters(own)
            os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + 40
            status = 0
            while status != 200 and time.monotonic() < deadline:
                time.sleep(0.5)
                with contextlib.suppress(OSError):
                    status = get(f"http://127.0.0.1:{port}/ready")[0]
            assert status == 200

    def test_a_killed_owner_leaves_a_postgres_that_is_adopted_with_its_data(self, own: Shell) -> None:
        with up(own, find_free_port()) as process:
            before = postmasters(own)
            process.kill()
            process.wait(timeout=10)
        result = own.run("scorecards", "list", "--json")
        assert result.status == 0, result.err
        assert result.document["scorecards"]
        assert postmasters(own) == before

    def test_a_port_in_use_is_named_with_what_to_do(self, own: Shell) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            result = own.run("up", AGENT_ENGINE_PORT=str(port), timeout=30)
        assert result.status == 1
        assert str(port) in result.err
        assert "AGENT_ENGINE_PORT" in result.err
        assert postmasters(own) == []


class TestTwoCommandsOnAnEmptyHome:
    def test_both_work_on_one_postgres(self, own: Shell) -> None:
        processes = [
            subprocess.Popen(
                [TAHOE, "scorecards", "list", "--json"],
                env=own.environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for _ in range(2)
        ]
        outputs = [process.communicate(timeout=120) for process in processes]
        assert [process.returncode for process in processes] == [0, 0], outputs
        names = [{row["name"] for row in json.loads(out)["scorecards"]} for out, _ in outputs]
        assert names[0] == names[1] == {"support-quality", "debt-collection", "agent-trajectory"}
        assert len(postmasters(own)) == 1


class TestDoctor:
    def test_says_what_runs_where(self, shell: Shell) -> None:
        shell.run("scorecards", "list")
        result = shell.run("doctor", "--json")
        checks = {check["name"]: check for check in result.document["checks"]}
        assert "PostgreSQL 18 runs" in checks["postgres"]["value"]
        assert checks["database"]["problem"] is None
        assert checks["migration"]["value"] == "006_agent_versions"

    def test_starts_nothing_on_an_empty_home(self, own: Shell) -> None:
        result = own.run("doctor")
        assert result.status == 0, result.out
        assert postmasters(own) == []
        assert list(own.home.iterdir()) == []


class TestDatabaseUrl:
    def test_leaves_the_embedded_server_alone(self, own: Shell) -> None:
        result = own.run("scorecards", "list", DATABASE_URL="postgresql://nobody:pw@127.0.0.1:1/tahoe")
        assert result.status == 1
        assert "127.0.0.1:1" in result.err
        assert postmasters(own) == []


class TestValidate:
    def test_checks_everything_line_by_line(self, shell: Shell) -> None:
        result = shell.run("validate")
        assert result.status == 0, result.out + result.err
        assert [line.split()[1] for line in result.out.splitlines()] == [
            "settings", "database", "schema", "seed", "api", "scoring",
        ]  # fmt: skip

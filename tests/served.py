"""A server that is really started, by `tahoe up`, for journeys over HTTP."""

import contextlib
import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from journey import TAHOE, Shell

START_SECONDS = 90


@dataclass(frozen=True)
class Served:
    """A server, and who may ask it."""

    url: str
    token: str

    def ask(self, path: str, body: object = None, timeout: float = 60) -> Any:  # noqa: ANN401 - JSON
        """Returns what a GET, or a POST of a body, answers."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            return json.load(answer)

    def read_messages(self, conversation_id: str) -> list[dict[str, Any]]:
        """Returns a conversation's messages, oldest first."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.ask(f"/v1/conversations/{conversation_id}/messages?limit=100{cursor}")
            found += page["items"]
            if page["next_cursor"] is None:
                return found[::-1]
            cursor = f"&cursor={page['next_cursor']}"


@contextlib.contextmanager
def serve(shell: Shell, **environment: str) -> Iterator[Served]:
    """Serves in the shell's home until the block ends."""
    port = find_free_port()
    process = start(shell, port, **environment)
    try:
        yield wait_until_ready(shell, port, process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


def start(shell: Shell, port: int, **environment: str) -> subprocess.Popen[bytes]:
    """Starts a server, in a group of its own so that it can be killed with all that it started but Postgres."""
    with (shell.directory / f"up-{port}.log").open("ab") as log:
        return subprocess.Popen(
            [TAHOE, "up"],
            env=shell.environment(AGENT_ENGINE_PORT=str(port), **environment),
            cwd=shell.directory,
            stdout=log,
            stderr=log,
        )


def wait_until_ready(shell: Shell, port: int, process: subprocess.Popen[bytes]) -> Served:
    """Returns the server once it answers."""
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        log = shell.directory / f"up-{port}.log"
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/ready", timeout=5) as answer:  # noqa: S310
            if answer.status == 200:
                return Served(url, (shell.home / "service_token").read_text().strip())
        time.sleep(0.05)
    raise AssertionError(f"The server did not start within {START_SECONDS} s.")


def find_free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

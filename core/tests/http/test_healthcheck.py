"""The program that a container asks itself by, against a real server."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/ready" else 503)
        self.end_headers()
        self.wfile.write(b"cache is down")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's name for it
        """Says nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def ask(url: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "tahoe_core.http.healthcheck", url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


class TestTheHealthcheck:
    def test_is_content_with_200(self, url: str) -> None:
        assert ask(f"{url}/ready") == (0, "")

    def test_says_what_a_service_says_that_cannot_work(self, url: str) -> None:
        assert ask(f"{url}/other") == (1, "503: cache is down")

    def test_says_that_nobody_answers(self) -> None:
        with socket.socket() as taken:  # bound, but nobody listens
            taken.bind(("127.0.0.1", 0))
            status, said = ask(f"http://127.0.0.1:{taken.getsockname()[1]}/ready")
        assert status == 1
        assert "does not answer" in said

"""A real redis-server on a free port, started once; tests that need it are skipped where it is not installed."""

import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from pydantic import SecretStr

from tahoe_core.cache.memory import MemoryCache
from tahoe_core.cache.port import Cache
from tahoe_core.cache.redis import RedisCache

StartRedis = Callable[[int], "subprocess.Popen[bytes]"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        assert process.poll() is None, "redis-server ended at once"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("redis-server does not listen")


@pytest.fixture(scope="session")
def start_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartRedis]:
    """Starts a redis-server that listens on this machine alone and stores nothing on disk."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    started: list[subprocess.Popen[bytes]] = []
    directory = tmp_path_factory.mktemp("redis")

    def start(port: int) -> "subprocess.Popen[bytes]":
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command = [binary, *options, "--dir", str(directory)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(process)
        wait_for(port, process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def redis_url(start_redis: StartRedis) -> str:
    port = free_port()
    start_redis(port)
    return f"redis://127.0.0.1:{port}"


@pytest.fixture(params=["memory", "redis"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    """Each implementation in turn, both open and both empty enough: tests use keys of their own."""
    opened: Cache = (
        MemoryCache() if request.param == "memory" else RedisCache(SecretStr(request.getfixturevalue("redis_url")))
    )
    yield opened
    await opened.aclose()

"""A platform in containers, run as an operator runs it: by `make`, with a .env of its own."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from journey import OURS

ROOT = Path(__file__).resolve().parents[1]
ENGINE = ROOT / "services" / "agent-engine"
IMAGE = "tahoe-agent-engine:docker-test"
SERVICE = "agent-engine"
CONTAINERS_OURS = (*OURS, "AUTH_", "BILLING_", "ENVIRONMENT", "COMPOSE_", "PGADMIN_", "MAKE", "MFLAGS", "ENV")
READY_SECONDS = 60


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None, timeout: float = 600) -> str:
    """Returns what a command printed; an error of it is an error here, with what it said."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def docker(*arguments: str) -> str:
    return run("docker", *arguments).strip()


def inspect(name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(docker("inspect", name))[0]


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = READY_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.2)


@dataclass(frozen=True)
class Platform:
    """One that stands apart from any other on the machine.

    Attributes:
        name: Of its containers, network and volumes.
        env: Its .env, which `make env` wrote.
    """

    name: str
    env: Path

    @classmethod
    def create(cls, name: str, folder: Path, **variables: str) -> "Platform":
        """Writes its .env; nothing is started, and what an earlier run left behind is removed."""
        platform = cls(name, folder / f"{name}.env")
        platform.make("env")
        platform.set(
            TAHOE_PLATFORM=name,
            POSTGRES_PORT=str(find_free_port()),
            REDIS_PORT=str(find_free_port()),
            AGENT_ENGINE_PORTS="0",
            AGENT_ENGINE_IMAGE=IMAGE,
            **variables,
        )
        platform.remove()
        return platform

    @property
    def variables(self) -> dict[str, str]:
        lines = (line for line in self.env.read_text().splitlines() if line and not line.startswith("#"))
        return dict(line.split("=", 1) for line in lines)

    def set(self, **variables: str) -> None:
        lines = [f"{name}={value}" for name, value in (self.variables | variables).items()]
        self.env.write_text("\n".join(lines) + "\n")

    def environment(self, **more: str) -> dict[str, str]:
        """Of a shell in which nothing of ours is set but what is given."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(CONTAINERS_OURS)}
        return clean | more

    def make(self, target: str, folder: Path = ROOT, **variables: str) -> str:
        given = [f"{name}={value}" for name, value in variables.items()]
        return run("make", target, f"ENV={self.env}", *given, cwd=folder, env=self.environment())

    def compose(self, *arguments: str, folder: Path = ROOT) -> str:
        return run("docker", "compose", "--env-file", str(self.env), *arguments, cwd=folder, env=self.environment())

    def tahoe(self, *arguments: str) -> str:
        """Runs the command on the machine, with the platform's .env as its environment."""
        return run(
            Path(sys.executable).with_name("tahoe"),
            *arguments,
            cwd=self.env.parent,
            env=self.environment(**self.variables),
        )

    def validate(self, *arguments: str) -> str:
        """Runs the script that says whether the foundation stands, as `tahoe` is run."""
        script = ROOT / "scripts" / "validate_r1_foundation.py"
        return run(sys.executable, script, *arguments, env=self.environment(**self.variables))

    def start(self) -> None:
        """Postgres and Redis, then one replica of the agent-engine."""
        self.make("up")
        self.make("docker-up", ENGINE)

    def remove(self) -> None:
        """Takes everything away, what is kept in volumes too."""
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", folder=ENGINE)
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans")

    def list_replicas(self) -> list[str]:
        """Lists the ids of the agent-engine's running containers."""
        return self.compose("ps", "--quiet", SERVICE, folder=ENGINE).split()

    def address(self, replica: str) -> str:
        """Where a replica answers on this machine; it changes when the container is started again."""
        return f"http://{docker('port', replica, '8001/tcp').splitlines()[0]}"

    def client(self, base_url: str | None = None) -> httpx.Client:
        """A caller with the team's token, of the first replica unless another place is named."""
        return httpx.Client(
            base_url=base_url or self.address(self.list_replicas()[0]),
            headers={"Authorization": f"Bearer {self.variables['TAHOE_SERVICE_TOKEN']}"},
            timeout=30,
        )

    def sql(self, statement: str, *, user: str = "", password: str = "", database: str = "tahoe") -> str:
        """Runs SQL, as the superuser or, with a password, as a role that connects by TCP."""
        who = ["--username", user, "--host", "127.0.0.1"] if user else ["--username", "postgres"]
        psql = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *who, "--dbname", database, "--command", statement]
        return docker("exec", "--env", f"PGPASSWORD={password}", f"{self.name}-postgres", *psql)

    def redis(self, *words: str, user: str = "", password: str = "") -> str:
        """Asks Redis something, as nobody unless a user is given."""
        who = ["--user", user, "--pass", password] if user else []
        return docker("exec", f"{self.name}-redis", "redis-cli", "--no-auth-warning", *who, *words)

    def kill(self, container: str) -> None:
        """Ends its process as a crash does; `docker kill` would count as an operator's wish that it stay down."""
        pid = inspect(container)["State"]["Pid"]
        assert pid > 0
        end = f"import os; os.kill({pid}, 9)"
        docker("run", "--rm", "--pid", "host", "--user", "0", "--entrypoint", "python", IMAGE, "-c", end)

    def answers(self, path: str, replica: str | None = None) -> int:
        """The status of a GET, or 0 where nobody answers."""
        try:
            address = self.address(replica or self.list_replicas()[0])
            return httpx.get(f"{address}{path}", timeout=5).status_code
        except (httpx.HTTPError, AssertionError, IndexError):
            return 0

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.answers("/ready") == httpx.codes.OK, "the agent-engine is ready")

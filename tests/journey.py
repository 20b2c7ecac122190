"""Journeys of a user: the real command, in a home of its own, with the Postgres that it starts."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TAHOE = Path(sys.executable).with_name("tahoe")
OURS = ("TAHOE_", "DATABASE_", "POSTGRES_", "REDIS_", "LLM_", "EMBEDDING_", "AGENT_ENGINE_")


@dataclass(frozen=True)
class Result:
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """Runs `tahoe` as a user would: nothing set but the home."""

    home: Path
    directory: Path

    def environment(self, **more: str) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return clean | {"TAHOE_HOME": str(self.home), "COLUMNS": "100"} | more

    def run(self, *arguments: str, stdin: str | None = None, timeout: float = 120, **environment: str) -> Result:
        done = subprocess.run(
            [TAHOE, *arguments],
            cwd=self.directory,
            env=self.environment(**environment),
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def write(self, name: str, content: str | bytes) -> str:
        path = self.directory / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

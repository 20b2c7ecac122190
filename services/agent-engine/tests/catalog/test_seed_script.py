import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol
from urllib.parse import quote
from uuid import uuid4

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.security.service_token import create_service_token

SCRIPT = Path(__file__).parents[2] / "scripts" / "seed.py"


class Database(Protocol):
    """As in conftest.py."""

    app: DatabaseAddress


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def url(address: DatabaseAddress) -> str:
    password = quote(address.password or "", safe="")
    place = f"{address.host}:{address.port}/{address.database}?schema={quote(address.schema, safe='')}"
    return f"postgresql://{address.user}:{password}@{place}"


def test_seeds_once(database: Database, tmp_path: Path) -> None:
    environment = {
        "DATABASE_URL": url(database.app),
        "TAHOE_HOME": str(tmp_path),
        "TAHOE_TEAM_ID": str(uuid4()),
        "TAHOE_SERVICE_TOKEN": create_service_token().get_secret_value(),
    }
    first = run(environment)
    assert first.returncode == 0, first.stderr
    assert "support-quality" in first.stdout
    second = run(environment)
    assert second.returncode == 0, second.stderr
    assert {line.partition(": ")[2] for line in second.stdout.splitlines()} == {"-"}


def test_says_what_is_wrong(database: Database, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: [")
    done = run({"DATABASE_URL": url(database.app), "TAHOE_HOME": str(tmp_path)}, str(tmp_path))
    assert done.returncode == 1
    assert "bad.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unmigrated_database_is_said_to_be_one(fresh: Database, tmp_path: Path) -> None:
    done = run({"DATABASE_URL": url(fresh.app), "TAHOE_HOME": str(tmp_path)})
    assert done.returncode == 1
    assert "tahoe db upgrade" in done.stderr

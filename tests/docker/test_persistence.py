"""The engine's own tests of persistence, against the PostgreSQL of the compose file."""

import subprocess
import sys

from containers import ENGINE, ROOT, Platform

DATABASE = "persistence"
FOLDERS = ("test_db", "catalog", "memory", "workflows")
SECONDS = 900


def test_all_pass_on_postgresql_17(platform: Platform) -> None:
    assert platform.sql("SHOW server_version_num").startswith("17")
    platform.sql(f"CREATE DATABASE {DATABASE}")
    platform.sql("CREATE EXTENSION vector SCHEMA public", database=DATABASE)
    platform.sql(f"GRANT CREATE ON DATABASE {DATABASE} TO agent_engine_owner", database=DATABASE)
    variables = platform.variables
    place = f"127.0.0.1:{variables['POSTGRES_PORT']}/{DATABASE}"
    environment = platform.environment(
        TAHOE_TEST_DATABASE_URL=f"postgresql://agent_engine_app:{variables['AGENT_ENGINE_DB_PASSWORD']}@{place}",
        TAHOE_TEST_DATABASE_OWNER_URL=(
            f"postgresql://agent_engine_owner:{variables['AGENT_ENGINE_DB_OWNER_PASSWORD']}@{place}"
        ),
    )
    tests = [ENGINE / "tests" / folder for folder in FOLDERS]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    platform.sql(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    assert done.returncode == 0, done.stdout[-8000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout.splitlines()[-1], done.stdout[-3000:]

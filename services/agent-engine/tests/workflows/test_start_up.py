"""DBOS is not loaded where nothing durable is done."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "modules",
    [
        "tahoe_cli.main, tahoe_cli.commands.analyze, tahoe_cli.commands.up, tahoe_cli.database",
        "tahoe_engine.asgi, tahoe_engine.composition",
        "tahoe_engine.workflows.requests, tahoe_engine.workflows.running, tahoe_engine.workflows.schema",
    ],
)
def test_dbos_and_psycopg_are_not_imported_with(modules: str) -> None:
    code = f"import sys, {modules}; print(*{{'dbos', 'psycopg'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""

"""The tools find the configuration at the root when they are started in a service's folder."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICE = ROOT / "services" / "agent-engine"


def run(*command: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=SERVICE, capture_output=True, text=True, check=False, timeout=120
    )
    return done.stdout + done.stderr


@pytest.fixture
def loose(tmp_path: Path) -> Path:
    """A file that strict types and broad rules have something to say about."""
    file = tmp_path / "loose.py"
    file.write_text("from tahoe_engine.reporting import clock\n\n\ndef f(x):\n    return clock, x\n")
    return file


def test_mypy_is_strict_there_and_knows_each_module_by_one_name(loose: Path, tmp_path: Path) -> None:
    said = run("mypy", "--cache-dir", tmp_path / "cache", "src/tahoe_engine/reporting/clock.py", loose)
    assert "[no-untyped-def]" in said
    assert "Found 1 error in 1 file (checked 2 source files)" in said


def test_ruff_has_all_its_rules_there() -> None:
    said = run("ruff", "check", "--no-cache", "--show-settings", "src/tahoe_engine/reporting/clock.py")
    assert f'"{ROOT / "pyproject.toml"}"' in said
    assert "linter.pylint.max_args = 6" in said


def test_pytest_is_strict_there() -> None:
    said = run("pytest", "tests/test_strict_model.py", "--collect-only", "-p", "no:cacheprovider")
    assert f"rootdir: {ROOT}" in said
    assert "configfile: pyproject.toml" in said

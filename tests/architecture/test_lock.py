import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_lock_names_only_the_public_index() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts <= {"pypi.org", "files.pythonhosted.org"}


def test_every_locked_file_has_a_hash() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    files = [
        file for package in lock["package"] for file in [*package.get("wheels", []), package.get("sdist", {})] if file
    ]
    assert files
    assert all(file["hash"].startswith("sha256:") for file in files)

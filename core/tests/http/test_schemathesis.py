"""The kit as a tester of APIs sees it: no exception list, every check on."""

import asyncio
import sys
from pathlib import Path


async def run_schemathesis(url: str, token: str, directory: Path) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        f"{url}/openapi.json",
        "--header",
        f"Authorization: Bearer {token}",
        "--checks",
        "all",
        "--max-examples",
        "40",
        "--seed",
        "7",
        "--no-color",
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_a_service_made_of_the_kit_passes_every_check(base_url: str, token: str, tmp_path: Path) -> None:
    code, output = await run_schemathesis(base_url, token, tmp_path)
    assert code == 0, output
    assert "No issues found" in output

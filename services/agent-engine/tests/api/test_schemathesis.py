"""The whole API as a tester of APIs sees it: no exception list, every check on.

By hand, for longer and with other seeds, against `tahoe up`:

    python -m schemathesis.cli run http://localhost:8001/openapi.json --checks all --max-examples 500 \
        --header "Authorization: Bearer $(cat ~/.tahoe/service_token)"
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

SEED = "7"
SECONDS = "60"
"""All of it takes minutes, most of them for the hundred thousand ways to write a scorecard. Each phase has its share."""


@pytest.mark.timeout(240)
async def test_the_api_passes_every_check(process: Any, card: Any, chat: Any, tmp_path: Path) -> None:
    await fill(process, card, chat)
    code, output = await run_schemathesis(process.url, process.team.token, tmp_path)
    assert code == 0, output
    assert "No issues found" in output or "1 warning" in output, output
    assert "38 selected / 38 total" in output


async def fill(process: Any, card: Any, chat: Any) -> None:
    """Leaves something to be found."""
    async with httpx.AsyncClient(base_url=process.url, headers=process.team.headers) as client:
        for name in ("support", "support-quality"):
            assert (await client.post("/v1/scorecards", json=card(name))).status_code == 201
            asked = {"scorecard": name, "interaction": chat("hello", "there")}
            assert (await client.post("/v1/analyses", json=asked)).status_code == 201


async def run_schemathesis(url: str, token: str, directory: Path) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"),
        *("--header", f"Authorization: Bearer {token}"),
        *("--checks", "all", "--max-examples", "10", "--max-time", SECONDS, "--seed", SEED, "--no-color"),
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()

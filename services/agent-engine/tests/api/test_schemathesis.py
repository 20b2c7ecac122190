"""The whole API as a tester of APIs sees it: every check on, and what it takes otherwise in `schemathesis.toml`.

By hand, for longer and with other seeds, against `tahoe up`:

    python -m schemathesis.cli --config-file schemathesis.toml run http://localhost:8001/openapi.json \
        --checks all --max-examples 500 --header "Authorization: Bearer $(cat ~/.tahoe/service_token)"
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

type Json = dict[str, Any]
type Make = Callable[..., Json]

SECONDS = "180"
"""All of it takes minutes, most of them for some 60,000 ways to write a scorecard; each phase gets a share of these."""


@pytest.fixture
async def url(process_client: httpx.AsyncClient, card: Make, chat: Make) -> str:
    """A server with something to be found."""
    for name in ("support", "support-quality"):
        assert (await process_client.post("/v1/scorecards", json=card(name))).status_code == 201
        asked = {"scorecard": name, "interaction": chat("hello", "there")}
        assert (await process_client.post("/v1/analyses", json=asked)).status_code == 201
    for path, body in (("/v1/agents", {"name": "Ada"}), ("/v1/memories", {"content": "Ann prefers tea."})):
        assert (await process_client.post(path, json=body)).status_code == 201
    return str(process_client.base_url)


async def run_tester(url: str, authorization: str, directory: Path) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "schemathesis.cli",
            "--config-file",
            str(Path(__file__).with_name("schemathesis.toml")),
        ),
        *("run", f"{url}/openapi.json"),
        *("--header", f"Authorization: {authorization}"),
        *("--checks", "all", "--max-examples", "10", "--max-time", SECONDS, "--seed", "7", "--no-color"),
        # Five hundred memories that say the same take their time, the more on a machine that has other work.
        *("--request-timeout", "60", "--max-response-time", "60"),
        cwd=directory,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tester_hooks", "PYTHONPATH": str(Path(__file__).parent)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.mark.timeout(600)
async def test_the_api_passes_every_check(process_client: httpx.AsyncClient, url: str, tmp_path: Path) -> None:
    code, output = await run_tester(url, process_client.headers["authorization"], tmp_path)
    assert code == 0, output
    assert "Selected: 81/81\n  Tested: 81\n" in output

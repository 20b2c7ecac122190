"""A new release takes over from the one before, under load.

The release before is this code that believes in the migration before the newest: so it is held here what every release
promises, to work on while the next one migrates, and to be replaced without a request that fails.
"""

import asyncio
import subprocess
from collections.abc import Iterator
from itertools import count
from uuid import uuid4

import httpx
import pytest
from alembic.script import ScriptDirectory

from balancer import Balancer
from containers import ENGINE, IMAGE, ROOT, Platform, inspect
from remembered import EXAMPLE
from tahoe_engine.db.migrate import build_config
from tahoe_engine.db.revision import HEAD

OLD_IMAGE = f"{IMAGE}-before"
REVISION = "/opt/tahoe-own/tahoe_engine/db/revision.py"
PAUSE_SECONDS = 0.15


def find_revision_before() -> str:
    before = ScriptDirectory.from_config(build_config()).get_revision(HEAD).down_revision
    assert isinstance(before, str)
    return before


@pytest.fixture
def before(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of its own: two replicas of the release before, on the database as it was then."""
    revision = find_revision_before()
    dockerfile = (
        f"FROM {IMAGE}\nUSER 0\nRUN sed -i 's/^HEAD = .*/HEAD = \"{revision}\"/' {REVISION}\nUSER 10001:10001\n"
    )
    subprocess.run(
        ["docker", "build", "--quiet", "--tag", OLD_IMAGE, "-"], input=dockerfile, text=True, check=True, timeout=120
    )
    upgraded = Platform.create("tahoe-docker-test-before", tmp_path_factory.mktemp("before"))
    upgraded.set(AGENT_ENGINE_IMAGE=OLD_IMAGE)
    try:
        upgraded.make("up")
        upgraded.compose("run", "--rm", "migrate", folder=ENGINE)
        upgraded.tahoe("db", "seed")
        upgraded.tahoe("db", "downgrade", revision, "--yes")
        upgraded.compose("up", "--detach", "--wait", "--scale", "agent-engine=2", folder=ENGINE)
        yield upgraded
    finally:
        upgraded.remove()


class Stream:
    """Steady requests, of which none may fail."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.failed: list[str] = []
        self.answered = 0
        self._client = client

    async def flow(self) -> None:
        """Scores and reads, until it is cancelled."""
        name = f"docker-stream-{uuid4()}"
        for number in count():
            body = {"scorecard": "support-quality", "interaction": EXAMPLE | {"external_id": f"{name}-{number}"}}
            key = {"Idempotency-Key": f"{name}-{number}"}
            made = await self._ask("POST", "/v1/analyses", json=body, headers=key)
            if made is not None:
                await self._ask("GET", f"/v1/analyses/{made.json()['analysis_id']}")
            await self._ask("GET", "/v1/scorecards")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _ask(self, method: str, path: str, **options: object) -> httpx.Response | None:
        try:
            answer = await self._client.request(method, path, **options)  # type: ignore[arg-type]  # passed on
        except httpx.HTTPError as error:
            self.failed.append(f"{method} {path}: {error!r}")
            return None
        self.answered += 1
        if answer.is_success:
            return answer
        self.failed.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return None


async def test_a_rolling_upgrade_fails_no_request(before: Platform) -> None:
    old = set(before.list_replicas())
    assert len(old) == 2
    assert before.sql("SELECT version_num FROM agent_engine.alembic_version").strip() == find_revision_before()
    headers = {"Authorization": f"Bearer {before.variables['TAHOE_SERVICE_TOKEN']}"}
    balancer = Balancer(before)
    async with (
        balancer.serve() as url,
        httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client,
    ):
        stream = Stream(client)
        flows = [asyncio.create_task(stream.flow()) for _ in range(3)]
        try:
            await asyncio.sleep(3)
            await take_over(before, stream)
            await asyncio.sleep(2)
        finally:
            for flow in flows:
                flow.cancel()
            await asyncio.gather(*flows, return_exceptions=True)
    assert stream.failed == []
    assert stream.answered > 100
    now = before.list_replicas()
    assert len(now) == 2
    assert not old & set(now)
    assert {inspect(replica)["Config"]["Image"] for replica in now} == {IMAGE}
    assert old <= set(balancer.served)
    assert set(now) & set(balancer.served)


async def take_over(before: Platform, stream: Stream) -> None:
    """Migrates as the new release while the old one serves, then replaces it."""
    before.set(AGENT_ENGINE_IMAGE=IMAGE)
    await asyncio.to_thread(before.compose, "run", "--rm", "migrate", folder=ENGINE)
    assert before.sql("SELECT version_num FROM agent_engine.alembic_version").strip() == HEAD
    while_old = stream.answered
    await asyncio.sleep(3)
    assert stream.answered > while_old, "the release before works on the new schema"
    await asyncio.to_thread(roll, before)


def roll(platform: Platform) -> None:
    """As `make docker-roll` does, with the image that is there."""
    environment = platform.environment(COMPOSE_ENV_FILES=str(platform.env))
    done = subprocess.run(
        [ROOT / "deploy" / "roll.sh", "agent-engine"],
        cwd=ENGINE, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

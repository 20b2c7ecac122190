"""Whether the foundation stands: settings, database, schema, seed, API, one scored interaction."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import NAMESPACE_URL, uuid5

import httpx
import uvicorn

from tahoe_cli.listening import listen
from tahoe_cli.opening import Opened, open_services
from tahoe_cli.seeding import seed_team
from tahoe_core.db.page import PageRequest
from tahoe_core.db.role import inspect_role
from tahoe_core.db.session import team_session
from tahoe_core.errors import TahoeError
from tahoe_core.security.identity import Identity
from tahoe_core.security.service_token import create_service_token
from tahoe_engine.app import create_app
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.settings import EngineSettings, load_settings

TIMEOUT_SECONDS = 30
TEAM = uuid5(NAMESPACE_URL, "tahoe:validate")
EXAMPLE = {
    "external_id": "tahoe-validate",
    "turns": [
        {"role": "agent", "text": "Hello, how can I help you today?"},
        {"role": "customer", "text": "My parcel has not arrived."},
        {"role": "agent", "text": "I am sorry. I will send a new one. Is there anything else?"},
    ],
}


@dataclass(frozen=True)
class Check:
    """What was checked, and what came of it.

    Attributes:
        passed: Whether it is as it should be.
        detail: What was found, or what is wrong and what to do.
    """

    name: str
    passed: bool
    detail: str


class NotAsItShouldBeError(Exception):
    """A check found something wrong; the message says what."""


async def check_foundation() -> list[Check]:
    """Runs every check; what cannot be reached because an earlier one failed is not listed."""
    settings: list[EngineSettings] = []

    async def read_settings() -> str:
        settings.append(load_settings())
        return f"{settings[0].environment}, home {settings[0].home}"

    checks = [await check("settings", read_settings())]
    if not checks[0].passed:
        return checks
    try:
        async with open_services(settings[0]) as opened:
            checks += await _check_services(opened)
    except TahoeError as error:
        checks.append(Check("database", passed=False, detail=str(error)))
    return checks


async def _check_services(opened: Opened) -> list[Check]:
    steps: list[tuple[str, Callable[[Opened], Awaitable[str]]]] = [
        ("database", _check_database),
        ("schema", _check_schema),
        ("seed", _check_seed),
    ]
    checks = [await check(name, step(opened)) for name, step in steps]
    async with _served(opened) as client:
        return [*checks, await check("api", check_api(client)), await check("scoring", check_scoring(client))]


async def check(name: str, finding: Awaitable[str]) -> Check:
    """Returns what came of a finding, whether it was made or failed."""
    try:
        return Check(name, passed=True, detail=await finding)
    except (TahoeError, NotAsItShouldBeError, httpx.HTTPError) as error:
        return Check(name, passed=False, detail=str(error) or type(error).__name__)


async def _check_database(opened: Opened) -> str:
    async with opened.services.database.connect() as connection:
        role = await inspect_role(connection)
    if not role.is_isolated:
        raise NotAsItShouldBeError(f"The role {role.user} is superuser or owner: teams are not kept apart.")
    return f"{opened.database.app.place}, as {role.user}, which is neither superuser nor owner"


async def _check_schema(opened: Opened) -> str:
    await opened.services.check_database()
    return f"{opened.services.schema} stands at the newest migration"


async def _check_seed(opened: Opened) -> str:
    services = opened.services
    async with team_session(services.sessions, services.identity.team_id) as session:
        page = await ScorecardCatalog(session).list_page(PageRequest())
    if not page.items:
        raise NotAsItShouldBeError("The team has no scorecard. Run: tahoe db seed")
    return ", ".join(sorted(item.name for item in page.items))


async def check_api(client: httpx.AsyncClient) -> str:
    """Finds out whether the doors are open that should be, and no other."""
    for path in ("/health", "/ready", "/openapi.json", "/v1/scorecards"):
        (await client.get(path)).raise_for_status()
    unknown = await client.get("/v1/scorecards", headers={"Authorization": "Bearer nobody"})
    if unknown.status_code != httpx.codes.UNAUTHORIZED:
        raise NotAsItShouldBeError(f"A wrong token was answered with {unknown.status_code}, not with 401.")
    return "healthy, ready, documented, and closed to a wrong token"


async def check_scoring(client: httpx.AsyncClient) -> str:
    """Scores one interaction and holds every quote against it."""
    body = {"scorecard": "support-quality", "interaction": EXAMPLE}
    analysis = (await client.post("/v1/analyses", json=body)).raise_for_status().json()
    evidence = [
        item
        for category in analysis["categories"].values()
        for finding in category["findings"]
        for item in finding["evidence"]
    ]
    if not evidence:
        raise NotAsItShouldBeError("The analysis has no evidence.")
    for item in evidence:
        if EXAMPLE["turns"][item["turn"]]["text"][item["start"] : item["end"]] != item["quote"]:
            raise NotAsItShouldBeError(f"The quote {item['quote']!r} does not stand in turn {item['turn']}.")
    return f"score {analysis['overall_score']}, {analysis['verdict']}, {len(evidence)} quotes that stand where they say"


@asynccontextmanager
async def _served(opened: Opened) -> AsyncIterator[httpx.AsyncClient]:
    """Serves the API on a free port of this machine, to a team of its own: a check leaves no trace in real data."""
    services = replace(opened.services, identity=Identity(TEAM, create_service_token()))
    await seed_team(services)
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(services), log_config=None, access_log=False, lifespan="off"))
    serving = asyncio.create_task(server.serve([listener]))
    headers = {"Authorization": f"Bearer {services.identity.token.get_secret_value()}"}
    try:
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.02)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        ) as client:
            yield client
    finally:
        server.should_exit = True
        await serving

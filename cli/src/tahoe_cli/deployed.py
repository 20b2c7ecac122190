"""Whether a platform that is deployed stands, seen from outside: by HTTP alone, as its callers see it."""

import httpx

from tahoe_cli.foundation import TIMEOUT_SECONDS, Check, NotAsItShouldBeError, check, check_api, check_scoring
from tahoe_engine.composition import find_identity
from tahoe_engine.settings import load_settings


async def check_deployed(url: str) -> list[Check]:
    """Runs every check; the team's token is that of TAHOE_SERVICE_TOKEN or of the home.

    Args:
        url: Where the agent-engine answers.
    """
    tokens: list[str] = []

    async def read_settings() -> str:
        settings = load_settings()
        identity = find_identity(settings)
        tokens.append(identity.token.get_secret_value())
        return f"{settings.environment}, team {identity.team_id}"

    checks = [await check("settings", read_settings())]
    if not checks[0].passed:
        return checks
    headers = {"Authorization": f"Bearer {tokens[0]}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS) as client:
        steps = {"ready": _check_ready, "api": check_api, "seed": _check_seed, "scoring": check_scoring}
        return [*checks, *[await check(name, step(client)) for name, step in steps.items()]]


async def _check_ready(client: httpx.AsyncClient) -> str:
    """Says what is down, where something is: an operator's first question."""
    answer = await client.get("/ready")
    if answer.status_code not in {httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE}:
        answer.raise_for_status()
    checks = answer.json()["checks"]
    down = [one["name"] for one in checks if one["status"] != "up"]
    if down:
        raise NotAsItShouldBeError(f"Down: {', '.join(down)}. The service's log says why.")
    return ", ".join(f"{one['name']} up" for one in checks)


async def _check_seed(client: httpx.AsyncClient) -> str:
    page = (await client.get("/v1/scorecards")).raise_for_status().json()
    if not page["items"]:
        raise NotAsItShouldBeError("The team has no scorecard. Run: tahoe db seed")
    return ", ".join(sorted(item["name"] for item in page["items"]))

"""How operators look at a service: is it alive, can it work, what does it count."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import BaseModel

from tahoe_core.http.authentication import get_principal
from tahoe_core.http.problem import MEDIA_TYPE, Problem, problem_response, problem_type

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 2.0
TAGS = {"operations": "How operators look at the service: is it alive, can it work, what does it count."}


@dataclass(frozen=True)
class ReadinessCheck:
    """Something that the service cannot work without.

    Attributes:
        name: What it is, for an operator: `database`.
        probe: Returns if it works and raises if not.
        timeout_s: How long the probe may take.
    """

    name: str
    probe: Callable[[], Awaitable[None]]
    timeout_s: float = TIMEOUT_SECONDS


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class CheckResult(BaseModel):
    """How one dependency fares; why it is down stands in the log, since everybody may ask."""

    name: str
    status: Literal["up", "down"]
    ms: float


class Readiness(BaseModel):
    """The service can work."""

    status: Literal["ready"] = "ready"
    checks: list[CheckResult]


class NotReady(Problem):
    """The service cannot work now; `checks` names what is down."""

    checks: list[CheckResult]


def create_probe_router(checks: Sequence[ReadinessCheck], registry: CollectorRegistry) -> APIRouter:
    """Returns the routes `/health`, `/ready` and `/metrics`."""
    router = APIRouter(tags=list(TAGS))

    @router.get("/health")
    async def get_health() -> Health:
        """Says that the process is alive; asks nothing else."""
        return Health()

    @router.get(
        "/ready",
        response_model=Readiness,
        responses={503: {"description": "Something is down", "content": {MEDIA_TYPE: {"schema": _not_ready_schema()}}}},
    )
    async def get_readiness(request: Request) -> Readiness | Response:
        """Says whether everything that the service needs works."""
        results = await asyncio.gather(*(_run(check) for check in checks))
        down = [result.name for result in results if result.status == "down"]
        if not down:
            return Readiness(checks=results)
        problem = NotReady(
            type=problem_type("unavailable"),
            title="Not ready",
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            detail=f"Down: {', '.join(down)}. The service's log says why.",
            checks=results,
        )
        return problem_response(request.scope, problem)

    @router.get(
        "/metrics",
        response_class=Response,
        dependencies=[Depends(get_principal)],
        responses={200: {"description": "Prometheus' text format", "content": {"text/plain": {}}}},
    )
    async def get_metrics() -> Response:
        """Returns what the service counts."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


async def _run(check: ReadinessCheck) -> CheckResult:
    started_at = time.perf_counter()
    status: Literal["up", "down"] = "up"
    try:
        await asyncio.wait_for(check.probe(), check.timeout_s)
    except Exception as error:
        log.warning("dependency down", extra={"dependency": check.name}, exc_info=error)
        status = "down"
    return CheckResult(name=check.name, status=status, ms=round((time.perf_counter() - started_at) * 1000, 1))


def _not_ready_schema() -> dict[str, object]:
    return {"$ref": "#/components/schemas/NotReady"}

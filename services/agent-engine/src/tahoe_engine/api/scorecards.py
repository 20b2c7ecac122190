import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import Body, Path, Response

from tahoe_core.errors import ConflictError
from tahoe_core.http.pagination import Page, RequestedPage
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.contradictions import contradictions_are_conflicts
from tahoe_engine.api.dependencies import MAX_BODY_BYTES, IncludeInactive, TeamSession
from tahoe_engine.api.examples import SCORECARD_EXAMPLES
from tahoe_engine.api.versions import Version
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.models.catalog import AppliedScorecard, ScorecardSummary
from tahoe_engine.models.scorecard import ScorecardDefinition
from tahoe_engine.scoring.validation import validate_definition

ScorecardName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=100)]
Definition = Annotated[ScorecardDefinition, Body(openapi_examples=SCORECARD_EXAMPLES)]

router = create_router("/v1/scorecards", "scorecards", max_body_bytes=MAX_BODY_BYTES)


@router.post("", status_code=HTTPStatus.CREATED, responses=problem_responses(409))
async def create_scorecard(definition: Definition, session: TeamSession, response: Response) -> ScorecardSummary:
    """Creates the first version of a scorecard; 409 when the name is taken, or the definition contradicts itself."""
    catalog = ScorecardCatalog(session)
    applied = await _apply(catalog, definition)
    if not applied.created or applied.bound.version > 1:  # seen only now, for somebody else may be creating it, too
        raise ConflictError(
            f"There is already a scorecard {definition.name!r}, active or not.",
            cure=f"PUT /v1/scorecards/{definition.name} makes a new version of it.",
            field="name",
        )
    response.headers["Location"] = f"/v1/scorecards/{definition.name}"
    return await catalog.get_summary(definition.name, applied.bound.version)


@router.get("")
async def list_scorecards(
    session: TeamSession, page: RequestedPage, *, include_inactive: IncludeInactive = False
) -> Page[ScorecardSummary]:
    """Lists the newest version of each scorecard, newest first."""
    found = await ScorecardCatalog(session).list_page(page, include_inactive=include_inactive)
    return Page.of(found, lambda row: row)


@router.get("/{name}", responses=problem_responses(404))
async def get_scorecard(name: ScorecardName, session: TeamSession, version: Version = None) -> ScorecardSummary:
    """Returns a version of a scorecard, active or not."""
    return await ScorecardCatalog(session).get_summary(name, version)


@router.get("/{name}/definition", response_model_exclude_unset=True, responses=problem_responses(404))
async def get_scorecard_definition(
    name: ScorecardName, session: TeamSession, version: Version = None
) -> ScorecardDefinition:
    """Returns a version of a scorecard as its author wrote it, what was left out left out."""
    return await ScorecardCatalog(session).get_definition(name, version)


@router.get("/{name}/versions", responses=problem_responses(404))
async def list_scorecard_versions(
    name: ScorecardName, session: TeamSession, page: RequestedPage
) -> Page[ScorecardSummary]:
    """Lists every version of a scorecard, newest first."""
    return Page.of(await ScorecardCatalog(session).list_versions(name, page), lambda row: row)


@router.put("/{name}", responses=problem_responses(404, 409))
async def update_scorecard(name: ScorecardName, definition: Definition, session: TeamSession) -> ScorecardSummary:
    """Makes a new version of a scorecard; the same content changes nothing."""
    if definition.name != name:
        raise ConflictError(f"The path says {name!r}, the definition {definition.name!r}.", field="name")
    catalog = ScorecardCatalog(session)
    await catalog.get_summary(name)
    applied = await _apply(catalog, definition)
    return await catalog.get_summary(name, applied.bound.version)


@router.post("/{name}/deactivate", responses=problem_responses(404))
async def deactivate_scorecard(name: ScorecardName, session: TeamSession) -> ScorecardSummary:
    """Takes a scorecard out of use; what it has judged keeps pointing at it."""
    return await ScorecardCatalog(session).deactivate(name)


async def _apply(catalog: ScorecardCatalog, definition: ScorecardDefinition) -> AppliedScorecard:
    with contradictions_are_conflicts():
        await asyncio.to_thread(validate_definition, definition, definition.name)  # it tries every pattern
        return await catalog.apply(definition)

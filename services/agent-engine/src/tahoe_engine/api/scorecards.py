from http import HTTPStatus
from typing import Annotated

from fastapi import Path, Query

from tahoe_core.errors import ConflictError, NotFoundError
from tahoe_core.http.pagination import Page, RequestedPage
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.contradictions import contradictions_are_conflicts
from tahoe_engine.api.dependencies import IncludeInactive, TeamSession
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.models.catalog import ScorecardSummary
from tahoe_engine.models.scorecard import ScorecardDefinition
from tahoe_engine.scoring.validation import validate_definition

ScorecardName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=100)]
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Left out: the newest.")]

router = create_router("/v1/scorecards", "scorecards")


@router.post("", status_code=HTTPStatus.CREATED, responses=problem_responses(409))
async def create_scorecard(definition: ScorecardDefinition, session: TeamSession) -> ScorecardSummary:
    """Creates the first version of a scorecard; 409 when the name is taken, or the definition contradicts itself."""
    catalog = ScorecardCatalog(session)
    try:
        await catalog.get_summary(definition.name)
    except NotFoundError:
        return await _apply(catalog, definition)
    raise ConflictError(
        f"There is already a scorecard {definition.name!r}.",
        cure=f"PUT /v1/scorecards/{definition.name} makes a new version of it.",
        field="name",
    )


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


@router.get("/{name}/definition", responses=problem_responses(404))
async def get_scorecard_definition(
    name: ScorecardName, session: TeamSession, version: Version = None
) -> ScorecardDefinition:
    """Returns a version of a scorecard as its author wrote it."""
    return await ScorecardCatalog(session).get_definition(name, version)


@router.get("/{name}/versions", responses=problem_responses(404))
async def list_scorecard_versions(
    name: ScorecardName, session: TeamSession, page: RequestedPage
) -> Page[ScorecardSummary]:
    """Lists every version of a scorecard, newest first."""
    return Page.of(await ScorecardCatalog(session).list_versions(name, page), lambda row: row)


@router.put("/{name}", responses=problem_responses(404, 409))
async def update_scorecard(
    name: ScorecardName, definition: ScorecardDefinition, session: TeamSession
) -> ScorecardSummary:
    """Makes a new version of a scorecard; the same content changes nothing."""
    if definition.name != name:
        raise ConflictError(f"The path says {name!r}, the definition {definition.name!r}.", field="name")
    catalog = ScorecardCatalog(session)
    await catalog.get_summary(name)
    return await _apply(catalog, definition)


@router.post("/{name}/deactivate", responses=problem_responses(404))
async def deactivate_scorecard(name: ScorecardName, session: TeamSession) -> ScorecardSummary:
    """Takes a scorecard out of use; what it has judged keeps pointing at it."""
    return await ScorecardCatalog(session).deactivate(name)


async def _apply(catalog: ScorecardCatalog, definition: ScorecardDefinition) -> ScorecardSummary:
    with contradictions_are_conflicts():
        validate_definition(definition, source=definition.name)
        applied = await catalog.apply(definition)
    return await catalog.get_summary(definition.name, applied.bound.version)

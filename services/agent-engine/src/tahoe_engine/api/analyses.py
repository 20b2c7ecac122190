from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, Field

from tahoe_core.http.pagination import Page, RequestedPage
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.analysis.analyses import Analyses
from tahoe_engine.api.contradictions import contradictions_are_conflicts
from tahoe_engine.api.dependencies import CurrentServices, TeamSession
from tahoe_engine.interactions.formats.written import WrittenInteraction
from tahoe_engine.interactions.written_reading import read_written
from tahoe_engine.models.analysis import Analysis, AnalysisStatus, Verdict
from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.scorecard import Slug
from tahoe_engine.models.stored import AnalysisFilter, AnalysisSummary

NEWEST_VERSION = 2**31 - 1
Version = Annotated[int | None, Field(ge=1, le=NEWEST_VERSION, description="Left out: the active one.")]

router = create_router("/v1/analyses", "analyses")


class AnalysisRequest(StrictModel):
    """What is to be scored, and against what."""

    scorecard: Slug
    scorecard_version: Version = None
    interaction: WrittenInteraction | UUID = Field(
        description="An interaction, which is kept as by POST /v1/interactions, or the id of one that is kept."
    )


@router.post("", status_code=HTTPStatus.CREATED, responses=problem_responses(404, 409))
async def create_analysis(asked: AnalysisRequest, session: TeamSession, services: CurrentServices) -> Analysis:
    """Scores an interaction against a scorecard, and keeps both."""
    analyses = Analyses(session, services.kit)
    if isinstance(asked.interaction, UUID):
        return await analyses.analyze_stored(asked.interaction, asked.scorecard, asked.scorecard_version)
    with contradictions_are_conflicts():
        return await analyses.analyze(read_written(asked.interaction), asked.scorecard, asked.scorecard_version)


@router.get("")
async def list_analyses(
    session: TeamSession,
    services: CurrentServices,
    page: RequestedPage,
    interaction_id: UUID | None = None,
    scorecard: Annotated[str | None, Query(max_length=100, description="Its name.")] = None,
    scorecard_version: Annotated[int | None, Query(ge=1, le=NEWEST_VERSION)] = None,
    verdict: Verdict | None = None,
    status: AnalysisStatus | None = None,
    created_from: AwareDatetime | None = None,
    created_before: AwareDatetime | None = None,
) -> Page[AnalysisSummary]:
    """Lists analyses without their findings, newest first."""
    which = AnalysisFilter(
        interaction_id=interaction_id,
        scorecard=scorecard,
        scorecard_version=scorecard_version,
        verdict=verdict,
        status=status,
        created_from=created_from,
        created_before=created_before,
    )
    return Page.of(await Analyses(session, services.kit).list_page(which, page), lambda row: row)


@router.get("/{analysis_id}", responses=problem_responses(404))
async def get_analysis(analysis_id: UUID, session: TeamSession, services: CurrentServices) -> Analysis:
    """Returns an analysis as it was made."""
    return await Analyses(session, services.kit).get(analysis_id)


@router.post("/{analysis_id}/rerun", status_code=HTTPStatus.CREATED, responses=problem_responses(404))
async def rerun_analysis(analysis_id: UUID, session: TeamSession, services: CurrentServices) -> Analysis:
    """Scores the same version of the interaction again, with the active version of the scorecard; the old stays."""
    return await Analyses(session, services.kit).rerun(analysis_id)

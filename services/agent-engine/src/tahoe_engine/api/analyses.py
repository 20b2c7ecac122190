import asyncio
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Response
from pydantic import Field

from tahoe_core.http.moment import Moment
from tahoe_core.http.pagination import Page, RequestedPage
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.contradictions import contradictions_are_conflicts
from tahoe_engine.api.dependencies import TeamAnalyses
from tahoe_engine.api.examples import ANALYSIS_EXAMPLES
from tahoe_engine.api.versions import LARGEST_VERSION
from tahoe_engine.interactions.formats.written import WrittenInteraction
from tahoe_engine.interactions.written_reading import read_written
from tahoe_engine.models.analysis import Analysis, AnalysisStatus, Verdict
from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.scorecard import Slug
from tahoe_engine.models.stored import AnalysisFilter, AnalysisSummary

router = create_router("/v1/analyses", "analyses")


class AnalysisRequest(StrictModel):
    """What is to be scored, and against what."""

    scorecard: Slug
    scorecard_version: int | None = Field(
        default=None, ge=1, le=LARGEST_VERSION, description="Left out: the active one."
    )
    interaction: WrittenInteraction | UUID = Field(
        description="An interaction, which is kept as by POST /v1/interactions, or the id of one that is kept."
    )


@router.post("", status_code=HTTPStatus.CREATED, responses=problem_responses(404, 409))
async def create_analysis(
    asked: Annotated[AnalysisRequest, Body(openapi_examples=ANALYSIS_EXAMPLES)],
    analyses: TeamAnalyses,
    response: Response,
) -> Analysis:
    """Scores an interaction against a scorecard, and keeps both."""
    with contradictions_are_conflicts():
        if isinstance(asked.interaction, UUID):
            made = await analyses.analyze_stored(asked.interaction, asked.scorecard, asked.scorecard_version)
        else:
            interaction = await asyncio.to_thread(read_written, asked.interaction)
            made = await analyses.analyze(interaction, asked.scorecard, asked.scorecard_version)
    response.headers["Location"] = f"/v1/analyses/{made.analysis_id}"
    return made


@router.get("")
async def list_analyses(
    analyses: TeamAnalyses,
    page: RequestedPage,
    interaction_id: UUID | None = None,
    scorecard: Annotated[str | None, Query(max_length=100, description="Its name.")] = None,
    scorecard_version: Annotated[int | None, Query(ge=1, le=LARGEST_VERSION)] = None,
    verdict: Verdict | None = None,
    status: AnalysisStatus | None = None,
    created_from: Moment | None = None,
    created_before: Moment | None = None,
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
    return Page.of(await analyses.list_page(which, page), lambda row: row)


@router.get("/{analysis_id}", responses=problem_responses(404))
async def get_analysis(analysis_id: UUID, analyses: TeamAnalyses) -> Analysis:
    """Returns an analysis as it was made."""
    return await analyses.get(analysis_id)


@router.post("/{analysis_id}/rerun", status_code=HTTPStatus.CREATED, responses=problem_responses(404, 409))
async def rerun_analysis(analysis_id: UUID, analyses: TeamAnalyses, response: Response) -> Analysis:
    """Scores the same version of the interaction again, with the active version of the scorecard; the old stays."""
    with contradictions_are_conflicts():
        made = await analyses.rerun(analysis_id)
    response.headers["Location"] = f"/v1/analyses/{made.analysis_id}"
    return made

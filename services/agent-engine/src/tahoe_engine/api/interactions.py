import asyncio
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Response

from tahoe_core.http.moment import Moment
from tahoe_core.http.pagination import Page, RequestedPage
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.contradictions import contradictions_are_conflicts
from tahoe_engine.api.dependencies import TeamSession
from tahoe_engine.api.examples import INTERACTION_EXAMPLES
from tahoe_engine.interactions.formats.written import WrittenInteraction
from tahoe_engine.interactions.store import InteractionStore
from tahoe_engine.interactions.written_reading import prepare_written
from tahoe_engine.models.interaction import InteractionType
from tahoe_engine.models.stored import InteractionFilter, InteractionSummary, SavedInteraction, StoredInteraction

router = create_router("/v1/interactions", "interactions")

SEEN_BEFORE = {"model": SavedInteraction, "description": "The same content stood there already"}
ExternalId = Annotated[str | None, Query(max_length=500, description="Every version under this id of the source.")]


@router.post("", status_code=HTTPStatus.CREATED, responses={HTTPStatus.OK: SEEN_BEFORE, **problem_responses(409)})
async def create_interaction(
    written: Annotated[WrittenInteraction, Body(openapi_examples=INTERACTION_EXAMPLES)],
    session: TeamSession,
    response: Response,
) -> SavedInteraction:
    """Keeps an interaction: 200 when the same content is there already, a new version when the content changed."""
    with contradictions_are_conflicts():
        new = await asyncio.to_thread(prepare_written, written)
    (saved,) = await InteractionStore(session).save([new])
    response.headers["Location"] = f"/v1/interactions/{saved.id}"
    if not saved.created:
        response.status_code = HTTPStatus.OK
    return saved


@router.get("")
async def list_interactions(
    session: TeamSession,
    page: RequestedPage,
    external_id: ExternalId = None,
    type: InteractionType | None = None,  # noqa: A002 - the name of the field
    created_from: Moment | None = None,
    created_before: Moment | None = None,
) -> Page[InteractionSummary]:
    """Lists interactions without their turns, newest first."""
    which = InteractionFilter(
        external_id=external_id, type=type, created_from=created_from, created_before=created_before
    )
    return Page.of(await InteractionStore(session).list_page(which, page), lambda row: row)


@router.get("/{interaction_id}", response_model=StoredInteraction, responses=problem_responses(404))
async def get_interaction(interaction_id: UUID, session: TeamSession) -> Response:
    """Returns one version of an interaction with its turns."""
    stored = await InteractionStore(session).get(interaction_id)
    text = await asyncio.to_thread(stored.model_dump_json)  # FastAPI would write a long one while others wait
    return Response(text, media_type="application/json")

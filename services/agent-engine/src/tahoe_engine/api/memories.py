"""Memories as a collection: added, searched, listed, moved."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Body, Query, Response
from fastapi.responses import StreamingResponse

from tahoe_core.http.moment import Moment
from tahoe_core.http.pagination import Page, RequestedPage
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.contradictions import contradictions_are_conflicts
from tahoe_engine.api.dependencies import TeamMemories
from tahoe_engine.api.examples import MEMORY_BATCH_EXAMPLES, MEMORY_EXAMPLES, MEMORY_SEARCH_EXAMPLES
from tahoe_engine.api.json_lines import JSON_LINES, JSON_LINES_BODY, JsonLines
from tahoe_engine.memory.export_lines import write_line
from tahoe_engine.models.memory_filter import MemoryFilter
from tahoe_engine.models.memory_models import (
    MemoryCreate,
    MemoryRecord,
    MemorySearchRequest,
    MemoryStatus,
    MemoryType,
)
from tahoe_engine.models.memory_outcomes import AddedMemory, AddOutcome, BulkAdded
from tahoe_engine.models.memory_overview import MemoryOverview
from tahoe_engine.models.memory_requests import FoundMemories, MemoryBatch
from tahoe_engine.models.memory_transfer import ImportedMemories

router = create_router("/v1/memories", "memories", may_be_stored=False)

KNOWN = {"model": AddedMemory, "description": "It stands at this place of the conversation already"}
EXPORTED = {"description": "JSONL, a version a line", "content": {JSON_LINES: {"schema": {"type": "string"}}}}


@router.post("", status_code=HTTPStatus.CREATED, responses={HTTPStatus.OK: KNOWN, **problem_responses(404, 409)})
async def add_memory(
    memory: Annotated[MemoryCreate, Body(openapi_examples=MEMORY_EXAMPLES)],
    memories: TeamMemories,
    response: Response,
) -> AddedMemory:
    """Remembers something: 201 with the version that stands now, 200 where nothing had to be written.

    What is known already becomes a new version in the new words (`merged`). What contradicts by its subject stands in
    the place of what was known where somebody said it on purpose (`superseded`); else both are `disputed`.
    """
    with contradictions_are_conflicts():
        added = await memories.add(memory)
    response.headers["Location"] = f"/v1/memories/{added.memory.id}"
    if added.outcome is AddOutcome.KNOWN:
        response.status_code = HTTPStatus.OK
    return added


@router.post("/bulk", responses=problem_responses(404, 409))
async def add_memories(
    batch: Annotated[MemoryBatch, Body(openapi_examples=MEMORY_BATCH_EXAMPLES)], memories: TeamMemories
) -> BulkAdded:
    """Remembers up to 500 at once, all or none; the answer is in the order of the request.

    Near duplicates among them are found later, by the upkeep.
    """
    with contradictions_are_conflicts():
        return await memories.add_many(batch.memories)


@router.post("/search")
async def search_memories(
    asked: Annotated[MemorySearchRequest, Body(openapi_examples=MEMORY_SEARCH_EXAMPLES)], memories: TeamMemories
) -> FoundMemories:
    """Finds what matters to a question, best first, now or as of a moment; nothing is recorded."""
    return FoundMemories(results=await memories.search(asked))


@router.get("")
async def list_memories(
    memories: TeamMemories,
    page: RequestedPage,
    agent_id: Annotated[UUID | None, Query(description="Those of this agent alone.")] = None,
    user_id: Annotated[UUID | None, Query(description="Those of this user alone.")] = None,
    type: MemoryType | None = None,  # noqa: A002 - the name of the outside
    status: MemoryStatus | None = None,
    subject: Annotated[str | None, Query(max_length=200)] = None,
    tag: Annotated[str | None, Query(max_length=64)] = None,
    created_from: Moment | None = None,
    created_before: Moment | None = None,
) -> Page[MemoryRecord]:
    """Lists versions of memories, newest first; `status=active` leaves out those of the past."""
    which = MemoryFilter(
        agent_id=agent_id,
        user_id=user_id,
        memory_type=type,
        status=status,
        subject=subject,
        tag=tag,
        created_from=created_from,
        created_before=created_before,
    )
    return Page.of(await memories.list_page(page, which), lambda row: row)


@router.get("/stats")
async def count_memories(memories: TeamMemories) -> MemoryOverview:
    """Counts versions by status, what is live by type and tier, and what the log has."""
    return await memories.get_overview()


@router.get("/export", response_class=StreamingResponse, responses={HTTPStatus.OK: EXPORTED})
async def export_memories(memories: TeamMemories) -> StreamingResponse:
    """Streams every version of every memory as JSONL, newest first; what is added meanwhile is not among them.

    Vectors, counts of search and the log stay behind. A stream that breaks off ends without its last chunk, which HTTP
    clients report.
    """
    lines = (write_line(record) async for record in memories.export())
    first = await anext(lines, b"")  # a database that does not answer is a 503, not a stream that breaks off
    return StreamingResponse(_chain(first, lines), media_type=JSON_LINES)


@router.post("/import", responses=problem_responses(404, 409), openapi_extra={"requestBody": JSON_LINES_BODY})
async def import_memories(
    lines: JsonLines,
    memories: TeamMemories,
    agent_id: Annotated[
        UUID | None, Query(description="Whose the memories of agents that this team does not have become.")
    ] = None,
) -> ImportedMemories:
    """Takes in an export, all of it or nothing: a line that is none is a 409 with its number.

    What is here already is not taken twice, and what was erased stays so. Versions, state, tags and pins come along;
    ids are made anew, the same each time. Conversations that this team does not have get a stand-in, so that what was
    said in them stays together.
    """
    with contradictions_are_conflicts():
        return await memories.import_export(lines, agent_id)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for line in rest:
        yield line

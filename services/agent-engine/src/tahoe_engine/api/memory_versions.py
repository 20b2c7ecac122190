"""One memory and its versions: read, changed on record, erased."""

from http import HTTPStatus
from uuid import UUID

from fastapi import Response

from tahoe_core.http.moment import Moment
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.contradictions import contradictions_are_conflicts
from tahoe_engine.api.dependencies import MAX_BODY_BYTES, TeamMemories
from tahoe_engine.models.memory_models import MemoryChange, MemoryHistory, MemoryRecord
from tahoe_engine.models.memory_requests import Because, ErasedMemories, Supersession, TagList

# As a UUID already in the path: /search and its like are no memories, and answer to their own methods alone.
router = create_router("/v1/memories", "memories", max_body_bytes=MAX_BODY_BYTES, may_be_stored=False)


@router.get("/{memory_id:uuid}", responses=problem_responses(404))
async def get_memory(memory_id: UUID, memories: TeamMemories) -> MemoryRecord:
    """Returns one version of a memory, with the state that it has now."""
    return await memories.get(memory_id)


@router.get("/{memory_id:uuid}/history", responses=problem_responses(404))
async def get_memory_history(memory_id: UUID, memories: TeamMemories) -> MemoryHistory:
    """Returns every version of a memory, oldest first, and what happened to them; of its uses the newest 1,000."""
    return await memories.get_history(memory_id)


@router.get("/{memory_id:uuid}/at", responses=problem_responses(404))
async def get_memory_at(memory_id: UUID, moment: Moment, memories: TeamMemories) -> MemoryRecord:
    """Returns the version that stood at a moment, with the state that it had then; 404 where there was none yet."""
    return await memories.get_at(memory_id, moment)


@router.post("/{memory_id:uuid}/supersede", status_code=HTTPStatus.CREATED, responses=problem_responses(404, 409))
async def supersede_memory(
    memory_id: UUID, asked: Supersession, memories: TeamMemories, response: Response
) -> MemoryRecord:
    """Puts a new version in the place of a live memory; 409 names the one that stands there already."""
    change = MemoryChange.model_validate(asked.model_dump(exclude={"reason"}))
    with contradictions_are_conflicts():
        record = await memories.supersede(memory_id, change, asked.reason)
    response.headers["Location"] = f"/v1/memories/{record.id}"
    return record


@router.post("/{memory_id:uuid}/pin", responses=problem_responses(404, 409))
async def pin_memory(memory_id: UUID, memories: TeamMemories, because: Because | None = None) -> MemoryRecord:
    """Lets a live memory come with every answer; 409 where it is live no more."""
    return await memories.pin(memory_id, reason=_reason(because, "asked for"))


@router.post("/{memory_id:uuid}/unpin", responses=problem_responses(404, 409))
async def unpin_memory(memory_id: UUID, memories: TeamMemories, because: Because | None = None) -> MemoryRecord:
    """Lets a live memory come only where it is found."""
    return await memories.pin(memory_id, pinned=False, reason=_reason(because, "asked for"))


@router.put("/{memory_id:uuid}/tags", responses=problem_responses(404, 409))
async def tag_memory(memory_id: UUID, wanted: TagList, memories: TeamMemories) -> MemoryRecord:
    """Gives a memory these tags and no others; one that was erased gets none."""
    return await memories.tag(memory_id, wanted.tags)


@router.post("/{memory_id:uuid}/resolve", responses=problem_responses(404, 409))
async def resolve_dispute(memory_id: UUID, memories: TeamMemories, because: Because | None = None) -> MemoryRecord:
    """Decides a dispute for this memory, which supersedes those that said otherwise; 409 where it is not disputed."""
    return await memories.resolve(memory_id, _reason(because, "decided"))


@router.post("/{memory_id:uuid}/erase", responses=problem_responses(404))
async def erase_memory(memory_id: UUID, because: Because, memories: TeamMemories) -> ErasedMemories:
    """Erases a memory for data protection: every version, and what was made of them, becomes a tombstone for ever.

    That it was there, when, and who erased it stays on record.
    """
    return ErasedMemories(erased=await memories.erase(memory_id, because.reason))


def _reason(because: Because | None, otherwise: str) -> str:
    return otherwise if because is None else because.reason

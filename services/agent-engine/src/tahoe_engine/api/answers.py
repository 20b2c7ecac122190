from uuid import UUID

from tahoe_core.http.routing import create_router
from tahoe_engine.api.dependencies import TeamRecaller
from tahoe_engine.models.memory_requests import AnswerMemories

router = create_router("/v1/answers", "answers")


@router.get("/{answer_id}/memories")
async def list_memories_of_answer(answer_id: UUID, recaller: TeamRecaller) -> AnswerMemories:
    """Returns which memories were put before the model for an answer: version, rank and score of each.

    Empty where none was, or where there is no such answer. What a version says never changes, unless it was erased.
    """
    return AnswerMemories(answer_id=answer_id, memories=await recaller.list_used(answer_id))

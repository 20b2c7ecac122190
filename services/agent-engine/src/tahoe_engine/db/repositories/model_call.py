from collections.abc import Sequence
from uuid import UUID

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.model_call import ModelCallORM
from tahoe_engine.models.conversation_models import MessageUsage
from tahoe_engine.models.model_call import ModelCall, ModelCallCreate


class ModelCallRepository(BaseRepository[ModelCallORM]):
    """Queries of `model_call`, which only grows."""

    model = ModelCallORM
    noun = "model call"

    async def record(self, calls: Sequence[ModelCallCreate]) -> None:
        """Writes down what calls took."""
        for call in calls:
            usage = call.usage.model_dump()
            await self.add(ModelCallORM(**call.model_dump(exclude={"usage"}), **usage))

    async def list_calls(self, conversation_id: UUID, request: PageRequest) -> Page[ModelCall]:
        """Lists the calls for a conversation, newest first."""
        return (await self.list_page(request, ModelCallORM.conversation_id == conversation_id)).map(_to_call)


def _to_call(row: ModelCallORM) -> ModelCall:
    usage = MessageUsage.model_validate({name: getattr(row, name) for name in MessageUsage.model_fields})
    others = {name: getattr(row, name) for name in ModelCall.model_fields if name != "usage"}
    return ModelCall.model_validate(others | {"usage": usage})

from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.conversation import ConversationORM, MessageORM


class ConversationRepository(BaseRepository[ConversationORM]):
    """Queries of `conversation`."""

    model = ConversationORM
    noun = "conversation"

    async def find_by_external_id(self, external_id: str) -> ConversationORM | None:
        """Returns the conversation that the source calls so, if there is one."""
        return await self.find_where(self.model.external_id == external_id)


class MessageRepository(BaseRepository[MessageORM]):
    """Queries of `message`."""

    model = MessageORM
    noun = "message"

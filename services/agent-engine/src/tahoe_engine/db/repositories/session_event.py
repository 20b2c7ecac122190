"""Events of sessions, which are messages."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.conversation import MessageORM
from tahoe_engine.models.conversation_models import EVENT_DOCUMENT

EVENT = "adk"
"""The key of the metadata under which a message has what is known of its event: `event_id`, `timestamp`, and others."""


class SessionEventRepository(BaseRepository[MessageORM]):
    """Queries of `message` by what its metadata say of an event."""

    model = MessageORM
    noun = "message"

    async def list_documents(
        self, conversation_id: UUID, until: int, *, most: int | None, since: float | None
    ) -> Sequence[str]:
        """Returns events as they were written, in that order.

        Args:
            conversation_id: Of which session.
            until: The position before which they stand.
            most: The newest of those that fit; None: all.
            since: Seconds since 1970 by the clock of whoever wrote them; None: from the beginning.
        """
        model = MessageORM
        document = model.metadata_json[EVENT_DOCUMENT].as_string()
        query = select(document).where(
            model.team_id == self.team_id, model.conversation_id == conversation_id, model.position < until
        )
        if since is not None:
            query = query.where(model.metadata_json[EVENT]["timestamp"].as_float() >= since)
        query = query.where(document.is_not(None)).order_by(model.position.desc()).limit(most)
        return (await self.session.scalars(query)).all()[::-1]

    async def find_last_id(self, conversation_id: UUID) -> str | None:
        """Returns what the program calls the newest event, if there is one."""
        model = MessageORM
        event_id = model.metadata_json[EVENT]["event_id"].as_string()
        query = select(event_id).where(model.team_id == self.team_id, model.conversation_id == conversation_id)
        return await self.session.scalar(query.order_by(model.position.desc()).limit(1))

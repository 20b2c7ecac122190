"""Sessions of programs on ADK, which are conversations, and those that keep their shared state."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, func
from sqlalchemy.dialects.postgresql import insert

from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.conversation import ConversationORM
from tahoe_engine.models.conversation_models import ConversationStatus

SESSION = "adk"
"""The key of the metadata under which a session has its names: `app`, `user`, `session`, and `updated_at`."""


class SessionRepository(BaseRepository[ConversationORM]):
    """Queries of `conversation` by external id."""

    model = ConversationORM
    noun = "conversation"

    async def add_once(self, external_id: str, values: Mapping[str, Any]) -> bool:
        """Writes a conversation; False where there is one of that external id, or was made at the same moment."""
        statement = (
            insert(ConversationORM)
            .values(team_id=self.team_id, external_id=external_id, **values)
            .on_conflict_do_nothing(index_elements=["team_id", "external_id"])
            .returning(ConversationORM.id)
        )
        return (await self.session.scalars(statement)).one_or_none() is not None

    async def find_locked(self, external_id: str) -> ConversationORM | None:
        """Returns a conversation as it is now, and keeps other writers waiting until the transaction ends."""
        query = self.select().where(self.model.external_id == external_id).with_for_update()
        return (await self.session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def find_many(self, external_ids: Collection[str]) -> dict[str, ConversationORM]:
        """Returns those that there are, as they were at one moment."""
        listed = bindparam("wanted", list(external_ids), type_=ARRAY(Text))  # one parameter, however many they are
        rows = await self.session.scalars(self.select().where(self.model.external_id == func.any(listed)))
        return {row.external_id: row for row in rows if row.external_id is not None}

    async def list_open(self, place: str, app: str, user: tuple[str, UUID] | None) -> Sequence[ConversationORM]:
        """Returns the sessions of an application that are not closed, in no order.

        Args:
            place: How the external ids of sessions begin.
            app: The application.
            user: Its name and its id; None: everybody.
        """
        model = self.model
        names = model.metadata_json[SESSION]
        conditions = [
            model.agent_id.is_(None),
            model.status != ConversationStatus.CLOSED,
            model.external_id.startswith(place, autoescape=True),
            names["app"].as_string() == app,
        ]
        if user is not None:
            conditions += [model.user_id == user[1], names["user"].as_string() == user[0]]
        return (await self.session.scalars(self.select().where(*conditions))).all()

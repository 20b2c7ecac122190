from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Row, bindparam, case, exists, func, literal, not_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import flag_modified

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_core.errors import ConflictError
from tahoe_engine.db.models.conversation import ConversationORM
from tahoe_engine.db.models.enums import CONVERSATION_STATUS
from tahoe_engine.db.models.turn import TurnORM
from tahoe_engine.models.conversation_models import (
    IDLE_AFTER,
    SESSION_STATE,
    STATE_PLACE,
    Conversation,
    ConversationFilter,
    ConversationStatus,
)

_TABLE = ConversationORM.metadata.tables[ConversationORM.__tablename__]
_CONVERSATION = _TABLE.c
_TAKE_UP = (
    update(_TABLE)
    .where(
        _CONVERSATION.team_id == bindparam("team"),
        _CONVERSATION.id == bindparam("conversation"),
        _CONVERSATION.status != ConversationStatus.CLOSED,
    )
    .values(
        status=ConversationStatus.ACTIVE,
        title=case((_CONVERSATION.title == "", bindparam("given_title")), else_=_CONVERSATION.title),
    )
    .returning(_CONVERSATION.id)
)
"""Built once, as those of `turn`."""


_ACTIVE, _IDLE = (
    literal(status, CONVERSATION_STATUS) for status in (ConversationStatus.ACTIVE, ConversationStatus.IDLE)
)
_IS_QUIET = (ConversationORM.status == _ACTIVE) & (ConversationORM.updated_at < func.now() - IDLE_AFTER)
_TOLD_STATUS = case((_IS_QUIET, _IDLE), else_=ConversationORM.status)


class ConversationRepository(BaseRepository[ConversationORM]):
    """Queries of `conversation`."""

    model = ConversationORM
    noun = "conversation"

    async def take_up(self, conversation_id: UUID, title: str) -> bool:
        """Goes on with a conversation, and keeps who would close it waiting; False where it is closed.

        Args:
            conversation_id: The conversation.
            title: What it is called from now on, where it has no title yet.
        """
        values = {"team": self.team_id, "conversation": conversation_id, "given_title": title}
        return (await self.session.execute(_TAKE_UP, values)).one_or_none() is not None

    async def set_status(self, conversation_id: UUID, status: ConversationStatus) -> ConversationORM:
        """Says how it stands; it is written even where it says the same, as a quiet one is active again from now on.

        Raises:
            NotFoundError: There is none, or it is another team's.
        """
        row = await self.get(conversation_id)
        row.status = status
        flag_modified(row, "status")
        return await self.change(row)

    async def find_by_external_id(self, external_id: str) -> ConversationORM | None:
        """Returns the conversation that the source calls so, if there is one."""
        return await self.find_where(self.model.external_id == external_id)

    async def get_fresh(self, conversation_id: UUID) -> Conversation:
        """Returns a conversation with the counters that triggers keep.

        Raises:
            NotFoundError: There is none, or it is another team's.
        """
        row = await self.get(conversation_id)
        await self.session.refresh(row)
        return to_conversation(row)

    async def list_conversations(self, which: ConversationFilter, request: PageRequest) -> Page[Conversation]:
        """Lists what fits, newest first; what keeps state rather than words only where it is asked for by its id."""
        wanted = {
            self.model.agent_id: which.agent_id,
            self.model.user_id: which.user_id,
            _TOLD_STATUS: which.status,
            self.model.external_id: which.external_id,
        }
        conditions = [column == value for column, value in wanted.items() if value is not None]
        if which.external_id is None:
            called = self.model.external_id
            conditions.append(or_(called.is_(None), not_(called.startswith(STATE_PLACE, autoescape=True))))
        return (await self.list_page(request, *conditions)).map(to_conversation)

    async def list_unread(
        self, limit: int, but_agents: Collection[UUID | None] = ()
    ) -> Sequence[Row[UUID, UUID | None]]:
        """Returns conversations in which something was said that was not read yet, and who answers, oldest first.

        One in which an answer is being written is none of them: what is half written would be read, and then no more.
        Where no agent answers, nobody remembers: such as the sessions of programs on ADK.
        """
        model = self.model
        is_answered = exists().where(
            TurnORM.team_id == self.team_id, TurnORM.conversation_id == model.id, TurnORM.leased_until > func.now()
        )
        query = select(model.id, model.agent_id).where(
            model.team_id == self.team_id,
            model.agent_id.not_in(but_agents) if but_agents else model.agent_id.is_not(None),
            model.extracted_until < model.message_count,
            ~is_answered,
        )
        return (await self.session.execute(query.order_by(model.last_message_at, model.id).limit(limit))).all()

    async def call(self, conversation_id: UUID, external_id: str) -> bool:
        """Gives a conversation another external id; False where another one has it, and this has none then."""
        model = self.model
        named = update(model).where(model.team_id == self.team_id, model.id == conversation_id)
        try:
            async with self.session.begin_nested():
                await self.session.execute(named.values(external_id=external_id))
        except (ConflictError, IntegrityError):
            await self.session.execute(named.values(external_id=None))
            return False
        return True

    async def is_unread(self, conversation_id: UUID, until: int) -> bool:
        """Whether anything before a position was not read for memories yet."""
        model = self.model
        is_behind = model.extracted_until < until
        query = select(model.id).where(model.team_id == self.team_id, model.id == conversation_id, is_behind)
        return (await self.session.scalar(query)) is not None

    async def set_extracted(self, conversation_id: UUID, position: int) -> None:
        """Notes up to which position a conversation was read; never back."""
        model = self.model
        await self.session.execute(
            update(model)
            .where(model.team_id == self.team_id, model.id == conversation_id)
            .values(extracted_until=func.greatest(model.extracted_until, position))
        )


def to_conversation(row: ConversationORM) -> Conversation:
    """Returns what a row says, without the state of a session."""
    values = {name: getattr(row, name) for name in Conversation.model_fields if name != "metadata"}
    metadata = {key: value for key, value in row.metadata_json.items() if key != SESSION_STATE}
    is_quiet = row.status is ConversationStatus.ACTIVE and row.updated_at < datetime.now(UTC) - IDLE_AFTER
    status = ConversationStatus.IDLE if is_quiet else row.status
    return Conversation.model_validate(values | {"metadata": metadata, "status": status})

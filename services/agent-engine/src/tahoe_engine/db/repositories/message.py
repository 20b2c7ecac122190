from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select, type_coerce, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import defer

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_core.errors import NotFoundError
from tahoe_engine.db.models.conversation import MessageORM
from tahoe_engine.models.conversation_models import (
    EVENT_DOCUMENT,
    MessageCreate,
    MessageFeedback,
    MessageRecord,
    MessageRole,
    MessageToolCall,
    MessageUsage,
    ToolResult,
)

_SHOWN = type_coerce(MessageORM.metadata_json.op("-")(EVENT_DOCUMENT), JSONB)


class MessageRepository(BaseRepository[MessageORM]):
    """Queries of `message`; who writes to a conversation holds its running turn."""

    model = MessageORM
    noun = "message"

    async def append(self, conversation_id: UUID, turn_id: UUID | None, message: MessageCreate) -> MessageRecord:
        """Writes a message after the last one.

        Raises:
            ConflictError: Somebody else writes to the conversation at the same moment.
        """
        model = MessageORM
        last = select(func.max(model.position)).where(
            model.team_id == self.team_id, model.conversation_id == conversation_id
        )
        statement = (
            insert(model)
            .values(
                team_id=self.team_id,
                conversation_id=conversation_id,
                turn_id=turn_id,
                position=func.coalesce(last.scalar_subquery() + 1, 0),
                **_columns(message),
            )
            .returning(model)
        )
        return to_message((await self.session.scalars(statement)).one())

    async def append_all(self, conversation_id: UUID, messages: Sequence[MessageCreate]) -> None:
        """Writes the first messages of a conversation, which belong to no turn."""
        common = {"team_id": self.team_id, "conversation_id": conversation_id}
        rows = [common | {"position": position} | _columns(message) for position, message in enumerate(messages)]
        if rows:
            await self.session.execute(insert(MessageORM), rows)

    async def extend(self, message_id: UUID, text: str) -> None:
        """Adds to an answer that is being written."""
        model = MessageORM
        await self.session.execute(
            update(model)
            .where(model.team_id == self.team_id, model.id == message_id)
            .values(content=model.content + text)
        )

    async def complete(self, message_id: UUID, message: MessageCreate) -> MessageRecord:
        """Writes down all that is known of an answer once it is whole.

        Raises:
            NotFoundError: There is no such message.
        """
        model = MessageORM
        statement = (
            update(model)
            .where(model.team_id == self.team_id, model.id == message_id)
            .values(
                **_columns(message),
            )
            .returning(model)
            .execution_options(populate_existing=True)
        )
        row = (await self.session.scalars(statement)).one_or_none()
        if row is None:
            raise NotFoundError(f"There is no {self.noun} with the id {message_id}.")
        return to_message(row)

    async def give_feedback(self, message_id: UUID, feedback: MessageFeedback) -> MessageRecord:
        """Writes down what somebody thought of a message; the last word holds.

        Raises:
            NotFoundError: There is no such message.
        """
        row = await self.get(message_id)
        row.feedback = feedback.model_dump(mode="json")
        return to_message(await self.change(row))

    async def list_of(self, conversation_id: UUID, since: int = 0, before: int | None = None) -> list[MessageRecord]:
        """Returns the messages of a conversation from a position on, up to another one, in their order."""
        ends = [] if before is None else [MessageORM.position < before]
        return await self._list(MessageORM.conversation_id == conversation_id, MessageORM.position >= since, *ends)

    async def list_last(self, conversation_id: UUID, count: int) -> list[MessageRecord]:
        """Returns the last messages of a conversation, in their order."""
        newest = self.select().where(MessageORM.conversation_id == conversation_id)
        rows = await self.session.scalars(newest.order_by(MessageORM.position.desc()).limit(count))
        return [to_message(row) for row in rows][::-1]

    async def list_of_turn(self, turn_id: UUID) -> list[MessageRecord]:
        """Returns the messages of a turn, in their order."""
        return await self._list(MessageORM.turn_id == turn_id)

    async def list_messages(self, conversation_id: UUID, request: PageRequest) -> Page[MessageRecord]:
        """Lists the messages of a conversation, newest first."""
        page = await self.page_of(self._select_shown().where(MessageORM.conversation_id == conversation_id), request)
        return page.map(lambda row: to_message(*row))

    async def _list(self, *conditions: Any) -> list[MessageRecord]:  # noqa: ANN401 - conditions of a query
        rows = await self.session.execute(self._select_shown().where(*conditions).order_by(MessageORM.position))
        return [to_message(row, metadata) for row, metadata in rows]

    def _select_shown(self) -> Select[MessageORM, dict[str, object]]:
        """Begins a query of messages with the metadata that are shown: events of sessions, megabytes of them, stay."""
        return self.select().options(defer(MessageORM.metadata_json)).add_columns(_SHOWN)


def to_message(row: MessageORM, metadata: Mapping[str, object] | None = None) -> MessageRecord:
    """Returns what a row says, without the event of a session.

    Args:
        row: The message.
        metadata: What is shown of them, where they were not loaded with the row.
    """
    if metadata is None:
        metadata = {key: value for key, value in row.metadata_json.items() if key != EVENT_DOCUMENT}
    usage = None
    if row.model is not None and row.latency_ms is not None:
        usage = MessageUsage(
            model=row.model,
            input_tokens=row.input_tokens or 0,
            cached_tokens=row.cached_tokens or 0,
            output_tokens=row.output_tokens or 0,
            latency_ms=row.latency_ms,
        )
    result = None
    if row.role is MessageRole.TOOL and row.tool_call_id is not None:
        result = ToolResult(tool_call_id=row.tool_call_id, tool_name=row.tool_name, is_error=row.is_error)
    return MessageRecord(
        id=row.id,
        conversation_id=row.conversation_id,
        position=row.position,
        role=row.role,
        content=row.content,
        tool_calls=tuple(MessageToolCall.model_validate(call) for call in row.tool_calls),
        tool_result=result,
        usage=usage,
        is_complete=row.is_complete,
        metadata=metadata,
        feedback=MessageFeedback.model_validate(row.feedback) if row.feedback else None,
        created_at=row.created_at,
    )


def _columns(message: MessageCreate) -> dict[str, Any]:
    return {
        "role": message.role,
        "content": message.content,
        "is_complete": message.is_complete,
        "metadata_json": dict(message.metadata),
        **_tool_columns(message),
        **_usage_columns(message.usage),
    }


def _tool_columns(message: MessageCreate) -> dict[str, Any]:
    result = message.tool_result
    return {
        "tool_calls": [call.model_dump(mode="json") for call in message.tool_calls],
        "tool_call_id": result.tool_call_id if result else None,
        "tool_name": result.tool_name if result else None,
        "is_error": bool(result and result.is_error),
    }


def _usage_columns(usage: MessageUsage | None) -> dict[str, Any]:
    names = ("model", "input_tokens", "cached_tokens", "output_tokens", "latency_ms")
    return {name: getattr(usage, name) if usage else None for name in names}

"""Queries of `message`; those that are run in each turn are built once, as in `turn`."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Executable,
    Integer,
    Result,
    Row,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
    insert,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

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

_TABLE = MessageORM.metadata.tables[MessageORM.__tablename__]
_MESSAGE = _TABLE.c
_HIDDEN = {"team_id", "turn_id", "updated_at", "metadata"}
# Events of sessions, megabytes of them, stay where they are.
_METADATA = type_coerce(_MESSAGE.metadata.op("-")(EVENT_DOCUMENT), JSONB).label("metadata_json")
_READ = [*(column for column in _MESSAGE if column.name not in _HIDDEN), _METADATA]

_OF_TEAM = _MESSAGE.team_id == bindparam("team")
_OF_CONVERSATION = (_OF_TEAM, _MESSAGE.conversation_id == bindparam("conversation"))
_THIS = (_OF_TEAM, _MESSAGE.id == bindparam("message"))

_WRITTEN = [_MESSAGE[name] for name in ("id", "conversation_id", "position", "feedback", "created_at")]
_USAGE = ("model", "input_tokens", "cached_tokens", "output_tokens", "latency_ms")
_SAID: dict[str, BindParameter[Any]] = {
    name: bindparam(name)
    for name in (
        *("role", "content", "is_complete", "metadata"),
        *("tool_calls", "tool_call_id", "tool_name", "is_error"),
        *_USAGE,
    )
}
_APPEND = (
    insert(_TABLE)
    .values(
        team_id=bindparam("team"),
        conversation_id=bindparam("conversation"),
        turn_id=bindparam("of_turn"),
        position=func.coalesce(select(func.max(_MESSAGE.position)).where(*_OF_CONVERSATION).scalar_subquery() + 1, 0),
        **_SAID,
    )
    .returning(*_WRITTEN)
)
_EXTEND = update(_TABLE).where(*_THIS).values(content=_MESSAGE.content + bindparam("more", type_=Text()))
_COMPLETE = update(_TABLE).where(*_THIS).values(**_SAID).returning(*_WRITTEN)
_GIVE_FEEDBACK = update(_TABLE).where(*_THIS).values(feedback=bindparam("given")).returning(*_READ)
_LIST = (
    select(*_READ)
    .where(*_OF_CONVERSATION, _MESSAGE.position.between(bindparam("first"), bindparam("last")))
    .order_by(_MESSAGE.position)
)
_LIST_LAST = (
    select(*_READ)
    .where(*_OF_CONVERSATION)
    .order_by(_MESSAGE.position.desc())
    .limit(bindparam("count", type_=Integer()))
)
_LIST_OF_TURNS = (
    select(_MESSAGE.turn_id, *_READ)
    .where(_OF_TEAM, _MESSAGE.turn_id == any_(bindparam("turns", type_=ARRAY(Uuid()))))
    .order_by(_MESSAGE.position)
)
_LAST_POSITION = 2**31 - 1


class MessageRepository(BaseRepository[MessageORM]):
    """Queries of `message`; who writes to a conversation holds its running turn."""

    model = MessageORM
    noun = "message"

    async def append(self, conversation_id: UUID, turn_id: UUID | None, message: MessageCreate) -> MessageRecord:
        """Writes a message after the last one.

        Raises:
            ConflictError: Somebody else writes to the conversation at the same moment.
        """
        place = {"conversation": conversation_id, "of_turn": turn_id}
        row = (await self._execute(_APPEND, **place, **_columns(message))).one()
        return _to_written(row, message)

    async def append_all(self, conversation_id: UUID, messages: Sequence[MessageCreate]) -> None:
        """Writes the first messages of a conversation, which belong to no turn."""
        common = {"team_id": self.team_id, "conversation_id": conversation_id}
        rows = [common | {"position": position} | _columns(message) for position, message in enumerate(messages)]
        if rows:
            await self.session.execute(insert(_TABLE), rows)

    async def extend(self, message_id: UUID, text: str) -> None:
        """Adds to an answer that is being written."""
        await self._execute(_EXTEND, message=message_id, more=text)

    async def complete(self, message_id: UUID, message: MessageCreate) -> MessageRecord:
        """Writes down all that is known of an answer once it is whole.

        Raises:
            NotFoundError: There is no such message.
        """
        row = (await self._execute(_COMPLETE, message=message_id, **_columns(message))).one_or_none()
        if row is None:
            raise NotFoundError(f"There is no {self.noun} with the id {message_id}.")
        return _to_written(row, message)

    async def give_feedback(self, message_id: UUID, feedback: MessageFeedback) -> MessageRecord:
        """Writes down what somebody thought of a message; the last word holds.

        Raises:
            NotFoundError: There is no such message.
        """
        given = feedback.model_dump(mode="json")
        row = (await self._execute(_GIVE_FEEDBACK, message=message_id, given=given)).one_or_none()
        if row is None:
            raise NotFoundError(f"There is no {self.noun} with the id {message_id}.")
        return _to_message(row)

    async def list_of(self, conversation_id: UUID, since: int = 0, before: int | None = None) -> list[MessageRecord]:
        """Returns the messages of a conversation from a position on, up to another one, in their order."""
        last = _LAST_POSITION if before is None else before - 1
        rows = await self._execute(_LIST, conversation=conversation_id, first=since, last=last)
        return [_to_message(row) for row in rows]

    async def list_last(self, conversation_id: UUID, count: int) -> list[MessageRecord]:
        """Returns the last messages of a conversation, in their order."""
        rows = await self._execute(_LIST_LAST, conversation=conversation_id, count=count)
        return [_to_message(row) for row in rows][::-1]

    async def list_of_turn(self, turn_id: UUID) -> list[MessageRecord]:
        """Returns the messages of a turn, in their order."""
        return (await self.list_of_turns([turn_id])).get(turn_id, [])

    async def list_of_turns(self, turn_ids: Collection[UUID]) -> Mapping[UUID, list[MessageRecord]]:
        """Returns the messages of each of these turns that has any, in their order."""
        found: defaultdict[UUID, list[MessageRecord]] = defaultdict(list)
        for row in await self._execute(_LIST_OF_TURNS, turns=list(turn_ids)):
            found[row.turn_id].append(_to_message(row))
        return found

    async def list_messages(self, conversation_id: UUID, request: PageRequest) -> Page[MessageRecord]:
        """Lists the messages of a conversation, newest first."""
        mine = (_MESSAGE.team_id == self.team_id, _MESSAGE.conversation_id == conversation_id)
        return (await self.page_of(select(*_READ).where(*mine), request)).map(_to_message)

    async def _execute(self, statement: Executable, **values: Any) -> Result[*tuple[Any, ...]]:  # noqa: ANN401 - by name
        return await self.session.execute(statement, {"team": self.team_id, **values})


def _to_written(row: Row[Any], message: MessageCreate) -> MessageRecord:
    """Returns what was written, with what the database gave it."""
    return MessageRecord.model_validate({**row._asdict(), **dict(message), "feedback": row.feedback or None})


def _to_message(row: Row[Any]) -> MessageRecord:
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
        metadata=row.metadata_json,
        feedback=MessageFeedback.model_validate(row.feedback) if row.feedback else None,
        created_at=row.created_at,
    )


def _columns(message: MessageCreate) -> dict[str, Any]:
    result, usage = message.tool_result, message.usage
    return {
        "role": message.role,
        "content": message.content,
        "is_complete": message.is_complete,
        "metadata": dict(message.metadata),
        "tool_calls": [call.model_dump(mode="json") for call in message.tool_calls],
        "tool_call_id": result.tool_call_id if result else None,
        "tool_name": result.tool_name if result else None,
        "is_error": bool(result and result.is_error),
        **{name: getattr(usage, name) if usage else None for name in _USAGE},
    }

"""A turn as it is written down, step by step, before anybody is told."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.errors import ConflictError, TahoeError
from tahoe_engine.chat.brought import Sign
from tahoe_engine.chat.chat_events import ChatEvent, Cursor, MessageWritten, TextAdded, ToolStarted, TurnEnded
from tahoe_engine.chat.model_call_note import note_call
from tahoe_engine.chat.turn_usage import add_usage
from tahoe_engine.db.repositories.conversation import ConversationRepository
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.db.repositories.model_call import ModelCallRepository
from tahoe_engine.db.repositories.turn import TurnRepository
from tahoe_engine.models.conversation_models import (
    MessageCreate,
    MessageRecord,
    MessageRole,
    MessageUsage,
    ToolResult,
)
from tahoe_engine.models.model_call import ModelCallPurpose
from tahoe_engine.models.turn_models import PendingApproval, Turn, TurnStatus
from tahoe_engine.runtime.model_errors import RunCancelledError
from tahoe_engine.runtime.run_events import (
    AnswerFailed,
    AnswerFinished,
    ApprovalRequested,
    MemoriesRecalled,
    ModelCallFailed,
    ModelCallFinished,
    RunEvent,
    RunUsage,
    TextDelta,
    ThoughtDelta,
    ToolCallFinished,
    ToolCallStarted,
)

LEASE = timedelta(seconds=15)
"""How long a conversation waits for a process that died; one that lives renews it every third of it."""
HOLD_SECONDS = LEASE.total_seconds() / 3

_LAST = (AnswerFinished, ApprovalRequested, AnswerFailed)
_UNWRITTEN = (MemoriesRecalled, ThoughtDelta, ToolCallStarted)

type OpenSession = Callable[[], AbstractAsyncContextManager[AsyncSession]]


class TurnLostError(ConflictError):
    """The turn is not ours any more: its lease ran out while we were held up, and another one may have begun."""

    title = "Turn lost"


@dataclass
class TurnJournal:
    """Writes a running turn down.

    Every `write` is one transaction: what the events say, and the lease held on to. What it returns is to be told only
    then.

    Attributes:
        turn: The running turn.
        open_session: Opens a unit of work of the turn's team.
        sign: As `Brought` has it.
    """

    turn: Turn
    open_session: OpenSession
    sign: Sign | None = None
    _answer: MessageRecord | None = None
    _text: str = ""
    _recalled: MemoriesRecalled | None = None
    _spent: Decimal | None = None
    _taken: RunUsage | None = None
    _held_at: float = field(default_factory=time.monotonic)
    _written: list[MessageRecord] = field(default_factory=list)

    async def write(self, events: Sequence[RunEvent]) -> list[ChatEvent]:
        """Writes down what happened, in its order.

        Raises:
            TurnLostError: The turn is not ours any more; nothing was written.
        """
        told: list[ChatEvent] = []
        for recalled in events:
            if isinstance(recalled, MemoriesRecalled):
                self._recalled = recalled  # noted with what comes next
        if not any(map(_is_written, events)):
            return [ToolStarted(one.call) for one in events if isinstance(one, ToolCallStarted)]
        async with self.open_session() as session:
            await self._hold(TurnRepository(session))
            messages = MessageRepository(session)
            last_words = ""
            for event, following in pairwise([*_join_texts(events), None]):
                if isinstance(event, TextDelta) and isinstance(following, ModelCallFinished):
                    last_words = event.text  # written with the whole answer
                elif isinstance(event, ModelCallFinished):
                    told += await self._finish_answer(messages, event, last_words)
                    last_words = ""
                elif event is not None:
                    told += await self._write_one(session, messages, event)
        return told

    async def end(self, status: TurnStatus, error: TahoeError | None = None) -> list[ChatEvent]:
        """Ends the turn as something outside it demands: somebody cancelled, the process stops, it broke.

        Raises:
            TurnLostError: The turn is not ours any more.
        """
        async with self.open_session() as session:
            return [await self._end(session, status, self._taken, error=_describe(error))]

    async def settle(self, events: Sequence[RunEvent]) -> None:
        """Writes down what a lost turn took, as it is paid for all the same, but nothing of what came of it.

        Args:
            events: What was not written any more.
        """
        taken = next((event.usage for event in events if isinstance(event, _LAST)), None)
        calls = [event for event in events if isinstance(event, ModelCallFinished | ModelCallFailed)]
        for call in calls:
            self._spend(call.cost_usd)
        async with self.open_session() as session:
            if taken is not None:
                usage = add_usage(self.turn.usage, taken)
                await TurnRepository(session).settle(self.turn.id, usage, self._add_cost(taken))
            for call in calls:
                if call.usage is not None:
                    await self._note_call(session, call, call.usage)

    @property
    def is_due(self) -> bool:
        """Whether it is time to hold on to the turn, whatever happens that is not written."""
        return time.monotonic() - self._held_at >= HOLD_SECONDS

    async def hold(self) -> None:
        """Holds on to the turn while nothing happens that is written.

        Raises:
            TurnLostError: The turn is not ours any more.
        """
        async with self.open_session() as session:
            await self._hold(TurnRepository(session))

    async def _hold(self, turns: TurnRepository) -> None:
        recalled, self._recalled = self._recalled, None
        noted = () if recalled is None else (recalled.milliseconds, recalled.tokens)
        if not await turns.renew(self.turn.id, LEASE, *noted):
            raise TurnLostError("The turn was taken from its process.", cure="Ask again.")
        self._held_at = time.monotonic()

    async def _write_one(self, session: AsyncSession, messages: MessageRepository, event: RunEvent) -> list[ChatEvent]:
        told: ChatEvent
        match event:
            case TextDelta():
                told = await self._add_text(messages, event.text)
            case ToolCallStarted():
                told = ToolStarted(event.call)
            case ToolCallFinished():
                told = await self._add_result(messages, event)
            case ApprovalRequested():
                told = await self._wait(session, event)
            case AnswerFinished():
                told = await self._end(session, TurnStatus.COMPLETE, event.usage)
            case AnswerFailed(error=RunCancelledError()):
                self._taken = event.usage  # noted at the turn's end
                return []
            case AnswerFailed():
                told = await self._end(session, TurnStatus.FAILED, event.usage, error=_describe(event.error))
            case ModelCallFailed(usage=MessageUsage() as usage):
                await self._note_call(session, event, usage)
                self._spend(event.cost_usd)
                return []
            case _:  # thoughts, and models that were not reached
                return []
        return [told]

    async def _wait(self, session: AsyncSession, event: ApprovalRequested) -> ChatEvent:
        calls = [
            PendingApproval(
                call_id=call.id,
                tool_name=call.name,
                arguments=call.arguments or {},
                is_callers=call.id in event.callers,
            )
            for call in event.calls
        ]
        return await self._end(session, TurnStatus.WAITING, event.usage, pending=calls)

    async def _add_text(self, messages: MessageRepository, text: str) -> ChatEvent:
        self._text += text
        if self._answer is None:
            beginning = MessageCreate(role=MessageRole.ASSISTANT, content=text, is_complete=False)
            self._answer = await messages.append(self.turn.conversation_id, self.turn.id, beginning)
        else:
            await messages.extend(self._answer.id, text)
        return TextAdded(Cursor(self._answer.position, len(self._text)), text)

    async def _finish_answer(
        self, messages: MessageRepository, event: ModelCallFinished, last_words: str
    ) -> list[ChatEvent]:
        answer = MessageCreate(
            role=MessageRole.ASSISTANT,
            content=event.text,
            tool_calls=event.calls,
            usage=event.usage,
            is_complete=event.is_complete and bool(event.text or event.calls),
            metadata=_describe_call(event),
        )
        if self._answer is None:
            written = await messages.append(self.turn.conversation_id, self.turn.id, answer)
        else:
            written = await messages.complete(self._answer.id, answer)
        self._spend(event.cost_usd)
        length = len(self._text) + len(last_words)
        self._answer, self._text = None, ""
        self._written.append(written)
        added = [TextAdded(Cursor(written.position, length), last_words)] if last_words else []
        return [*added, MessageWritten(Cursor(written.position, len(written.content), is_whole=True), written)]

    async def _note_call(
        self, session: AsyncSession, event: ModelCallFailed | ModelCallFinished, usage: MessageUsage
    ) -> None:
        turn = self.turn
        call = note_call(event, usage, turn.conversation_id, turn.agent_id, ModelCallPurpose.ANSWER)
        await ModelCallRepository(session).record([call])

    async def _add_result(self, messages: MessageRepository, event: ToolCallFinished) -> ChatEvent:
        result = MessageCreate(
            role=MessageRole.TOOL,
            content=event.content,
            tool_result=ToolResult(tool_call_id=event.call_id, tool_name=event.name, is_error=event.is_error),
            metadata={"duration_ms": round(event.duration_ms, 1)},
        )
        written = await messages.append(self.turn.conversation_id, self.turn.id, result)
        return MessageWritten(Cursor(written.position, len(written.content), is_whole=True), written)

    async def _end(
        self,
        session: AsyncSession,
        status: TurnStatus,
        taken: RunUsage | None = None,
        *,
        error: str | None = None,
        pending: Sequence[PendingApproval] = (),
    ) -> ChatEvent:
        ended = await TurnRepository(session).end(
            self.turn.id,
            status,
            usage=None if taken is None else add_usage(self.turn.usage, taken),
            cost_usd=self._add_cost(taken),
            error=error,
            pending=pending,
        )
        if ended is None:
            raise TurnLostError("The turn was taken from its process.", cure="Ask again.")
        if self.sign is not None and status in {TurnStatus.COMPLETE, TurnStatus.WAITING}:
            name = self.sign(self._written, ended.pending)
            if name is not None:
                await ConversationRepository(session).call(self.turn.conversation_id, name)
        return TurnEnded(ended)

    def _spend(self, cost_usd: Decimal | None) -> None:
        if cost_usd is not None:
            self._spent = (self._spent or 0) + cost_usd

    def _add_cost(self, taken: RunUsage | None) -> Decimal | None:
        """Returns what the turn cost, as far as it is known."""
        cost_usd = self._spent if taken is None or taken.cost_usd is None else taken.cost_usd
        return None if cost_usd is None else cost_usd + (self.turn.cost_usd or 0)


def _is_written(event: RunEvent) -> bool:
    """Whether an event is worth a transaction by itself."""
    if isinstance(event, ModelCallFailed):
        return event.usage is not None
    return not isinstance(event, _UNWRITTEN)


def _join_texts(events: Iterable[RunEvent]) -> list[RunEvent]:
    """What came while the last write was under way is written at once."""
    joined: list[RunEvent] = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, TextDelta) and isinstance(last, TextDelta):
            joined[-1] = TextDelta(last.text + event.text)
        else:
            joined.append(event)
    return joined


def _describe_call(event: ModelCallFinished) -> dict[str, Any]:
    described: dict[str, Any] = {"provider": event.provider}
    if event.first_byte_ms is not None:
        described["first_byte_ms"] = round(event.first_byte_ms, 1)
    if event.cost_usd is not None:
        described["cost_usd"] = str(event.cost_usd)
    if event.is_estimated:
        described["is_estimated"] = True
    return described


def _describe(error: TahoeError | None) -> str | None:
    """Returns the kind of error and what it says; errors never repeat what people said."""
    return None if error is None else f"{type(error).__name__}: {error}"

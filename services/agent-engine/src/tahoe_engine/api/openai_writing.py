"""Answers in the form that OpenAI's clients read: whole, or in chunks as they are written."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from tahoe_core.errors import TahoeError
from tahoe_engine.chat.chat_events import ChatEvent, MessageWritten, TextAdded, TurnEnded
from tahoe_engine.chat.openai_chat import refuse_waiting
from tahoe_engine.chat.openai_faults import explain_turn
from tahoe_engine.chat.openai_thread import SEPARATOR, join_texts, pick_calls
from tahoe_engine.models.conversation_models import MessageRecord, MessageRole
from tahoe_engine.models.openai_answers import (
    AnswerMessage,
    AskedCall,
    AskedFunction,
    ChatCompletion,
    Choice,
    CompletionUsage,
    FinishReason,
    PromptTokens,
)
from tahoe_engine.models.turn_models import Turn

DONE = b"data: [DONE]\n\n"


@dataclass
class AnswerWriter:
    """Writes one answer.

    Attributes:
        model: As the client called it.
        turn: As it began.
        with_usage: Whether a stream ends with what it took.
    """

    model: str
    turn: Turn
    with_usage: bool = False
    _answer: list[MessageRecord] = field(default_factory=list)
    _place: int | None = None

    async def write_whole(self, events: AsyncIterator[ChatEvent]) -> ChatCompletion:
        """Returns the answer once it is whole.

        Raises:
            TahoeError: There is none.
        """
        async for event in events:
            self._hear(event)
            if isinstance(event, TurnEnded):
                self.turn = event.turn
        self._refuse_failure()
        calls = self._calls
        text = join_texts(self._answer)
        message = AnswerMessage(content=text if text or not calls else None, tool_calls=calls or None)
        return ChatCompletion(
            id=self._id,
            created=self._created,
            model=self.model,
            choices=[Choice(message=message, finish_reason=self._finish_reason)],
            usage=count_usage(self._answer),
        )

    async def write_stream(self, events: AsyncIterator[ChatEvent]) -> AsyncIterator[bytes]:
        """Yields the answer as it is written; the first comes with the first word, or when all is over.

        Raises:
            TahoeError: There is no answer, and nothing of one was given yet.
        """
        has_begun = False
        try:
            async for event in events:
                self._hear(event)
                if isinstance(event, TextAdded):
                    yield self._write_text(event, is_first=not has_begun)
                    has_begun = True
                if isinstance(event, TurnEnded):
                    self.turn = event.turn
            self._refuse_failure()
        except TahoeError as error:
            if not has_begun:
                raise
            yield _event({"error": {"message": str(error), "type": error.title, "code": int(error.status)}})
            return
        if not has_begun:
            yield self._chunk({"role": "assistant", "content": ""})
        if calls := self._calls:
            listed = [{"index": place} | call.model_dump() for place, call in enumerate(calls)]
            yield self._chunk({"tool_calls": listed})
        yield self._chunk({}, self._finish_reason)
        if self.with_usage:
            yield self._event(choices=[], usage=count_usage(self._answer).model_dump())
        yield DONE

    @property
    def _id(self) -> str:
        return f"chatcmpl-{self.turn.id}"

    @property
    def _created(self) -> int:
        return int(self.turn.created_at.timestamp())

    @property
    def _calls(self) -> list[AskedCall]:
        return [
            AskedCall(id=call.id, function=AskedFunction(name=call.name, arguments=call.arguments_text))
            for call in pick_calls(self._answer, self.turn.pending)
        ]

    @property
    def _finish_reason(self) -> FinishReason:
        if self._calls:
            return "tool_calls"
        return "stop" if self._answer and self._answer[-1].is_complete else "length"

    def _hear(self, event: ChatEvent) -> None:
        if isinstance(event, MessageWritten) and event.message.role is MessageRole.ASSISTANT:
            self._answer.append(event.message)

    def _refuse_failure(self) -> None:
        if (error := explain_turn(self.turn)) is not None:
            raise error
        refuse_waiting(self.turn)

    def _write_text(self, event: TextAdded, *, is_first: bool) -> bytes:
        begins_anew = not is_first and event.cursor.position != self._place
        self._place = event.cursor.position
        delta = {"role": "assistant"} if is_first else {}
        return self._chunk(delta | {"content": SEPARATOR + event.text if begins_anew else event.text})

    def _chunk(self, delta: dict[str, Any], finish_reason: FinishReason | None = None) -> bytes:
        return self._event(choices=[{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    def _event(self, **fields: object) -> bytes:
        frame = {"id": self._id, "object": "chat.completion.chunk", "created": self._created, "model": self.model}
        if self.with_usage:
            frame["usage"] = None  # as OpenAI has it in every chunk but the last
        return _event(frame | fields)


def count_usage(answer: Sequence[MessageRecord]) -> CompletionUsage:
    """Returns what the model calls behind an answer took together."""
    used = [one.usage for one in answer if one.usage is not None]
    given = sum(one.input_tokens for one in used)
    written = sum(one.output_tokens for one in used)
    cached = sum(one.cached_tokens for one in used)
    return CompletionUsage(
        prompt_tokens=given,
        completion_tokens=written,
        total_tokens=given + written,
        prompt_tokens_details=PromptTokens(cached_tokens=cached),
    )


def _event(data: object) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"

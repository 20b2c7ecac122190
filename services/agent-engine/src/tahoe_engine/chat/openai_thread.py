"""Conversations as OpenAI's clients know them: by all that was said so far, which they send anew each time."""

import hashlib
from collections.abc import Sequence
from typing import Any, Self
from uuid import UUID

import orjson

from tahoe_engine.models.conversation_models import MessageCreate, MessageRecord, MessageRole, MessageToolCall
from tahoe_engine.models.turn_models import PendingApproval

SEPARATOR = "\n\n"
"""Between the messages of one answer: a client is given them as one."""


class Thread:
    """Names a conversation by what was said in it.

    The name says nothing of the words to who does not know them already. What the caller's system messages say is no
    part of it: clients write the time of day there.

    Args:
        agent_id: Who answers.
        user_id: Who asks, where the client says so.
    """

    def __init__(self, agent_id: UUID, user_id: UUID | None) -> None:
        self._digest = hashlib.sha256(f"{agent_id} {user_id}\n".encode())

    @property
    def key(self) -> str:
        """The external id."""
        return f"openai:{self._digest.hexdigest()}"

    def add(self, messages: Sequence[MessageCreate]) -> Self:
        """Goes on with what was said next; how a client writes blanks and JSON makes no difference."""
        for message in messages:
            self._write(message.role, message.content, message.tool_calls, message)
        return self

    def key_after(self, answer: Sequence[MessageRecord], calls: Sequence[MessageToolCall]) -> str:
        """Returns the key once an answer was given; the thread itself stays where it is."""
        after = Thread.__new__(Thread)
        after._digest = self._digest.copy()  # noqa: SLF001 - its own kind
        after._write(MessageRole.ASSISTANT, join_texts(answer), calls, None)  # noqa: SLF001 - as above
        return after.key

    def _write(
        self, role: MessageRole, content: str, calls: Sequence[MessageToolCall], message: MessageCreate | None
    ) -> None:
        answered = message.tool_result.tool_call_id if message and message.tool_result else None
        said = [role, content.strip(), [[call.id, call.name, _arguments(call)] for call in calls], answered]
        self._digest.update(orjson.dumps(said, option=orjson.OPT_SORT_KEYS) + b"\n")


def join_texts(messages: Sequence[MessageRecord]) -> str:
    """Returns what an agent said in one answer, as its client is told."""
    return SEPARATOR.join(one.content for one in messages if one.role is MessageRole.ASSISTANT and one.content)


def pick_calls(messages: Sequence[MessageRecord], pending: Sequence[PendingApproval]) -> list[MessageToolCall]:
    """Returns the calls that wait for the caller, as the model wrote them."""
    written = {call.id: call for message in messages for call in message.tool_calls}
    return [written.get(one.call_id) or _rewrite(one) for one in pending if one.is_callers]


def _rewrite(call: PendingApproval) -> MessageToolCall:
    arguments = dict(call.arguments)
    text = orjson.dumps(arguments).decode()
    return MessageToolCall(id=call.call_id, name=call.tool_name, arguments=arguments, arguments_text=text)


def _arguments(call: MessageToolCall) -> Any:  # noqa: ANN401 - JSON
    try:
        return orjson.loads(call.arguments_text)
    except orjson.JSONDecodeError:
        return call.arguments_text.strip()

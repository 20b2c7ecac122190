"""As much of a conversation as a model is given again."""

from collections.abc import Sequence
from dataclasses import dataclass

from tahoe_engine.memory.token_estimate import estimate_tokens
from tahoe_engine.models.conversation_models import MessageRecord, MessageRole

HISTORY_TOKENS = 32_000


@dataclass(frozen=True)
class KeptHistory:
    """The end of a conversation.

    Attributes:
        messages: In their order; the first is a user's.
        first_position: Where it begins; what comes before is cut off, and known by memory alone.
        has_all: Whether all that was given is in it.
    """

    messages: list[MessageRecord]
    first_position: int
    has_all: bool


def keep_end(messages: Sequence[MessageRecord], budget: int = HISTORY_TOKENS) -> KeptHistory:
    """Keeps the newest messages that fit, beginning with a user's, so that no call is parted from its result.

    The last user's message and what follows it are kept whatever they take: without them there is nothing to answer.
    """
    starts = [place for place, message in enumerate(messages) if message.role is MessageRole.USER]
    if not starts:
        return KeptHistory(list(messages), messages[0].position if messages else 0, has_all=True)
    chosen = starts[-1]
    spent = sum(_count(message) for message in messages[chosen:])
    for start in reversed(starts[:-1]):
        spent += sum(_count(message) for message in messages[start:chosen])
        if spent > budget:
            break
        chosen = start
    if chosen == starts[0] and spent <= budget:
        chosen = 0
    return KeptHistory(list(messages[chosen:]), messages[chosen].position, has_all=chosen == 0)


def _count(message: MessageRecord) -> int:
    calls = sum(estimate_tokens(call.arguments_text) + estimate_tokens(call.name) for call in message.tool_calls)
    return estimate_tokens(message.content) + calls

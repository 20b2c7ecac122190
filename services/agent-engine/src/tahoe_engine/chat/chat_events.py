"""What a turn tells whoever follows it, and the cursor from which it can be followed again.

Every event that carries a cursor tells what the database already has, so that nothing a client was told can be lost.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from tahoe_core.errors import InvalidInputError
from tahoe_engine.models.conversation_models import MessageRecord, MessageToolCall
from tahoe_engine.models.turn_models import Turn

_PARTS = 3


@dataclass(frozen=True, order=True)
class Cursor:
    """How much of a conversation somebody was told.

    Attributes:
        position: Of the message that was told last.
        characters: Code points of its content that were told.
        is_whole: Whether all of it was told, calls and usage included.
    """

    position: int
    characters: int = 0
    is_whole: bool = False

    def __str__(self) -> str:
        """The form in which it travels, as the id of a server-sent event."""
        return f"{self.position}.{self.characters}.{int(self.is_whole)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads what `str` wrote.

        Raises:
            InvalidInputError: It did not.
        """
        parts = text.split(".")
        if len(parts) != _PARTS or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):  # noqa: PLR2004 - a number that fits
            raise InvalidInputError(
                "Last-Event-ID is none that this conversation gave.", cure="Leave it out.", field="Last-Event-ID"
            )
        return cls(int(parts[0]), int(parts[1]), parts[2] == "1")


@dataclass(frozen=True)
class TextAdded:
    """An answer grew."""

    cursor: Cursor
    text: str


@dataclass(frozen=True)
class MessageWritten:
    """A message is whole: a user's, an answer with its calls and usage, or a tool's."""

    cursor: Cursor
    message: MessageRecord


@dataclass(frozen=True)
class ToolStarted:
    """A tool began; told to those who follow at that moment, and to nobody later."""

    call: MessageToolCall


@dataclass(frozen=True)
class TurnEnded:
    """The turn is over, or waits for an approval; nothing follows."""

    turn: Turn


ChatEvent = TextAdded | MessageWritten | ToolStarted | TurnEnded


def tell_messages(messages: Sequence[MessageRecord], after: Cursor | None) -> Iterator[ChatEvent]:
    """Yields what somebody with this cursor has not been told of these messages."""
    for message in messages:
        told = after if after is not None and after.position == message.position else None
        if after is not None and (message.position < after.position or (told and told.is_whole)):
            continue
        rest = message.content[told.characters if told else 0 :]
        length = len(message.content)
        if rest and message.role == "assistant":
            yield TextAdded(Cursor(message.position, length), rest)
        if message.is_complete or message.usage is not None:  # cut at its limit, and yet all that there will be
            yield MessageWritten(Cursor(message.position, length, is_whole=True), message)

"""What the screen needs of a conversation, whether it is kept or not."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from tahoe_engine.models.conversation_models import MessageRecord, MessageToolCall, MessageUsage

if TYPE_CHECKING:
    from tahoe_engine.models.agent_models import AgentDNA
    from tahoe_engine.models.memory_models import MemoryRecord
    from tahoe_engine.runtime.model_endpoint import ChosenModel
    from tahoe_engine.runtime.tool_port import Decision
    from tahoe_engine.skills.library import AgentSkills


@dataclass(frozen=True, slots=True)
class TextCame:
    """The answer grew."""

    text: str


@dataclass(frozen=True, slots=True)
class ModelAnswered:
    """A model call is over.

    Attributes:
        calls: What it asks for.
        usage: None: it is not known.
        cost_usd: None: it is not known.
    """

    calls: tuple[MessageToolCall, ...]
    usage: MessageUsage | None
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    """A tool call has its result.

    Attributes:
        duration_ms: None: it is not known.
    """

    call_id: str
    name: str
    content: str
    is_error: bool
    duration_ms: float | None


@dataclass(frozen=True, slots=True)
class WaitsForPerson:
    """The last event of an answer that stands until somebody decides.

    Attributes:
        calls: What is to be decided.
        person_acts: The agent only suggests: a person does it, and tells what came of it.
    """

    calls: tuple[MessageToolCall, ...]
    person_acts: bool


@dataclass(frozen=True, slots=True)
class AnswerEnded:
    """The last event of an answer.

    Attributes:
        error: What ended it before it was whole, with what to do; None: it is whole.
    """

    error: str | None = None


ScreenEvent = TextCame | ModelAnswered | ToolAnswered | WaitsForPerson | AnswerEnded


class TerminalChat(Protocol):
    """One conversation of a person at a terminal with one agent. Everything runs in the background's event loop."""

    @property
    def dna(self) -> "AgentDNA":
        """Who answers."""
        ...

    @property
    def is_kept(self) -> bool:
        """Whether what is said is written down, and remembered."""
        ...

    async def list_models(self) -> "Sequence[ChosenModel]":
        """Returns the models that are asked, in order.

        Raises:
            ModelError: There is none; it says what is missing.
        """
        ...

    async def use_model(self, chosen: "ChosenModel") -> None:
        """Lets a model stand in, from now on, for what the agent does not name itself."""
        ...

    def say(self, text: str) -> AsyncGenerator[ScreenEvent]:
        """Says something, and yields the answer; the last event is `AnswerEnded` or `WaitsForPerson`.

        Raises:
            TahoeError: It cannot be answered.
        """
        ...

    def decide(self, decisions: "Sequence[Decision]") -> AsyncGenerator[ScreenEvent]:
        """Goes on with an answer that waited; as `say`."""
        ...

    async def stop(self) -> None:
        """Stops the answer whose events are no longer read; what came of it stays in the conversation."""
        ...

    async def list_messages(self) -> list[MessageRecord]:
        """Returns the conversation so far, oldest first."""
        ...

    async def list_skills(self) -> "AgentSkills":
        """Returns the skills that the agent has now."""
        ...

    async def find_memories(self, query: str) -> "list[MemoryRecord] | None":
        """Returns what the agent remembers of something, or the newest without a query; None: it has no memory."""
        ...

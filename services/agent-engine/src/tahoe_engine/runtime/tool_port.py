"""What an agent can do, as the runtime needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class ToolError(Exception):
    """A tool could not do it; the model is told the message, word by word, and may try otherwise."""


class Tool(Protocol):
    """Something that an agent can do."""

    @property
    def name(self) -> str:
        """How the model calls it: letters, digits, underscores and dashes."""
        ...

    @property
    def description(self) -> str:
        """What it does and when to use it, for the model."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """JSON schema of its arguments, an object."""
        ...

    @property
    def needs_approval(self) -> bool:
        """Whether it changes something outside, so that the agent's autonomy decides about it."""
        ...

    async def __call__(self, arguments: Mapping[str, Any]) -> str:
        """Does it, and returns what the model is to read.

        Raises:
            ToolError: It could not; so do other errors say, but the model is not told what they say.
        """
        ...


@dataclass(frozen=True)
class CallersTool:
    """Fulfils `Tool` for what whoever asks can do, and the engine cannot.

    At its calls the run stops, and goes on with a decision about each, whose note says what came of it. The agent's
    autonomy has no say: the caller does it, or does not.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    needs_approval: bool = field(default=False, init=False)

    async def __call__(self, arguments: Mapping[str, Any]) -> str:  # noqa: ARG002 - as every tool has it
        """Never done here.

        Raises:
            ToolError: Always.
        """
        raise ToolError("Only who asks can do this.")


@dataclass(frozen=True)
class Decision:
    """What a person decided about a call.

    Attributes:
        note: What the model is told beside it; where the agent only suggests, what came of it.
        is_result: It is what came of a `CallersTool`, which need not be brought again for that.
    """

    call_id: str
    is_approved: bool
    note: str = ""
    is_result: bool = False

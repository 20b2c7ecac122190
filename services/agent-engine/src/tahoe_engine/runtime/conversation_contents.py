"""A conversation as it is kept, turned into what ADK's models read."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from google.genai import types

from tahoe_engine.models.conversation_models import MessageCreate, MessageRole, MessageToolCall
from tahoe_engine.runtime.tool_gate import Outcome

_NEVER_RUN = Outcome("This was not done.", is_error=True)


@dataclass
class Conversation:
    """What was said so far.

    Attributes:
        contents: Every call of a tool in it has one result, right after the message that asks for it.
        instructions: What its system messages say.
        open_calls: Calls of its last message that have no result yet.
    """

    contents: list[types.Content] = field(default_factory=list)
    instructions: list[str] = field(default_factory=list)
    open_calls: list[MessageToolCall] = field(default_factory=list)
    _results: dict[str, Outcome] = field(default_factory=dict)
    _asked: list[MessageToolCall] = field(default_factory=list)

    @classmethod
    def of(cls, history: Sequence[MessageCreate]) -> "Conversation":
        """Reads a history; results that nobody asked for are left out."""
        made = cls()
        for message in history:
            made._add(message)
        made.open_calls = [call for call in made._asked if call.id not in made._results]
        if not made.open_calls:
            made._close()
        return made

    @property
    def ends_with_the_agent(self) -> bool:
        """Whether the agent spoke last, so that there is nothing to answer."""
        return not self.contents or self.contents[-1].role == "model"

    def answer(self, outcomes: Sequence[Outcome]) -> None:
        """Adds the results of the open calls, in their order."""
        self._results |= {call.id: outcome for call, outcome in zip(self.open_calls, outcomes, strict=True)}
        self._close()

    def say(self, text: str) -> None:
        """Adds what the user says; calls that are still open count as not done."""
        self._close()
        self.contents.append(types.Content(role="user", parts=[types.Part(text=text)]))

    def _add(self, message: MessageCreate) -> None:
        if message.tool_result is not None:
            outcome = Outcome(message.content, message.tool_result.is_error)
            self._results.setdefault(message.tool_result.tool_call_id, outcome)
            return
        self._close()
        match message.role:
            case MessageRole.SYSTEM:
                self.instructions.append(message.content)
            case MessageRole.USER:
                self.say(message.content)
            case MessageRole.ASSISTANT | MessageRole.TOOL:
                self._asked = list(message.tool_calls)
                parts = [types.Part(text=message.content)] if message.content else []
                parts += [types.Part(function_call=_call(call)) for call in self._asked]
                if parts:
                    self.contents.append(types.Content(role="model", parts=parts))

    def _close(self) -> None:
        """Puts the results of the last message's calls behind it."""
        if self._asked:
            parts = [_result(call, self._results.get(call.id, _NEVER_RUN)) for call in self._asked]
            self.contents.append(types.Content(role="user", parts=parts))
        self._asked, self._results, self.open_calls = [], {}, []


def _call(call: MessageToolCall) -> types.FunctionCall:
    return types.FunctionCall(id=call.id, name=call.name, args=dict(call.arguments or {}))


def _result(call: MessageToolCall, outcome: Outcome) -> types.Part:
    response = types.FunctionResponse(id=call.id, name=call.name, response=told(outcome))
    return types.Part(function_response=response)


def told(outcome: Outcome) -> dict[str, str]:
    """Returns an outcome as ADK hands it to a model."""
    return {"error" if outcome.is_error else "result": outcome.content}

"""Between what a model asks for and what is done."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tahoe_core.db.storable import replace_unstorable
from tahoe_engine.models.agent_models import Autonomy
from tahoe_engine.models.conversation_models import MAX_CONTENT_CHARACTERS, MessageToolCall
from tahoe_engine.runtime.run_events import ToolCallFinished, ToolCallStarted
from tahoe_engine.runtime.run_state import RunState
from tahoe_engine.runtime.tool_port import CallersTool, Decision, Tool, ToolError

_DONE = "A person has done it."
_CUT = "\n[The rest is left out: it is too long.]"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the model is told of a call."""

    content: str
    is_error: bool = False


class ToolGate:
    """Runs what an agent may do by itself, and holds back what a person has to decide about.

    Args:
        tools: What the agent has.
        autonomy: How far it may go by itself with tools that change something outside.
        state: The run.
    """

    def __init__(self, tools: Sequence[Tool], autonomy: Autonomy, state: RunState) -> None:
        has_none = autonomy is Autonomy.NONE
        self.tools = {tool.name: tool for tool in tools if not (has_none and tool.needs_approval)}
        self._autonomy = autonomy
        self._state = state

    async def settle(self, call: MessageToolCall, decision: Decision | None = None) -> Outcome | None:
        """Does what a call asks for, or says why not; None: somebody else has to act, and the run stops.

        Args:
            call: What the model asks for.
            decision: What a person decided about it; never about another call, which may well have the same id, as
                some servers number calls anew in each answer.
        """
        outcome = self._find_outcome(call, decision)
        if outcome is not None:
            return await self._tell(call, outcome, 0)
        tool = self.tools[call.name]
        if isinstance(tool, CallersTool):
            self._state.waiting.append(call)
            self._state.callers.add(call.id)
            return None
        if decision is None and tool.needs_approval and self._autonomy is not Autonomy.AUTO:
            self._state.waiting.append(call)
            return None
        if decision is not None and tool.needs_approval and self._autonomy is Autonomy.SUGGEST:
            return await self._tell(call, Outcome(decision.note or _DONE), 0)
        if not self._state.begin_tool_call():
            return await self._tell(call, Outcome("Not done: this run may call no more tools.", is_error=True), 0)
        await self._state.tell(ToolCallStarted(call))
        began = time.perf_counter()
        outcome = await self._run(tool, call)
        return await self._tell(call, outcome, (time.perf_counter() - began) * 1000)

    def _find_outcome(self, call: MessageToolCall, decision: Decision | None) -> Outcome | None:
        """Returns what a call comes to without anything being done here."""
        if decision is not None and decision.is_approved and decision.is_result:
            return Outcome(decision.note)
        is_known = call.name in self.tools or (decision is not None and decision.is_result)
        if not is_known:
            has = f"There are: {', '.join(self.tools)}." if self.tools else "There are none."
            return Outcome(f"There is no tool of this name. {has}", is_error=True)
        if call.arguments is None:
            return Outcome("Not done: the arguments are no JSON object. Write them again.", is_error=True)
        if decision is not None and not decision.is_approved:
            note = f" {decision.note}" if decision.note else ""
            return Outcome(f"Not done: a person decided against it.{note}", is_error=True)
        return None

    async def _run(self, tool: Tool, call: MessageToolCall) -> Outcome:
        try:
            content = replace_unstorable(await tool(call.arguments or {}))
        except ToolError as error:
            return Outcome(str(error) or "It could not be done.", is_error=True)
        except Exception as error:  # noqa: BLE001 - whatever a tool does, the run goes on
            # Not its words: they may hold what was said, or a secret.
            log.warning("tool failed", extra={"tool": tool.name, "reason": type(error).__name__})
            return Outcome("The tool failed.", is_error=True)
        if len(content) > MAX_CONTENT_CHARACTERS:
            content = content[: MAX_CONTENT_CHARACTERS - len(_CUT)] + _CUT
        return Outcome(content)

    async def _tell(self, call: MessageToolCall, outcome: Outcome, duration_ms: float) -> Outcome:
        await self._state.tell(ToolCallFinished(call.id, call.name, outcome.content, outcome.is_error, duration_ms))
        return outcome

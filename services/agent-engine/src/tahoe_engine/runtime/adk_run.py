"""One run of an agent on Google ADK."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from traceback import format_tb
from typing import Any, override

from google.adk.agents.llm_agent import LlmAgent
from google.adk.agents.run_config import RunConfig
from google.adk.models.base_llm import BaseLlm
from google.adk.runners import Runner
from google.adk.telemetry.context import ContentCapturingMode, TelemetryConfig
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_context import ToolContext
from google.genai import types

from tahoe_core.errors import InvalidInputError, TahoeError
from tahoe_engine.models.agent_models import Autonomy
from tahoe_engine.runtime.agent_runtime import Pricing, RunRequest
from tahoe_engine.runtime.chat_client import ChatClient
from tahoe_engine.runtime.conversation_contents import Conversation, told
from tahoe_engine.runtime.model_endpoint import ChosenModel, ModelEndpoint, WireFormat
from tahoe_engine.runtime.model_errors import RunCancelledError
from tahoe_engine.runtime.native_models import open_native
from tahoe_engine.runtime.one_run_session import OneRunSessions
from tahoe_engine.runtime.openai_llm import OpenAILlm
from tahoe_engine.runtime.run_events import AnswerFailed, AnswerFinished, ApprovalRequested, RunEvent
from tahoe_engine.runtime.run_model import Assignment, OpenModel, RunModel
from tahoe_engine.runtime.run_state import RunState
from tahoe_engine.runtime.tool_gate import ToolGate
from tahoe_engine.runtime.tool_port import Tool

_APP = "tahoe"
_USER = "somebody"
_AGENT = "agent"  # ADK wants an identifier; what the agent is called stands in its instructions
_GO_ON = "Go on."
# Anthropic and some servers have no JSON mode, and OpenAI's wants the word to be said.
_IN_JSON = "Answer with one JSON object, and with nothing else."
_LAST = (AnswerFinished, ApprovalRequested, AnswerFailed)
# ADK's own default writes what people said into the spans of traces.
_QUIET = TelemetryConfig(capture_message_content=ContentCapturingMode.NO_CONTENT)

log = logging.getLogger(__name__)

# Below a warning ADK tells what was said.
for _name in ("google_adk", "google_genai"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def open_model(connect: Callable[[ModelEndpoint], ChatClient], chosen: ChosenModel) -> BaseLlm:
    """Makes ADK's model of a chosen one.

    Raises:
        NoModelError: What it needs is not installed.
    """
    if chosen.endpoint.speaks is not WireFormat.OPENAI:
        return open_native(chosen)
    return OpenAILlm(chosen, connect(chosen.endpoint), hands_on_broken_arguments=True)


class AdkRun:
    """Answers once.

    Args:
        request: What to answer, by whom.
        open_model: Makes ADK's model of a chosen one.
        pricing: What calls cost.
    """

    def __init__(self, request: RunRequest, open_model: OpenModel, pricing: Pricing) -> None:
        boundaries = request.agent.boundaries
        self._request = request
        self._open_model = open_model
        self._autonomy = boundaries.autonomy
        self._max_seconds = boundaries.max_seconds - request.spent.seconds
        self._max_turns = boundaries.max_turns
        self._state = RunState(boundaries, pricing, request.spent)
        self._gate = ToolGate(request.tools, boundaries.autonomy, self._state)

    async def events(self) -> AsyncGenerator[RunEvent]:
        """Runs, and yields what happens; closing it stops the run."""
        task = asyncio.create_task(self._run(), name="agent run")
        heard: RunEvent | None = None
        try:
            while not isinstance(heard, _LAST):
                heard = await self._state.events.get()
                yield heard
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            if not isinstance(heard, _LAST) and self._request.hear_rest is not None:
                for event in self._end_unheard():
                    self._request.hear_rest(event)

    async def _run(self) -> None:
        """Runs to one of the last events, whatever happens."""
        limit = asyncio.timeout(self._max_seconds)
        try:
            async with limit:
                await self._answer()
        except TahoeError as error:
            self._state.failure = error
        except Exception as error:  # noqa: BLE001 - who waits for an event has to get one
            if limit.expired():
                self._state.failure = self._state.out_of_time()
            else:
                # Not its words: they may hold what was said.
                log.error(  # noqa: TRY400 - as above
                    "agent run failed", extra={"reason": type(error).__name__, "trace": format_tb(error.__traceback__)}
                )
                self._state.failure = TahoeError(f"The run failed inside Tahoe ({type(error).__name__}).")
        failure, tell_cut = self._state.failure, self._state.tell_cut
        if failure is not None and tell_cut is not None:  # a model was stopped, and is paid for all the same
            await self._state.tell(tell_cut(failure))
        await self._state.tell(self._end())

    def _end_unheard(self) -> list[RunEvent]:
        """Returns what is left to tell of a run that was stopped."""
        state = self._state
        left = state.take_unheard()
        if left and isinstance(left[-1], _LAST):
            return left
        state.failure = state.failure or RunCancelledError("The run was cancelled.")
        if state.tell_cut is not None:  # as in `_run`
            cut = state.tell_cut(state.failure)
            state.count(cut)
            left.append(cut)
        return [*left, AnswerFailed(state.failure, state.usage)]

    def _end(self) -> RunEvent:
        state = self._state
        if state.failure is not None:
            return AnswerFailed(state.failure, state.usage)
        if state.waiting:
            person_acts = self._autonomy is Autonomy.SUGGEST
            return ApprovalRequested(tuple(state.waiting), person_acts, state.usage, frozenset(state.callers))
        if state.last is None:
            return AnswerFailed(TahoeError("The run ended without an answer."), state.usage)
        return AnswerFinished(state.last.text, state.last.is_complete, state.usage)

    async def _answer(self) -> None:
        conversation = await self._settle_conversation()
        if self._state.is_over:
            return
        request = self._request
        in_json = _IN_JSON if request.answer_schema is not None and not request.answer_schema else ""
        told_beside = (request.agent.instructions, *conversation.instructions, request.context, in_json)
        assignment = Assignment(
            instructions="\n\n".join(text for text in told_beside if text),
            before=conversation.contents,
            temperature=request.agent.temperature,
            max_output_tokens=request.agent.max_output_tokens,
            answer_schema=dict(request.answer_schema) if request.answer_schema is not None else None,
            must_call=request.must_call,
        )
        model = RunModel(request.models, self._open_model, assignment, self._state)
        tools = [_GatedTool(tool, self._gate, model) for tool in self._gate.tools.values()]
        agent = LlmAgent(
            name=_AGENT,
            model=model,
            tools=list(tools),
            on_tool_error_callback=_UnknownTool(self._gate, model).answer,
        )
        sessions = OneRunSessions(_APP, _USER)
        runner = Runner(app_name=_APP, agent=agent, session_service=sessions)
        # One more than may be: the limit is ours, and says so in our words.
        config = RunConfig(max_llm_calls=self._max_turns + 1, telemetry=_QUIET)
        question = types.Content(role="user", parts=[types.Part(text=_GO_ON)])
        async for _ in runner.run_async(
            user_id=_USER, session_id=sessions.session.id, new_message=question, run_config=config
        ):
            pass  # all that is to be told was told on the way

    async def _settle_conversation(self) -> Conversation:
        """Reads the history, and does what it left open."""
        if not self._request.models:
            raise InvalidInputError("No model is named for the run.")
        conversation = Conversation.of(self._request.history)
        if self._request.message is not None:
            conversation.say(self._request.message)
        elif conversation.open_calls:
            decided = {decision.call_id: decision for decision in self._request.decisions}
            outcomes = await asyncio.gather(
                *(self._gate.settle(call, decided.get(call.id)) for call in conversation.open_calls)
            )
            if not self._state.is_over:
                conversation.answer([outcome for outcome in outcomes if outcome is not None])
        if not self._state.is_over and conversation.ends_with_the_agent:
            if not conversation.contents:
                raise InvalidInputError("There is nothing to answer.", cure="Give a message.")
            conversation.say(_GO_ON)
        return conversation


class _GatedTool(BaseTool):
    """A tool as ADK calls it."""

    def __init__(self, tool: Tool, gate: ToolGate, model: RunModel) -> None:
        super().__init__(name=tool.name, description=tool.description)
        self._gate = gate
        self._model = model
        self._declaration = types.FunctionDeclaration(
            name=tool.name, description=tool.description, parameters_json_schema=dict(tool.parameters)
        )

    @override
    def _get_declaration(self) -> types.FunctionDeclaration:
        return self._declaration

    @override
    async def run_async(self, *, args: dict[str, Any], tool_context: ToolContext) -> dict[str, str]:
        return await _settle(self._gate, self._model, tool_context)


class _UnknownTool:
    """Answers calls of tools that do not exist, which ADK holds for errors of ours."""

    def __init__(self, gate: ToolGate, model: RunModel) -> None:
        self._gate = gate
        self._model = model

    async def answer(
        self,
        tool: BaseTool,
        args: dict[str, Any],  # noqa: ARG002 - ADK gives it by name
        tool_context: ToolContext,
        error: Exception,
    ) -> dict[str, str] | None:
        """Tells the model which tools there are; None: the tool is known, and the error is another."""
        is_known = tool.name in self._gate.tools or not isinstance(error, ValueError)
        return None if is_known else await _settle(self._gate, self._model, tool_context)


async def _settle(gate: ToolGate, model: RunModel, context: ToolContext) -> dict[str, str]:
    outcome = await gate.settle(model.find_call(context.function_call_id or ""))
    # A call that waits for a person ends the run before a model would read this.
    return told(outcome) if outcome is not None else {"result": "It waits for approval."}

"""The model of one run, as ADK sees it: the agent's choices in order, within the agent's boundaries."""

import math
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, override
from uuid import uuid4

import orjson
from google.adk.models._capabilities import LlmCapabilities
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from pydantic import PrivateAttr

from tahoe_core.db.storable import replace_unstorable
from tahoe_core.errors import TahoeError
from tahoe_core.prices import TokenUsage
from tahoe_engine.models.conversation_models import MessageToolCall, MessageUsage
from tahoe_engine.runtime.model_endpoint import ChosenModel, WireFormat
from tahoe_engine.runtime.model_errors import BrokenAnswerError, FailedModelError, ModelError, RefusalError
from tahoe_engine.runtime.native_models import explain_native
from tahoe_engine.runtime.openai_llm import ARGUMENTS_TEXT
from tahoe_engine.runtime.run_events import ModelCallFailed, ModelCallFinished, TextDelta, ThoughtDelta
from tahoe_engine.runtime.run_state import RunState

_BYTES_A_TOKEN = 3  # rather too many tokens than too few: by this runs are limited where a server counts none
_BROKEN_IN_A_ROW = 3
_MAX_NAME = 200
# ADK warns of every answer without usage.
_OVER = LlmResponse(
    error_code="RUN_IS_OVER",
    error_message="The run is over.",
    usage_metadata=types.GenerateContentResponseUsageMetadata(prompt_token_count=0, candidates_token_count=0),
)

OpenModel = Callable[[ChosenModel], BaseLlm]


@dataclass(frozen=True)
class Assignment:
    """What every model call of a run is given beside what ADK gives it.

    Attributes:
        before: What was said before this run; ADK is not shown it, as it would copy all of it for each call.
        must_call: As `RunRequest` has it; it holds for the first call alone, or the run would never end.
    """

    instructions: str
    before: Sequence[types.Content]
    max_output_tokens: int
    temperature: float | None = None
    answer_schema: dict[str, Any] | None = None
    must_call: Sequence[str] | None = None


class RunModel(BaseLlm):
    """Asks the models in order and tells how it goes, delta by delta, past ADK, which sees whole answers only.

    It raises nothing: ADK would log what was raised with all it knows. The state says what went wrong.
    """

    _choices: Sequence[ChosenModel] = PrivateAttr()
    _open: OpenModel = PrivateAttr()
    _assignment: Assignment = PrivateAttr()
    _state: RunState = PrivateAttr()
    _asked: dict[str, MessageToolCall] = PrivateAttr(default_factory=dict)
    _broken_in_a_row: int = PrivateAttr(default=0)
    _counted_by_estimated: float = PrivateAttr(default=1.0)

    def __init__(
        self, choices: Sequence[ChosenModel], open_model: OpenModel, assignment: Assignment, state: RunState
    ) -> None:
        super().__init__(model="tahoe")
        self._choices = choices
        self._open = open_model
        self._assignment = assignment
        self._state = state

    @property
    @override
    def capabilities(self) -> LlmCapabilities:
        """It takes the schema of an answer and tools at once."""
        return LlmCapabilities(output_schema_and_tools=True)

    def find_call(self, call_id: str) -> MessageToolCall:
        """Returns a call that a model asked for in this run, with what it wrote."""
        return self._asked[call_id]

    @override
    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse]:
        """Gives one whole answer, or says that the run is over."""
        if self._state.is_over:
            yield _OVER.model_copy()
            return
        # ADK's first content stands for the question, and all that came before is as it was in the first call.
        llm_request.contents[:1] = self._assignment.before
        try:
            answer = await self._ask_in_order(llm_request)
        except TahoeError as error:
            self._state.failure = error
            answer = _OVER.model_copy()
        yield answer

    async def _ask_in_order(self, request: LlmRequest) -> LlmResponse:
        """Asks one model after the other; who has answered once is asked first from then on."""
        while True:
            chosen = self._choices[0]
            call = _ModelCall(chosen, self._state)
            try:
                answer = await self._ask(call, request)
            except ModelError as error:
                await self._state.tell(call.failed(error))
                if call.has_begun or not error.helps_to_ask_another or len(self._choices) == 1:
                    raise
                self._choices = self._choices[1:]
            else:
                return answer

    async def _ask(self, call: "_ModelCall", request: LlmRequest) -> LlmResponse:
        estimated = _estimate_prompt(self._assignment.instructions, request)
        # A question is much like the one before, of which we know by now how the server counts it.
        prompt_tokens = math.ceil(estimated * self._counted_by_estimated)
        allowed = self._state.begin_model_call(call.chosen, prompt_tokens, self._assignment.max_output_tokens)
        llm = self._open(call.chosen)
        asked = LlmRequest.model_construct(
            model=call.chosen.model,
            contents=request.contents,
            config=self._configure(request.config, call.chosen, allowed),
            tools_dict=request.tools_dict,
        )
        try:
            answer = await call.listen(llm, asked)
        except ModelError:
            raise
        except Exception as error:
            if (explained := explain_native(error, call.chosen)) is None:
                raise FailedModelError(
                    f"{call.chosen} failed ({type(error).__name__}).", cure="Try again, or use another model."
                ) from error
            raise explained from error
        calls = self._read_calls(answer)
        finished = call.finished(answer, calls)
        await self._state.tell(finished)
        if not finished.is_estimated:
            self._counted_by_estimated = finished.usage.input_tokens / max(1, estimated)
        answer.usage_metadata = answer.usage_metadata or _counted(finished.usage)
        is_broken = any(one.arguments is None for one in calls)
        self._broken_in_a_row = self._broken_in_a_row + 1 if is_broken else 0
        if self._broken_in_a_row == _BROKEN_IN_A_ROW:
            raise BrokenAnswerError(
                f"{call.chosen} wrote arguments of a tool that are no JSON object, {_BROKEN_IN_A_ROW} times in a row.",
                cure="Use another model: small ones often write broken JSON.",
            )
        return answer

    def _configure(
        self, given: types.GenerateContentConfig, chosen: ChosenModel, max_output_tokens: int
    ) -> types.GenerateContentConfig:
        told = self._assignment
        update: dict[str, Any] = {
            "system_instruction": told.instructions or None,
            "temperature": told.temperature,
            "max_output_tokens": max_output_tokens,
            "labels": None,
        }
        if told.must_call is not None and self._state.last is None:
            calling = types.FunctionCallingConfig(
                mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=list(told.must_call) or None
            )
            update["tool_config"] = types.ToolConfig(function_calling_config=calling)
        if told.answer_schema:
            update |= {"response_json_schema": told.answer_schema, "response_mime_type": "application/json"}
        elif told.answer_schema is not None and (chosen.endpoint.speaks is WireFormat.OPENAI or not given.tools):
            update["response_mime_type"] = "application/json"  # which Gemini refuses beside tools
        return given.model_copy(update=update)

    def _read_calls(self, answer: LlmResponse) -> tuple[MessageToolCall, ...]:
        written = (answer.custom_metadata or {}).get(ARGUMENTS_TEXT, {})
        calls = [_read_call(asked, written) for asked in answer.get_function_calls()]
        self._asked |= {call.id: call for call in calls}
        return tuple(calls)


class _ModelCall:
    """One model, asked once.

    Attributes:
        has_begun: Whether something of the answer was told already, which cannot be taken back.
    """

    def __init__(self, chosen: ChosenModel, state: RunState) -> None:
        self.chosen = chosen
        self.has_begun = False
        self._state = state
        self._began = time.perf_counter()
        self._first_byte_ms: float | None = None
        self._request: LlmRequest | None = None
        self._counted: TokenUsage | None = None
        self._heard: list[str] = []  # since it was counted

    async def listen(self, llm: BaseLlm, request: LlmRequest) -> LlmResponse:
        """Passes deltas on, and returns the whole."""
        self._began = time.perf_counter()
        self._request = request
        self._state.tell_cut = self.failed
        whole: LlmResponse | None = None
        async with aclosing(llm.generate_content_async(request, stream=True)) as responses:
            async for response in responses:
                if not response.partial:
                    whole = response
                    continue
                for part in response.content.parts or () if response.content else ():
                    if part.text:
                        await self._pass_on(part.text, is_thought=bool(part.thought))
                if (counted := _read_usage(response.usage_metadata)) is not None:
                    self._counted, self._heard = counted, []
        if whole is None or whole.error_code:
            raise self._explain(whole)
        for part in whole.content.parts or () if whole.content and not self.has_begun else ():
            if part.text:  # a model that gave no deltas
                await self._pass_on(part.text, is_thought=bool(part.thought))
        return whole

    def finished(self, answer: LlmResponse, calls: tuple[MessageToolCall, ...]) -> ModelCallFinished:
        """Makes the event that says what it came to."""
        assert self._request is not None  # noqa: S101 - it was asked
        parts = answer.content.parts or [] if answer.content else []
        text = replace_unstorable("".join(part.text for part in parts if part.text and not part.thought))
        counted = _read_usage(answer.usage_metadata)
        usage = counted or _estimate(self._request, text, calls)
        self._request = None
        return ModelCallFinished(
            provider=self.chosen.endpoint.name,
            text=text,
            calls=calls,
            usage=self._measure(usage),
            is_complete=answer.finish_reason is not types.FinishReason.MAX_TOKENS,
            first_byte_ms=self._first_byte_ms,
            is_estimated=counted is None,
            cost_usd=self._state.price(self.chosen, usage),
        )

    def failed(self, error: TahoeError) -> ModelCallFailed:
        """Makes the event that says that it came to nothing; what it took until then is paid for all the same."""
        # Who stops a model that has said nothing pays for what it was given: many think, and do not show it.
        was_paid = self.has_begun or self._counted is not None or not isinstance(error, ModelError)
        usage = self._take_stock() if was_paid else None
        return ModelCallFailed(
            provider=self.chosen.endpoint.name,
            model=self.chosen.model,
            error=error,
            usage=None if usage is None else self._measure(usage),
            cost_usd=None if usage is None else self._state.price(self.chosen, usage),
        )

    def _take_stock(self) -> TokenUsage | None:
        """Returns what it took so far, as the server counted it or by length; None: it was not asked."""
        if self._request is None:
            return None
        said = "".join(self._heard)
        if self._counted is None:
            return _estimate(self._request, said, ())
        return replace(self._counted, output_tokens=self._counted.output_tokens + _estimate_text(said))

    def _measure(self, usage: TokenUsage) -> MessageUsage:
        return MessageUsage(
            model=self.chosen.model[:_MAX_NAME],
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            output_tokens=usage.output_tokens,
            latency_ms=(time.perf_counter() - self._began) * 1000,
        )

    async def _pass_on(self, text: str, *, is_thought: bool) -> None:
        if self._first_byte_ms is None:
            self._first_byte_ms = (time.perf_counter() - self._began) * 1000
        self.has_begun = True
        text = replace_unstorable(text)
        self._heard.append(text)
        await self._state.tell(ThoughtDelta(text) if is_thought else TextDelta(text))

    def _explain(self, whole: LlmResponse | None) -> ModelError:
        if whole is None or whole.finish_reason in {None, types.FinishReason.STOP, types.FinishReason.OTHER}:
            return BrokenAnswerError(f"{self.chosen} answers with nothing.", cure="Try again, or use another model.")
        if whole.finish_reason is types.FinishReason.MALFORMED_FUNCTION_CALL:
            return BrokenAnswerError(f"{self.chosen} writes a broken call of a tool.", cure="Try again.")
        if whole.finish_reason is types.FinishReason.MAX_TOKENS:
            return BrokenAnswerError(
                f"{self.chosen} used up its tokens before it said anything.", cure="Raise max_output_tokens."
            )
        return RefusalError(f"{self.chosen} declines to answer.", cure="Ask in other words, or another model.")


def _read_call(call: types.FunctionCall, written: dict[str, str]) -> MessageToolCall:
    if not call.id:  # Gemini gives none
        call.id = f"call_{uuid4().hex[:24]}"
    text = written.get(call.id)
    arguments: dict[str, Any] | None = call.args or {}
    if text is None:
        text = orjson.dumps(arguments, default=str).decode()
    elif text.strip() and not arguments:
        arguments = _read_object(text)
    text, name = replace_unstorable(text), replace_unstorable(call.name or "")[:_MAX_NAME] or "unnamed"
    if "\\u0000" in text:  # a null byte, escaped: no tool needs one, and no database keeps it
        arguments = None
    return MessageToolCall(id=call.id, name=name, arguments=arguments, arguments_text=text)


def _read_object(text: str) -> dict[str, Any] | None:
    try:
        read = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return read if isinstance(read, dict) else None


def _read_usage(usage: types.GenerateContentResponseUsageMetadata | None) -> TokenUsage | None:
    if usage is None or usage.prompt_token_count is None:
        return None
    given = usage.prompt_token_count + (usage.tool_use_prompt_token_count or 0)
    written = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    return TokenUsage(given, min(given, usage.cached_content_token_count or 0), written)


def _counted(usage: MessageUsage) -> types.GenerateContentResponseUsageMetadata:
    return types.GenerateContentResponseUsageMetadata(
        prompt_token_count=usage.input_tokens, candidates_token_count=usage.output_tokens
    )


def _estimate(request: LlmRequest, text: str, calls: Sequence[MessageToolCall]) -> TokenUsage:
    """Counts tokens by length, for servers that count none."""
    written = text + "".join(call.arguments_text + call.name for call in calls)
    given = _estimate_prompt(str(request.config.system_instruction or ""), request)
    return TokenUsage(given, 0, _estimate_text(written))


def _estimate_prompt(instructions: str, request: LlmRequest) -> int:
    given = len(instructions.encode())
    given += sum(_count_bytes(part) for content in request.contents for part in content.parts or ())
    for tool in request.config.tools or ():
        given += _count_bytes(tool) if isinstance(tool, types.Tool) else 0
    return math.ceil(given / _BYTES_A_TOKEN)


def _count_bytes(part: types.Part | types.Tool) -> int:
    text = part.text if isinstance(part, types.Part) else None
    return len((part.model_dump_json(exclude_none=True) if text is None else text).encode())


def _estimate_text(text: str) -> int:
    return math.ceil(len(text.encode()) / _BYTES_A_TOKEN)

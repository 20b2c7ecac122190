from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, override

import orjson
from google.adk.models._capabilities import LlmCapabilities
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from pydantic import PrivateAttr

from tahoe_core.prices import TokenUsage
from tahoe_engine.runtime.chat_answer import AskedCall, ChatAnswer, Delta
from tahoe_engine.runtime.chat_client import ChatClient
from tahoe_engine.runtime.chat_request import write_body
from tahoe_engine.runtime.model_endpoint import ChosenModel
from tahoe_engine.runtime.model_errors import StreamCutError

ARGUMENTS_TEXT = "tahoe_arguments_text"
"""Key of a response's `custom_metadata`: id of a call → its arguments as the model wrote them."""

_FINISHED = {"length": types.FinishReason.MAX_TOKENS}
_TRY_AGAIN = "Try again, or use another model: small ones often write broken JSON."


class OpenAILlm(BaseLlm):
    """ADK's model behind any OpenAI-compatible endpoint: OpenAI, OpenRouter, Ollama, vLLM, LM Studio, llama.cpp.

    Every failure is a `ModelError`.

    Attributes:
        hands_on_broken_arguments: Whether a call whose arguments are no JSON object is handed on, without arguments,
            for the caller to tell the model; otherwise it is an error. What was written is then kept, of every call,
            in the response's `custom_metadata`.
    """

    hands_on_broken_arguments: bool = False
    _client: ChatClient = PrivateAttr()
    _chosen: ChosenModel = PrivateAttr()

    def __init__(self, chosen: ChosenModel, client: ChatClient, *, hands_on_broken_arguments: bool = False) -> None:
        super().__init__(model=chosen.model, hands_on_broken_arguments=hands_on_broken_arguments)
        self._chosen = chosen
        self._client = client

    @property
    @override
    def capabilities(self) -> LlmCapabilities:
        """An answer may follow a schema after tools were called."""
        return LlmCapabilities(output_schema_and_tools=True)

    @override
    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse]:
        """Asks the model; with `stream` what it says and what it took so far come in parts first, and then the whole.

        Raises:
            ModelError: What went wrong, by its class.
        """
        base_url = self._chosen.endpoint.base_url or ""
        body = write_body(self.model, llm_request, streams=stream, base_url=base_url)
        answer = ChatAnswer(str(self._chosen))
        async with aclosing(self._client.stream(body)) as chunks:
            async for chunk in chunks:
                counted = answer.usage
                delta = answer.add(chunk)
                if stream and (delta is not None or answer.usage is not counted):
                    yield _partial(delta or Delta(), None if answer.usage is counted else answer.usage)
        if not answer.finish_reason:
            raise StreamCutError(f"{self._chosen} broke off half-way.", cure="Try again.")
        answer.finish()
        self._check(answer, wants_json="response_format" in body)
        yield self._whole(answer)

    def _check(self, answer: ChatAnswer, *, wants_json: bool) -> None:
        is_cut = answer.finish_reason == "length"
        if not self.hands_on_broken_arguments and any(call.arguments is None for call in answer.calls):
            raise answer.fault("writes arguments of a tool that are no JSON object", _TRY_AGAIN)
        if wants_json and not answer.calls and not _is_json(answer.text):
            cure = "Raise the agent's max_output_tokens." if is_cut else _TRY_AGAIN
            raise answer.fault("answers with something else than the JSON that it was asked for", cure)
        if not answer.calls and not answer.text.strip():
            cure = "Raise the agent's max_output_tokens, which its thoughts used up." if is_cut else "Try again."
            raise answer.fault("answers with nothing", cure)

    def _whole(self, answer: ChatAnswer) -> LlmResponse:
        parts = _spoken(answer.thoughts, answer.text)
        parts += [types.Part(function_call=_function_call(call)) for call in answer.calls]
        written: dict[str, Any] | None = None
        if self.hands_on_broken_arguments and answer.calls:
            written = {ARGUMENTS_TEXT: {call.id: call.arguments_text for call in answer.calls}}
        return LlmResponse(
            partial=False,
            content=_content(parts),
            finish_reason=_FINISHED.get(answer.finish_reason, types.FinishReason.STOP),
            usage_metadata=_usage(answer.usage) if answer.usage else None,
            model_version=answer.model or self.model,
            custom_metadata=written,
        )


def _partial(delta: Delta, usage: TokenUsage | None) -> LlmResponse:
    return LlmResponse(
        partial=True,
        content=_content(_spoken(delta.thoughts, delta.text)),
        usage_metadata=_usage(usage) if usage else None,
    )


def _content(parts: list[types.Part]) -> types.Content:
    return types.Content(role="model", parts=parts)


def _spoken(thoughts: str, text: str) -> list[types.Part]:
    thought = [types.Part(text=thoughts, thought=True)] if thoughts else []
    return [*thought, types.Part(text=text)] if text else thought


def _function_call(call: AskedCall) -> types.FunctionCall:
    return types.FunctionCall(id=call.id, name=call.name, args=call.arguments or {})


def _usage(usage: TokenUsage) -> types.GenerateContentResponseUsageMetadata:
    return types.GenerateContentResponseUsageMetadata(
        prompt_token_count=usage.input_tokens,
        cached_content_token_count=usage.cached_tokens,
        candidates_token_count=usage.output_tokens,
        total_token_count=usage.input_tokens + usage.output_tokens,
    )


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True

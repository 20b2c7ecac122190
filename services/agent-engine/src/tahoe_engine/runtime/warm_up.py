"""One run of nothing: ADK imports some hundred modules with its first run, for a second or two."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import override

from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types

from tahoe_engine.runtime.adk_run import AdkRun
from tahoe_engine.runtime.agent_blueprint import AgentBlueprint
from tahoe_engine.runtime.agent_runtime import RunRequest, price_call
from tahoe_engine.runtime.model_endpoint import ChosenModel, ModelEndpoint


class _Echo(BaseLlm):
    @override
    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse]:
        yield LlmResponse(content=types.Content(role="model", parts=[types.Part(text="Ready.")]))


def warm_up() -> None:
    """Runs once, in an event loop of its own."""
    asyncio.run(_run())


async def _run() -> None:
    request = RunRequest(
        agent=AgentBlueprint("nobody", ""), models=(ChosenModel(ModelEndpoint("nowhere"), "none"),), message="Ready?"
    )
    async with aclosing(AdkRun(request, lambda _: _Echo(model="none"), price_call).events()) as events:
        async for _ in events:
            pass

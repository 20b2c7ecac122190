"""Bare ADK's run, as its documentation has it: in memory, and with its own sessions in Postgres."""

import contextlib
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import override

from google.adk.agents.llm_agent import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner, Runner
from google.adk.sessions.database_session_service import DatabaseSessionService
from google.genai import types
from sqlalchemy.engine import make_url

from tahoe_core.postgres.provision import ServiceDatabase, provision_service
from tahoe_core.postgres.testing import temporary_postgres

QUESTION = "How is the weather?"
ANSWER = "It rains."
USER = "somebody"


class AtOnce(BaseLlm):
    """Calls the tool, and answers when it has the result."""

    @override
    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse]:
        has_result = any(part.function_response for content in llm_request.contents for part in content.parts or ())
        call = types.FunctionCall(id="c", name="look_up", args={"city": "Paris"})
        part = types.Part(text=ANSWER) if has_result else types.Part(function_call=call)
        usage = types.GenerateContentResponseUsageMetadata(
            prompt_token_count=20, candidates_token_count=5, total_token_count=25
        )
        yield LlmResponse(
            content=types.Content(role="model", parts=[part]),
            finish_reason=types.FinishReason.STOP,
            usage_metadata=usage,
        )


async def look_up(city: str) -> str:
    """Looks up the weather in a city."""
    return f"It rains in {city}."


def in_memory() -> Callable[[], Awaitable[None]]:
    """Makes a run with one agent and runner, a new session in memory each time."""
    runner = InMemoryRunner(agent=_make_agent(), app_name="bench")

    async def run() -> None:
        session = await runner.session_service.create_session(app_name="bench", user_id=USER)
        await _ask(runner, session.id)
        # Deleted, or the next runs would search an ever longer list.
        await runner.session_service.delete_session(app_name="bench", user_id=USER, session_id=session.id)

    return run


@contextlib.asynccontextmanager
async def in_database() -> AsyncIterator[Callable[[], Awaitable[Callable[[], Awaitable[None]]]]]:
    """Makes the same run with ADK's `DatabaseSessionService`, on a Postgres like that of kept turns.

    What is yielded begins a session, and returns the run: a conversation has begun before it is asked here and there.
    """
    with temporary_postgres() as postgres:
        url = make_url(provision_service(postgres.home, ServiceDatabase("adk", "adk_owner", "adk_app")).owner_url)
        sessions = DatabaseSessionService(
            url.set(drivername="postgresql+asyncpg", query={}).render_as_string(hide_password=False),
            connect_args={"server_settings": {"search_path": "adk"}},
        )
        runner = Runner(agent=_make_agent(), app_name="bench", session_service=sessions)

        async def begin() -> Callable[[], Awaitable[None]]:
            session = await sessions.create_session(app_name="bench", user_id=USER)
            return lambda: _ask(runner, session.id)

        try:
            yield begin
        finally:
            await sessions.close()


def check(answer: str | None) -> None:
    """Ends the benchmark if a run went wrong."""
    if answer != ANSWER:
        sys.exit(f"a run gave another answer: {answer}")


def _make_agent() -> LlmAgent:
    return LlmAgent(name="Ada", model=AtOnce(model="at-once"), instruction="You are Ada.", tools=[look_up])


async def _ask(runner: Runner, session_id: str) -> None:
    message = types.Content(role="user", parts=[types.Part(text=QUESTION)])
    async for event in runner.run_async(user_id=USER, session_id=session_id, new_message=message):
        last = event
    check(last.content.parts[0].text if last.content and last.content.parts else None)

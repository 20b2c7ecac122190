"""Programs on ADK that keep their sessions in Tahoe: run by ADK's own runner, stopped, killed and started again."""

import asyncio
import os
import re
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, Protocol, override
from urllib.parse import quote
from uuid import UUID

import pytest
from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.adk.tools.long_running_tool import LongRunningFunctionTool
from google.adk.tools.tool_context import ToolContext
from google.genai import types
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncEngine

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.session import team_session
from tahoe_engine.chat.kept_sessions import KeptSessions
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.db.repositories.session import SessionRepository
from tahoe_engine.memory.session_names import to_session_id
from tahoe_engine.models.conversation_models import MessageRecord, MessageRole
from tahoe_engine.runtime.session_service import TahoeSessionService

ROOT = Path(__file__).resolve().parents[4]
GUIDE = (ROOT / "docs" / "guides" / "adk.md").read_text()
KILLED = """
import asyncio, os, sys
from uuid import UUID
from google.adk.events import Event, EventActions
from tahoe_core.db.engine import get_engine, get_session_factory
from tahoe_engine.chat.kept_sessions import KeptSessions
from tahoe_engine.runtime.session_service import TahoeSessionService

async def main():
    factory = get_session_factory(get_engine(os.environ["DATABASE_URL"]))
    service = TahoeSessionService(KeptSessions(factory, UUID(os.environ["TEAM"])))
    session = await service.create_session(app_name="shop", user_id="ann", session_id="s1")
    number = 0
    while True:
        number += 1
        delta = {"n": number, "app:n": number, "user:n": number}
        await service.append_event(session, Event(author="bot", actions=EventActions(state_delta=delta)))
        print(number, flush=True)

asyncio.run(main())
"""


class Database(Protocol):
    """As in conftest.py."""

    app: DatabaseAddress


class Scripted(BaseLlm):
    """A model that answers as a test says, and notes what it was asked."""

    model: str = "scripted"
    script: list[LlmResponse] = Field(default_factory=list)
    asked: list[list[types.Content]] = Field(default_factory=list)

    @override
    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse]:
        self.asked.append(list(llm_request.contents))
        yield self.script.pop(0)


def reply(*parts: types.Part) -> LlmResponse:
    usage = types.GenerateContentResponseUsageMetadata(prompt_token_count=3, total_token_count=5)
    return LlmResponse(content=types.Content(role="model", parts=list(parts)), usage_metadata=usage)


def calling(name: str, **arguments: object) -> types.Part:
    return types.Part(function_call=types.FunctionCall(name=name, args=arguments))


def look_up(city: str, tool_context: ToolContext) -> str:
    """Looks up the weather."""
    tool_context.state["user:city"] = city
    return f"It rains in {city}."


def ask_boss(question: str) -> dict[str, Any]:
    """Asks somebody who answers later."""
    return {"status": "waiting"}


def url_of(address: DatabaseAddress) -> str:
    password = quote(address.password or "", safe="")
    place = f"{address.user}:{password}@{address.host}:{address.port}/{address.database}"
    return f"postgresql://{place}?schema={quote(address.schema, safe='')}"


@pytest.fixture
def start(engine: AsyncEngine, team_id: UUID) -> Callable[..., tuple[Runner, Scripted]]:
    """Starts the program anew, with nothing but what the database keeps: as after a restart."""

    def start(*script: LlmResponse) -> tuple[Runner, Scripted]:
        factory = get_session_factory(engine)
        model = Scripted(script=list(script))
        agent = LlmAgent(
            name="porter", model=model, tools=[look_up, LongRunningFunctionTool(ask_boss)], output_key="said"
        )
        service = TahoeSessionService(KeptSessions(factory, team_id))
        return Runner(app_name="hotel", agent=agent, session_service=service, auto_create_session=True), model

    return start


async def say(runner: Runner, *parts: types.Part) -> None:
    message = types.Content(role="user", parts=list(parts))
    async for _ in runner.run_async(user_id="ann", session_id="s1", new_message=message):
        pass


@pytest.fixture
def read_messages(engine: AsyncEngine, team_id: UUID) -> Callable[[], Any]:
    async def read() -> list[MessageRecord]:
        external_id = to_session_id("hotel", "ann", "s1")
        async with team_session(get_session_factory(engine), team_id) as session:
            row = (await SessionRepository(session).find_many([external_id]))[external_id]
            return await MessageRepository(session).list_of(row.id)

    return read


async def test_a_program_goes_on_where_it_was_before_a_restart(
    start: Callable[..., tuple[Runner, Scripted]], read_messages: Callable[[], Any]
) -> None:
    runner, _ = start(reply(calling("look_up", city="Bern")), reply(types.Part(text="Take an umbrella.")))
    await say(runner, types.Part(text="And the weather?"))
    runner, model = start(reply(types.Part(text="As I said.")))
    await say(runner, types.Part(text="Really?"))
    texts = [part.text or "" for content in model.asked[0] for part in content.parts or []]
    assert [text for text in texts if text] == ["And the weather?", "Take an umbrella.", "Really?"]
    session = await runner.session_service.get_session(app_name="hotel", user_id="ann", session_id="s1")
    assert session is not None
    assert session.state == {"said": "As I said.", "user:city": "Bern"}
    assert [event.author for event in session.events] == ["user", "porter", "porter", "porter", "user", "porter"]
    assert len({event.invocation_id for event in session.events}) == 2
    assert session.events[1].usage_metadata is not None
    messages = await read_messages()
    assert [(one.role, one.content) for one in messages] == [
        (MessageRole.USER, "And the weather?"),
        (MessageRole.ASSISTANT, ""),
        (MessageRole.TOOL, "It rains in Bern."),
        (MessageRole.ASSISTANT, "Take an umbrella."),
        (MessageRole.USER, "Really?"),
        (MessageRole.ASSISTANT, "As I said."),
    ]
    [call] = messages[1].tool_calls
    assert (call.name, call.arguments) == ("look_up", {"city": "Bern"})
    assert messages[2].tool_result is not None
    assert messages[2].tool_result.tool_call_id == call.id
    assert messages[0].metadata["adk"]["event_id"] == session.events[0].id
    assert "adk_event" not in messages[0].metadata


async def test_a_tool_that_takes_long_is_answered_after_a_restart(
    start: Callable[..., tuple[Runner, Scripted]],
) -> None:
    runner, _ = start(reply(calling("ask_boss", question="May I?")), reply(types.Part(text="I wait.")))
    await say(runner, types.Part(text="May I leave?"))
    runner, model = start(reply(types.Part(text="You may.")))
    session = await runner.session_service.get_session(app_name="hotel", user_id="ann", session_id="s1")
    assert session is not None
    [call_id] = next(event.long_running_tool_ids for event in session.events if event.long_running_tool_ids)
    response = types.FunctionResponse(id=call_id, name="ask_boss", response={"result": "yes"})
    await say(runner, types.Part(function_response=response))
    assert "yes" in str(model.asked[0])


async def test_a_program_that_is_killed_leaves_no_half_of_an_event(
    database: Database, engine: AsyncEngine, team_id: UUID
) -> None:
    environment = os.environ | {"DATABASE_URL": url_of(database.app), "TEAM": str(team_id)}
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, env=environment, stdout=PIPE)
    assert killed.stdout is not None
    async with asyncio.timeout(60):
        while int(await killed.stdout.readline()) < 30:
            pass
        killed.kill()
        await killed.communicate()
    service = TahoeSessionService(KeptSessions(get_session_factory(engine), team_id))
    session = await service.get_session(app_name="shop", user_id="ann", session_id="s1")
    assert session is not None
    written = len(session.events)
    assert written >= 30
    assert session.state == {"n": written, "app:n": written, "user:n": written}
    assert [event.actions.state_delta["n"] for event in session.events] == list(range(1, written + 1))


def test_the_guide_shows_a_program_that_runs(database: Database) -> None:
    [program] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    [printed] = re.findall(r"```text\n(.*?)```", GUIDE, re.DOTALL)
    environment = os.environ | {"DATABASE_URL": url_of(database.app)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed

"""The same run as a turn of a conversation: kept in Postgres, with memories put before the model; and over HTTP."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import httpx
import uvicorn

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.session import team_session
from tahoe_core.postgres.provision import ServiceDatabase, provision_service
from tahoe_core.postgres.testing import temporary_postgres
from tahoe_engine.app import create_app
from tahoe_engine.catalog.agents import AgentCatalog
from tahoe_engine.chat.chat_events import MessageWritten, TurnEnded
from tahoe_engine.chat.conversations import Conversations
from tahoe_engine.composition import Services, compose, find_provider_keys
from tahoe_engine.db.migrate import upgrade
from tahoe_engine.memory.tidying import MemoryTidying
from tahoe_engine.models.conversation_models import ConversationCreate, MessageCreate, MessageRole
from tahoe_engine.models.memory_models import MemoryCreate
from tahoe_engine.models.turn_models import TurnStatus
from tahoe_engine.runtime.agent_runtime import AdkRuntime
from tahoe_engine.runtime.model_endpoint import configured_model
from tahoe_engine.runtime.testing.replies import Reply
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel
from tahoe_engine.settings import load_settings
from tahoe_engine.skills.library import SkillLibrary
from tahoe_engine.skills.places import find_bundled_skills
from tahoe_engine.skills.running.script_runner import ScriptRunner
from tahoe_engine.terminal.default_agent import make_default_agent
from tahoe_engine.terminal.unkept_chat import UnkeptChat

REMEMBERED = 1_000


class KeptTalk:
    """One agent with a thousand memories, asked in conversations that are written down."""

    def __init__(self, services: Services, model: ScriptedModel) -> None:
        self._services = services
        self._team_id = services.identity.team_id
        self._conversations = Conversations(services.sessions, self._team_id, "bench")
        self._library = SkillLibrary([], find_bundled_skills())
        self.dna = make_default_agent([skill.name for skill in self._library.list_shared().skills])
        self.model = model
        self._asked = 0
        self._runtime = AdkRuntime()

    async def fill(self) -> None:
        """Makes the agent and what it knows."""
        async with team_session(self._services.sessions, self._team_id, "bench") as session:
            await AgentCatalog(session).create(self.dna)
        memories = self._services.memories(self._team_id, "bench")
        await memories.add_many(
            [MemoryCreate(content=f"Customer {number} ordered parcel {number * 7}.") for number in range(REMEMBERED)]
        )
        await MemoryTidying(self._services.sessions, lambda: self._services.embedding).tidy(self._team_id)

    async def begin(self) -> UUID:
        """Begins a conversation."""
        return (await self._conversations.create(self.dna.slug, ConversationCreate())).id

    async def run(self, conversation_id: UUID) -> str:
        """Has a question answered that was not asked before; returns the answer, empty where it is not whole."""
        answering = self._services.chat.answering
        said = [MessageCreate(role=MessageRole.USER, content=self._ask())]
        turn, after = await answering.take_up(self._team_id, conversation_id, said, "bench")
        answer = ""
        async for event in answering.follow(self._team_id, turn.id, after):
            if isinstance(event, MessageWritten) and event.message.role is MessageRole.ASSISTANT:
                answer = event.message.content
            elif isinstance(event, TurnEnded) and event.turn.status is not TurnStatus.COMPLETE:
                return ""
        return answer

    async def run_unkept(self) -> str:
        """Has the same agent, with the same skills, answer as `tahoe chat` does without a database."""
        settings = self._services.settings
        keys, configured = find_provider_keys(settings), configured_model(settings)
        chat = UnkeptChat(self.dna, self._runtime, self._library, ScriptRunner(), keys, configured)
        async with aclosing(chat.say(self._ask())) as events:
            async for _ in events:
                pass
        return (await chat.list_messages())[-1].content

    def _ask(self) -> str:
        self._asked += 1
        return f"What was ordered by customer {self._asked}, and where does it go?"

    async def aclose(self) -> None:
        """Closes the connections of the runs that are not kept."""
        await self._runtime.aclose()

    async def measure_first_byte(self, runs: int) -> list[float]:
        """Returns milliseconds from the model's first byte to that of OpenAI's API over HTTP, sorted."""
        token = self._services.identity.token.get_secret_value()
        body = {"model": self.dna.slug, "messages": [{"role": "user", "content": "Where does it go?"}], "stream": True}
        waits = []
        async with serve(self._services) as url, httpx.AsyncClient(timeout=60) as client:
            for _ in range(runs):
                self.model.script(Reply(text="It goes to Paris.", first_byte_s=0.02))
                headers = {"Authorization": f"Bearer {token}"}
                first = 0.0
                async with client.stream("POST", f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
                    async for line in answer.aiter_lines():
                        data = line.removeprefix("data: ")
                        has_text = data.startswith("{") and json.loads(data)["choices"][0]["delta"].get("content")
                        first = first or (time.perf_counter() if has_text else 0.0)
                waits.append((first - self.model.first_bytes[-1]) * 1000)
        return sorted(waits)


@contextlib.asynccontextmanager
async def open_talk(model: ScriptedModel) -> AsyncIterator[KeptTalk]:
    """Opens it on a Postgres of its own, which does not wait for the disk."""
    with temporary_postgres() as postgres, TemporaryDirectory() as home:
        urls = provision_service(postgres.home, ServiceDatabase("kept", "kept_owner", "kept_app"))
        address = DatabaseAddress.parse(urls.app_url)
        await upgrade(DatabaseAddress.parse(urls.owner_url), address.user)
        settings = load_settings({"TAHOE_HOME": str(Path(home)), "LLM_MODEL": "small", "LLM_BASE_URL": model.base_url})
        services = compose(settings, address)
        talk = KeptTalk(services, model)
        try:
            await talk.fill()
            yield talk
        finally:
            await talk.aclose()
            await services.aclose()


@contextlib.asynccontextmanager
async def serve(services: Services) -> AsyncIterator[str]:
    """Serves the engine's API in this process until the block ends."""
    # Asyncio turns Nagle's algorithm off only where the protocol is named.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(services), log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110 - it sets no event
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving

"""An agent that answers, on a real Postgres and against a scripted model over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.session import team_session
from tahoe_engine.catalog.agents import AgentCatalog
from tahoe_engine.chat.answering import Answering
from tahoe_engine.chat.chat_events import ChatEvent
from tahoe_engine.chat.conversations import Conversations
from tahoe_engine.chat.extracting import ConversationExtraction
from tahoe_engine.chat.model_extraction import ModelExtractors
from tahoe_engine.chat.running import AgentKit, AgentRunner
from tahoe_engine.composition import build_memory_embedding
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.memory.memories import Memories
from tahoe_engine.memory.recalling import MemoryRecaller
from tahoe_engine.memory.statements import StatementExtractor
from tahoe_engine.models.agent_models import AgentDNA, Autonomy, Boundaries
from tahoe_engine.models.conversation_models import Conversation, ConversationCreate, MessageRecord
from tahoe_engine.models.turn_models import Turn
from tahoe_engine.runtime.agent_runtime import AdkRuntime
from tahoe_engine.runtime.model_endpoint import ChosenModel, ModelEndpoint
from tahoe_engine.runtime.provider_keys import ProviderKeys
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel
from tahoe_engine.settings import load_settings
from tahoe_engine.skills.library import SkillLibrary
from tahoe_engine.skills.running.script_runner import ScriptRunner


@dataclass
class Desk:
    """Everything that a test of a conversation needs."""

    team_id: UUID
    sessions: async_sessionmaker[AsyncSession]
    answering: Answering
    conversations: Conversations
    memories: Memories
    extraction: ConversationExtraction
    model: ScriptedModel

    async def begin(self, agent: str = "ada", user_id: UUID | None = None) -> Conversation:
        return await self.conversations.create(agent, ConversationCreate(user_id=user_id))

    async def say(self, conversation: Conversation, content: str) -> Turn:
        return await self.answering.say(self.team_id, conversation.id, content, "test")

    async def hear(self, turn: Turn) -> list[ChatEvent]:
        async with asyncio.timeout(60):
            return [event async for event in self.answering.follow(self.team_id, turn.id)]

    async def read(self, conversation: Conversation) -> list[MessageRecord]:
        async with team_session(self.sessions, self.team_id) as session:
            return await MessageRepository(session).list_of(conversation.id)


@pytest.fixture
async def desk(engine: AsyncEngine, team_id: UUID, tmp_path: Path) -> AsyncIterator[Desk]:
    sessions = get_session_factory(engine)
    embedding = build_memory_embedding(load_settings({}))

    def open_memories(team: UUID, actor: str) -> Memories:
        return Memories(sessions, team, embedding, actor=actor)

    with ScriptedModel() as model:
        runtime = AdkRuntime()
        configured = ChosenModel(ModelEndpoint("scripted", model.base_url), "scripted-1")
        by_model = ModelExtractors(sessions, runtime, ProviderKeys({}), configured)
        extraction = ConversationExtraction(sessions, open_memories, StatementExtractor(), by_model)
        kit = AgentKit(
            sessions=sessions,
            runtime=runtime,
            memories=open_memories,
            recaller=lambda team: MemoryRecaller(sessions, team, embedding),
            extraction=extraction,
            skills=SkillLibrary([tmp_path]),
            scripts=ScriptRunner(),
            keys=ProviderKeys({}),
            configured=configured,
        )
        answering = Answering(sessions, AgentRunner(kit))
        async with team_session(sessions, team_id) as session:
            await AgentCatalog(session).create(
                AgentDNA(name="Ada", status="active", boundaries=Boundaries(autonomy=Autonomy.AUTO))
            )
        yield Desk(
            team_id,
            sessions,
            answering,
            Conversations(sessions, team_id, "test"),
            open_memories(team_id, "test"),
            extraction,
            model,
        )
        await answering.aclose(grace_s=0)
        await runtime.aclose()

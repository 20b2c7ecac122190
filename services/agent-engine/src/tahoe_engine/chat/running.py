"""What a turn needs before the agent can answer: its models, what it remembers, what it can do."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_engine.catalog.model_providers import ModelProviderCatalog
from tahoe_engine.chat.asking import Asked
from tahoe_engine.chat.extracting import ConversationExtraction
from tahoe_engine.chat.history import KeptHistory, keep_end
from tahoe_engine.chat.memory_tools import make_memory_tools
from tahoe_engine.chat.turn_usage import read_spent
from tahoe_engine.db.repositories.conversation import ConversationRepository
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.memory.memories import Memories
from tahoe_engine.memory.recalling import MemoryRecaller
from tahoe_engine.models.agent_models import AgentDNA
from tahoe_engine.models.agent_records import Agent
from tahoe_engine.models.conversation_models import MessageRole
from tahoe_engine.models.memory_models import MAX_QUERY_CHARACTERS, MemorySearchRequest
from tahoe_engine.runtime.agent_blueprint import blueprint_of_dna
from tahoe_engine.runtime.agent_runtime import AgentRuntime, RunRequest
from tahoe_engine.runtime.model_endpoint import ChosenModel, choose_models
from tahoe_engine.runtime.model_errors import ModelError
from tahoe_engine.runtime.provider_keys import ProviderKeys
from tahoe_engine.runtime.run_events import NOTHING_SPENT, MemoriesRecalled, RunEvent
from tahoe_engine.runtime.tool_port import Tool
from tahoe_engine.skills.disclosure import describe_skills
from tahoe_engine.skills.library import SkillLibrary
from tahoe_engine.skills.running.script_runner import ScriptRunner
from tahoe_engine.skills.skill_tools import make_skill_tools
from tahoe_engine.tools.http_tools import make_http_tools

PREPARED_AT_ONCE = 16
"""Others wait here rather than at the pool of connections, which gives up on those who wait long."""
LAST_MESSAGES = 400
"""Read of a conversation; more only where all of these fit into the history."""


@dataclass(frozen=True)
class AgentKit:
    """What agents answer with.

    Attributes:
        memories: Returns a team's memory, as changed by somebody.
        recaller: Returns what finds the memories that a team's agents are shown.
        keys: Of the model providers.
        configured: The model that stands in where an agent names none.
    """

    sessions: async_sessionmaker[AsyncSession]
    runtime: AgentRuntime
    memories: Callable[[UUID, str], Memories]
    recaller: Callable[[UUID], MemoryRecaller]
    extraction: ConversationExtraction
    skills: SkillLibrary
    scripts: ScriptRunner
    keys: ProviderKeys
    configured: ChosenModel | None = None


class AgentRunner:
    """Fulfils `tahoe_engine.chat.answering.Runner`."""

    def __init__(self, kit: AgentKit) -> None:
        self._kit = kit
        self._preparing = asyncio.Semaphore(PREPARED_AT_ONCE)

    async def __call__(self, asked: Asked, hear_rest: Callable[[RunEvent], None]) -> AsyncGenerator[RunEvent]:
        """Yields what the run tells.

        Raises:
            TahoeError: The run cannot begin, as when no model is configured; the message says what to do.
        """
        (request, recalled), _ = await asyncio.gather(self._prepare(asked), self._kit.runtime.warm_up())
        if recalled is not None:
            yield recalled
        run = self._kit.runtime.run(replace(request, hear_rest=hear_rest))
        try:
            async for event in run:
                yield event
        finally:
            await run.aclose()

    def expect(self, team_id: UUID, agent: Agent, question: str) -> None:
        """Begins to embed the question, if what the agent remembers will be searched for it."""
        if agent.dna.memory.context_tokens:
            self._kit.recaller(team_id).expect(question[:MAX_QUERY_CHARACTERS], agent.dna.memory)

    async def _prepare(self, asked: Asked) -> tuple[RunRequest, MemoriesRecalled | None]:
        dna = asked.agent.dna
        conversation_id = asked.turn.conversation_id
        async with self._preparing, team_session(self._kit.sessions, asked.team_id) as session:
            providers = await ModelProviderCatalog(session).list_active()
            messages = MessageRepository(session)
            history = keep_end(await messages.list_last(conversation_id, LAST_MESSAGES))
            if history.first_position and history.has_all:
                history = keep_end(await messages.list_of(conversation_id))
            cut_until = history.first_position
            is_unread = cut_until > 0 and await ConversationRepository(session).is_unread(conversation_id, cut_until)
        models = choose_models(dna.model.choices, providers, self._kit.keys, self._kit.configured)
        if is_unread:  # what is cut off is remembered first
            with suppress(ModelError):  # it stays unread, and is read with what comes after it
                await self._kit.extraction.extract(asked.team_id, conversation_id, cut_until)
        question = asked.message or _last_question(history)
        # The disk is read while the question is embedded.
        (remembered, recalled), (described, skill_tools) = await asyncio.gather(
            self._recall(asked, question), asyncio.to_thread(self._read_skills, dna)
        )
        memories = self._kit.memories(asked.team_id, f"agent {dna.slug}")
        tools = (
            *make_memory_tools(memories, asked.agent, asked.user_id, asked.turn.conversation_id),
            *skill_tools,
            *make_http_tools(dna.boundaries),
            *asked.brought.tools,
        )
        context = (remembered, described, asked.brought.context)
        request = RunRequest(
            agent=blueprint_of_dna(dna),
            models=models,
            history=history.messages if asked.message is None else history.messages[:-1],
            message=asked.message,
            decisions=asked.decisions,
            context="\n\n".join(part for part in context if part),
            tools=tools,
            answer_schema=asked.brought.answer_schema,
            must_call=asked.brought.must_call,
            # What callers do themselves begins another round, with the limits of one; a person's yes does not.
            spent=read_spent(asked.turn) if asked.was_approved else NOTHING_SPENT,
        )
        return request, recalled

    def _read_skills(self, dna: AgentDNA) -> tuple[str, Sequence[Tool]]:
        """Returns what the agent is told of its skills, and the tools by which it uses them."""
        skills = self._kit.skills.select(dna)
        return describe_skills(skills.skills), make_skill_tools(skills, self._kit.scripts)

    async def _recall(self, asked: Asked, question: str) -> tuple[str, MemoriesRecalled | None]:
        dna = asked.agent.dna
        if not question or not dna.memory.context_tokens:
            return "", None
        request = MemorySearchRequest(
            query=question[:MAX_QUERY_CHARACTERS],
            agent_id=asked.agent.id,
            user_id=asked.user_id,
            conversation_id=asked.turn.conversation_id,
        )
        recaller = self._kit.recaller(asked.team_id)
        async with self._preparing:
            started = time.perf_counter()
            recall = await recaller.recall(request, dna.memory, dna.retrieval_weights, asked.turn.id)
        milliseconds = round(1000 * (time.perf_counter() - started), 1)
        return recall.block.text, MemoriesRecalled(milliseconds, recall.block.tokens)


def _last_question(history: KeptHistory) -> str:
    said = [message.content for message in history.messages if message.role is MessageRole.USER]
    return said[-1] if said else ""

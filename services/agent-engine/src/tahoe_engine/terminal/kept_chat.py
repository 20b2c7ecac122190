"""A conversation in the database, with all that the agent remembers."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Self, override

from tahoe_core.db.page import MAX_LIMIT, PageRequest
from tahoe_core.db.session import team_session
from tahoe_core.errors import ConflictError, NotFoundError, TahoeError
from tahoe_engine.catalog.agents import AgentCatalog
from tahoe_engine.catalog.model_providers import ModelProviderCatalog
from tahoe_engine.chat.chat_events import ChatEvent, Cursor, MessageWritten, TextAdded, TurnEnded
from tahoe_engine.chat.conversations import Conversations
from tahoe_engine.composition import Services, find_provider_keys
from tahoe_engine.models.agent_models import AgentDNA, Autonomy
from tahoe_engine.models.agent_records import Agent
from tahoe_engine.models.conversation_models import (
    ConversationCreate,
    MessageRecord,
    MessageRole,
    MessageToolCall,
)
from tahoe_engine.models.memory_filter import MemoryFilter
from tahoe_engine.models.memory_models import MemoryRecord, MemorySearchRequest, MemoryStatus
from tahoe_engine.models.turn_models import Turn, TurnStatus
from tahoe_engine.runtime.model_endpoint import ChosenModel, choose_models, configured_model
from tahoe_engine.runtime.tool_port import Decision
from tahoe_engine.skills.library import AgentSkills, SkillLibrary
from tahoe_engine.skills.places import find_bundled_skills
from tahoe_engine.terminal.chat_port import (
    AnswerEnded,
    ModelAnswered,
    ScreenEvent,
    TerminalChat,
    TextCame,
    ToolAnswered,
    WaitsForPerson,
)
from tahoe_engine.terminal.default_agent import make_default_agent
from tahoe_engine.terminal.default_agent_name import SLUG

if TYPE_CHECKING:
    from uuid import UUID

SHOWN_MEMORIES = 20
REMEMBER_SECONDS = 5
"""What may pass at the end until the last answer is remembered; a worker, or the next chat, does the rest."""


class KeptChat(TerminalChat):
    """Speaks as the HTTP API does: a turn is begun, followed, decided about, cancelled.

    Args:
        services: What agents answer with.
        agent: Who answers.
        actor: Who acts, for the log.
    """

    is_kept = True

    def __init__(self, services: Services, agent: Agent, actor: str) -> None:
        self._services = services
        self._agent = agent
        self._actor = actor
        self._team_id = services.identity.team_id
        self._conversations = Conversations(services.sessions, self._team_id, actor)
        self._conversation_id: UUID | None = None
        self._turn: asyncio.Task[Turn] | None = None
        self._told: Cursor | None = None
        self._remembering: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, services: Services, agent: str | None, actor: str) -> AsyncIterator[Self]:
        """Opens a conversation, which is written down with its first message.

        Args:
            services: What agents answer with.
            agent: Slug or id; None: the default one, which is made if the team has none.
            actor: Who acts, for the log.

        Raises:
            NotFoundError: There is no such agent.
        """
        chat = cls(services, await _find_agent(services, agent, actor), actor)
        try:
            yield chat
        finally:
            await chat._close()

    @property
    @override
    def dna(self) -> AgentDNA:
        return self._agent.dna

    @override
    async def list_models(self) -> Sequence[ChosenModel]:
        async with team_session(self._services.sessions, self._team_id) as session:
            providers = await ModelProviderCatalog(session).list_active()
        configured = configured_model(self._services.settings)
        return choose_models(self.dna.model.choices, providers, find_provider_keys(self._services.settings), configured)

    @override
    async def use_model(self, chosen: ChosenModel) -> None:
        endpoint = chosen.endpoint
        model = {
            "llm_provider": endpoint.name,
            "llm_model": chosen.model,
            "llm_base_url": endpoint.base_url,
            "llm_api_key": endpoint.api_key,
        }
        before = self._services
        self._services = replace(before, settings=before.settings.model_copy(update=model))
        await _close_chat(before)

    @override
    async def say(self, text: str) -> AsyncGenerator[ScreenEvent]:
        answering = self._services.chat.answering
        if self._conversation_id is None:
            begun = await self._conversations.create(str(self._agent.id), ConversationCreate())
            self._conversation_id = begun.id
        turn = asyncio.create_task(answering.say(self._team_id, self._conversation_id, text, self._actor))
        async with aclosing(self._follow(turn)) as events:
            async for event in events:
                yield event

    @override
    async def decide(self, decisions: Sequence[Decision]) -> AsyncGenerator[ScreenEvent]:
        assert self._turn is not None  # noqa: S101 - only a turn that waits is decided about
        waiting = await self._turn
        answering = self._services.chat.answering
        turn = asyncio.create_task(answering.decide(self._team_id, waiting.id, decisions, self._actor))
        async with aclosing(self._follow(turn, self._told)) as events:
            async for event in events:
                yield event

    @override
    async def stop(self) -> None:
        if self._turn is None:
            return
        with suppress(ConflictError):  # it has ended meanwhile, or waits for a decision
            turn = await self._turn
            await self._services.chat.answering.cancel(self._team_id, turn.id, self._actor)

    @override
    async def list_messages(self) -> list[MessageRecord]:
        messages: list[MessageRecord] = []
        cursor = None
        while self._conversation_id is not None:
            page = await self._conversations.list_messages(self._conversation_id, PageRequest.of(MAX_LIMIT, cursor))
            messages += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        return messages[::-1]

    @override
    async def list_skills(self) -> AgentSkills:
        library = SkillLibrary(self._services.settings.skill_folders, find_bundled_skills())
        return await asyncio.to_thread(library.select, self.dna)

    @override
    async def find_memories(self, query: str) -> list[MemoryRecord] | None:
        memories = self._services.memories(self._team_id, self._actor)
        if query:
            asked = MemorySearchRequest(query=query, agent_id=self._agent.id, limit=SHOWN_MEMORIES)
            return [found.memory for found in await memories.search(asked)]
        which = MemoryFilter(agent_id=self._agent.id, status=MemoryStatus.ACTIVE)
        return list((await memories.list_page(PageRequest(limit=SHOWN_MEMORIES), which)).items)

    async def _follow(self, turn: asyncio.Task[Turn], after: Cursor | None = None) -> AsyncGenerator[ScreenEvent]:
        """Follows a turn; breaking it off leaves the turn running, until it is stopped."""
        self._turn = turn
        turn_id = (await asyncio.shield(turn)).id
        async for event in self._services.chat.answering.follow(self._team_id, turn_id, after):
            self._told = getattr(event, "cursor", self._told)
            told = self._tell(event)
            if told is not None:
                yield told

    def _tell(self, event: ChatEvent) -> ScreenEvent | None:
        match event:
            case TextAdded():
                return TextCame(event.text)
            case MessageWritten(_, message) if message.role is MessageRole.ASSISTANT:
                cost = message.metadata.get("cost_usd")
                return ModelAnswered(message.tool_calls, message.usage, Decimal(str(cost)) if cost else None)
            case MessageWritten(_, MessageRecord(tool_result=result) as message) if result is not None:
                duration = message.metadata.get("duration_ms")
                return ToolAnswered(
                    result.tool_call_id,
                    result.tool_name or "",
                    message.content,
                    result.is_error,
                    duration if isinstance(duration, int | float) else None,
                )
            case TurnEnded():
                return self._end(event.turn)
            case _:  # what the user said, and tools that begin
                return None

    def _end(self, turn: Turn) -> ScreenEvent:
        if turn.status is TurnStatus.WAITING:
            calls = [
                MessageToolCall(id=one.call_id, name=one.tool_name, arguments=one.arguments, arguments_text="")
                for one in turn.pending
            ]
            return WaitsForPerson(tuple(calls), self.dna.boundaries.autonomy is Autonomy.SUGGEST)
        remembering = asyncio.create_task(self._remember())
        self._remembering.add(remembering)
        remembering.add_done_callback(self._remembering.discard)
        match turn.status:
            case TurnStatus.COMPLETE:
                return AnswerEnded()
            case TurnStatus.FAILED:
                _kind, _, said = (turn.error or "").partition(": ")
                return AnswerEnded(said or "The answer failed.")
            case _:
                return AnswerEnded("The answer was stopped.")

    async def _remember(self) -> None:
        """Extracts what was said, here where no worker may run; what breaks off is done again by whoever comes next."""
        with suppress(TahoeError):
            await self._services.chat.extraction.extract_some(self._team_id)

    async def _close(self) -> None:
        if self._remembering:
            await asyncio.wait(self._remembering, timeout=REMEMBER_SECONDS)
        await _close_chat(self._services)


async def _close_chat(services: Services) -> None:
    if "chat" in vars(services):
        await services.chat.answering.aclose(grace_s=0)
        await services.chat.aclose()


async def _find_agent(services: Services, agent: str | None, actor: str) -> Agent:
    """Returns the agent; the default one is made once."""
    team_id = services.identity.team_id
    with suppress(ConflictError):  # somebody else made it meanwhile
        async with team_session(services.sessions, team_id, actor) as session:
            catalog = AgentCatalog(session)
            if agent is not None:
                return await catalog.get(agent)
            with suppress(NotFoundError):
                return await catalog.get(SLUG)
            bundled = SkillLibrary([], find_bundled_skills()).list_shared()
            return await catalog.create(make_default_agent([skill.name for skill in bundled.skills]))
    async with team_session(services.sessions, team_id) as session:
        return await AgentCatalog(session).get(SLUG)

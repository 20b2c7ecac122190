"""A conversation without a database: kept in the process, and gone with it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import Self, override
from uuid import uuid4

from tahoe_engine.chat.history import keep_end
from tahoe_engine.composition import find_provider_keys
from tahoe_engine.models.agent_models import AgentDNA
from tahoe_engine.models.conversation_models import MessageCreate, MessageRecord, MessageRole, ToolResult
from tahoe_engine.models.memory_models import MemoryRecord
from tahoe_engine.runtime.agent_blueprint import blueprint_of_dna
from tahoe_engine.runtime.agent_runtime import AdkRuntime, AgentRuntime, RunRequest
from tahoe_engine.runtime.model_endpoint import ChosenModel, choose_models, configured_model
from tahoe_engine.runtime.provider_keys import ProviderKeys
from tahoe_engine.runtime.run_events import (
    NOTHING_SPENT,
    AnswerFailed,
    AnswerFinished,
    ApprovalRequested,
    ModelCallFinished,
    RunEvent,
    TextDelta,
    ToolCallFinished,
)
from tahoe_engine.runtime.tool_port import Decision
from tahoe_engine.settings import EngineSettings
from tahoe_engine.skills.disclosure import describe_skills
from tahoe_engine.skills.library import AgentSkills, SkillLibrary
from tahoe_engine.skills.places import find_bundled_skills
from tahoe_engine.skills.running.script_runner import ScriptRunner
from tahoe_engine.skills.skill_tools import make_skill_tools
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
from tahoe_engine.tools.http_tools import make_http_tools


class UnkeptChat(TerminalChat):
    """Asks the runtime directly.

    Args:
        dna: Who answers.
        runtime: Makes it answer.
        skills: Where its skills are.
        scripts: Runs their scripts.
        keys: Of model providers.
        configured: The model of LLM_MODEL.
    """

    is_kept = False

    def __init__(
        self,
        dna: AgentDNA,
        runtime: AgentRuntime,
        skills: SkillLibrary,
        scripts: ScriptRunner,
        keys: ProviderKeys,
        configured: ChosenModel | None,
    ) -> None:
        self._dna = dna
        self._runtime = runtime
        self._skills = skills
        self._scripts = scripts
        self._keys = keys
        self._configured = configured
        self._conversation_id = uuid4()
        self._messages: list[MessageRecord] = []
        self._spent = NOTHING_SPENT  # of the answer that waits for a decision

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: EngineSettings) -> AsyncIterator[Self]:
        """Opens a conversation with the default agent."""
        bundled = find_bundled_skills()
        library = SkillLibrary(settings.skill_folders, bundled)
        own = SkillLibrary([], bundled).list_shared()
        dna = make_default_agent([skill.name for skill in own.skills])
        runtime = AdkRuntime()
        try:
            scripts = ScriptRunner(allow_unisolated=settings.skill_scripts_unisolated)
            yield cls(dna, runtime, library, scripts, find_provider_keys(settings), configured_model(settings))
        finally:
            await runtime.aclose()

    @property
    @override
    def dna(self) -> AgentDNA:
        return self._dna

    @override
    async def list_models(self) -> Sequence[ChosenModel]:
        return choose_models(self._dna.model.choices, [], self._keys, self._configured)

    @override
    async def use_model(self, chosen: ChosenModel) -> None:
        self._configured = chosen

    @override
    async def say(self, text: str) -> AsyncGenerator[ScreenEvent]:
        history = list(self._messages)
        self._spent = NOTHING_SPENT
        self._add(MessageCreate(role=MessageRole.USER, content=text))
        async with aclosing(self._answer(history, text)) as events:
            async for event in events:
                yield event

    @override
    async def decide(self, decisions: Sequence[Decision]) -> AsyncGenerator[ScreenEvent]:
        async with aclosing(self._answer(list(self._messages), None, decisions)) as events:
            async for event in events:
                yield event

    @override
    async def stop(self) -> None:
        """Nothing is left to do: closing the events of an answer stops it."""

    @override
    async def list_messages(self) -> list[MessageRecord]:
        return list(self._messages)

    @override
    async def list_skills(self) -> AgentSkills:
        return await asyncio.to_thread(self._skills.select, self._dna)

    @override
    async def find_memories(self, query: str) -> list[MemoryRecord] | None:
        return None

    async def _answer(
        self, history: Sequence[MessageRecord], message: str | None, decisions: Sequence[Decision] = ()
    ) -> AsyncGenerator[ScreenEvent]:
        skills = await self.list_skills()
        request = RunRequest(
            agent=blueprint_of_dna(self._dna),
            models=await self.list_models(),
            history=keep_end(history).messages,
            message=message,
            decisions=decisions,
            context=describe_skills(skills.skills),
            tools=(*make_skill_tools(skills, self._scripts), *make_http_tools(self._dna.boundaries)),
            spent=self._spent,
        )
        unfinished = ""
        try:
            async with aclosing(self._runtime.run(request)) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        unfinished += event.text
                    elif isinstance(event, ModelCallFinished):
                        unfinished = ""
                    told = self._write(event)
                    if told is not None:
                        yield told
        finally:
            if unfinished:
                self._add(MessageCreate(role=MessageRole.ASSISTANT, content=unfinished, is_complete=False))

    def _write(self, event: RunEvent) -> ScreenEvent | None:
        """Adds to the conversation what belongs there, and returns what the screen shows of it."""
        told: ScreenEvent | None = None  # of thoughts, tools that begin, and models that were asked before one answered
        match event:
            case TextDelta(text):
                told = TextCame(text)
            case ModelCallFinished():
                if event.text or event.calls:
                    answer = MessageCreate(
                        role=MessageRole.ASSISTANT, content=event.text, tool_calls=event.calls, usage=event.usage
                    )
                    self._add(answer)
                told = ModelAnswered(event.calls, event.usage, event.cost_usd)
            case ToolCallFinished():
                result = ToolResult(tool_call_id=event.call_id, tool_name=event.name, is_error=event.is_error)
                self._add(MessageCreate(role=MessageRole.TOOL, content=event.content, tool_result=result))
                told = ToolAnswered(event.call_id, event.name, event.content, event.is_error, event.duration_ms)
            case ApprovalRequested():
                self._spent += event.usage
                told = WaitsForPerson(event.calls, event.person_acts)
            case AnswerFinished():
                told = AnswerEnded()
            case AnswerFailed():
                told = AnswerEnded(str(event.error))
        return told

    def _add(self, message: MessageCreate) -> None:
        self._messages.append(
            MessageRecord(
                **dict(message),
                id=uuid4(),
                conversation_id=self._conversation_id,
                position=len(self._messages),
                created_at=datetime.now(UTC),
            )
        )

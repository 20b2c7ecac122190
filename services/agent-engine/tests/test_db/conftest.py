from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.page import PageRequest
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.catalog.seed import seed
from tahoe_engine.db.models import AgentORM, ConversationORM
from tahoe_engine.db.repositories.agent import AgentRepository
from tahoe_engine.db.repositories.agent_template import AgentTemplateRepository
from tahoe_engine.db.repositories.analysis import AnalysisRepository
from tahoe_engine.db.repositories.analysis_row import NewAnalysis
from tahoe_engine.db.repositories.conversation import ConversationRepository
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.db.repositories.memory_cells import MemoryCellRepository
from tahoe_engine.db.repositories.memory_row import NewMemory
from tahoe_engine.db.repositories.memory_statistics import MemoryStatisticsRepository
from tahoe_engine.db.repositories.memory_use import MemoryUseRepository
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.db.repositories.model_call import ModelCallRepository
from tahoe_engine.db.repositories.session import SessionRepository
from tahoe_engine.db.repositories.turn import TurnRepository
from tahoe_engine.db.repositories.vector_codec import pack_vector
from tahoe_engine.interactions.store import InteractionStore
from tahoe_engine.interactions.store import prepare as prepare_interaction
from tahoe_engine.memory.preparing import prepare
from tahoe_engine.models.analysis import AnalysisStatus, AuditTrail, CategoryResult, ScoredResult, Verdict, Violation
from tahoe_engine.models.conversation_models import (
    EVENT_DOCUMENT,
    SESSION_STATE,
    MessageCreate,
    MessageRole,
    MessageUsage,
)
from tahoe_engine.models.finding import Evidence, Finding, Outcome, Severity
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.models.memory_models import MemoryCreate, UsedMemory
from tahoe_engine.models.model_call import ModelCallCreate, ModelCallPurpose
from tahoe_engine.models.scorecard import BoundScorecard, ScorecardDefinition
from tahoe_engine.models.turn_models import TurnStatus


@pytest.fixture(scope="session")
def make_interaction() -> Callable[..., Interaction]:
    """Makes an interaction of these words; keywords set its other fields."""

    def make(*texts: str, **fields: Any) -> Interaction:  # noqa: ANN401 - whatever an interaction takes
        turns = [
            {"role": "agent" if number % 2 else "customer", "speaker": "somebody", "text": text, "spoken": len(text)}
            for number, text in enumerate(texts or ("hello",))
        ]
        return Interaction.model_validate({"turns": turns, **fields})

    return make


@pytest.fixture
async def scorecard(session: AsyncSession, definition: ScorecardDefinition) -> BoundScorecard:
    return (await ScorecardCatalog(session).apply(definition)).bound


@pytest.fixture(scope="session")
def make_result() -> Callable[..., ScoredResult]:
    """Makes a result; keywords set its other fields."""

    def make(**fields: Any) -> ScoredResult:  # noqa: ANN401 - whatever a result takes
        evidence = (Evidence(turn=0, start=0, end=5, quote="hello"),)
        finding = Finding(
            requirement="greeting",
            check="pattern",
            agent="support.opening",
            outcome=Outcome.MET,
            severity=Severity.LOW,
            confidence=0.7,
            evidence=evidence,
            explanation="It stands there 👋.",
        )
        result = ScoredResult(
            status=AnalysisStatus.COMPLETE,
            verdict=Verdict.PASS,
            overall_score=66.67,
            coverage=0.1 + 0.2,
            confidence=0.9,
            categories={
                "opening": CategoryResult(score=66.67, weight=2, findings=(finding,)),
                "closing": CategoryResult(score=None, weight=1, findings=()),
            },
            violations=(
                Violation(
                    requirement="farewell",
                    title="Says goodbye",
                    category="closing",
                    severity=Severity.HIGH,
                    evidence=(),
                    explanation="Nowhere.",
                ),
            ),
            recommendations=(),
            audit_trail=AuditTrail(
                trace_id=uuid4().hex,
                checks_run=1,
                not_run={"farewell": "no model"},
                template_versions={"support.opening": 1, "support.closing": 1},
                execution_ms=1.25,
            ),
        )
        return result.model_copy(update=fields)

    return make


@dataclass(frozen=True)
class Filled:
    """What `fill_memory` made: one row of each kind."""

    agent_id: UUID
    conversation_id: UUID
    turn_id: UUID
    message_id: UUID
    memory_id: UUID
    answer_id: UUID


@pytest.fixture(scope="session")
def make_row() -> Callable[..., NewMemory]:
    """Makes a row of memory; keywords set its other fields, those of `MemoryCreate` and of the row itself."""

    def make(content: str = "Ann prefers tea.", **fields: Any) -> NewMemory:  # noqa: ANN401 - whatever a row takes
        if "embedding" in fields:
            fields = {"embedding_model": "test", **fields}
        of_create = {name: value for name, value in fields.items() if name in MemoryCreate.model_fields}
        row = prepare(MemoryCreate.model_validate({"content": content, **of_create}))
        return replace(row, **{name: value for name, value in fields.items() if name not in of_create})

    return make


@pytest.fixture(scope="session")
def fill_memory(make_row: Callable[..., NewMemory]) -> Callable[..., Awaitable[Filled]]:
    """Writes a row into every table of the memory, in a session of a team; each holds a mark."""

    async def fill(session: AsyncSession, mark: str = "same") -> Filled:
        agent = await AgentRepository(session).add(AgentORM(slug=mark, name=mark, description=mark))
        conversation = await ConversationRepository(session).add(
            ConversationORM(agent_id=agent.id, external_id=mark, title=mark)
        )
        names = {"app": mark, "user": mark, "session": mark, "updated_at": 1.0}
        metadata: dict[str, Any] = {"adk": names, SESSION_STATE: "{}"}
        await SessionRepository(session).add_once(f"adk:{mark}", {"metadata_json": metadata})
        turn = await TurnRepository(session).begin(conversation.id, agent.id, 1, timedelta(minutes=5))
        assert turn is not None
        message = await MessageRepository(session).append(
            conversation.id,
            turn.id,
            MessageCreate(
                role=MessageRole.USER,
                content=mark,
                metadata={"adk": {"event_id": mark, "timestamp": 1.0}, EVENT_DOCUMENT: mark},
            ),
        )
        await TurnRepository(session).end(turn.id, TurnStatus.COMPLETE)
        row = make_row(
            f"Ann prefers {mark}.",
            agent_id=agent.id,
            source_conversation_id=conversation.id,
            source_message_ids=[message.id],
            embedding=[0.6, 0.8],
            author=mark,
            subject=mark,
            tags=[mark],
            metadata={"event_id": mark},
        )
        await MemoryRepository(session).insert([row], guarded=False)
        await MemoryStatisticsRepository(session).count()
        await MemoryCellRepository(session).add_generation(mark, 1, [pack_vector([0.6, 0.8])])
        answer_id = uuid4()
        used = UsedMemory(memory_id=row.id, version=1, rank=1, score=0.5)
        await MemoryUseRepository(session).record(answer_id, agent.id, [used])
        usage = MessageUsage(model=mark, input_tokens=1, output_tokens=1, latency_ms=1)
        call = ModelCallCreate(
            conversation_id=conversation.id,
            agent_id=agent.id,
            purpose=ModelCallPurpose.EXTRACTION,
            provider=mark,
            usage=usage,
            cost_usd=None,
        )
        await ModelCallRepository(session).record([call])
        return Filled(agent.id, conversation.id, turn.id, message.id, row.id, answer_id)

    return fill


@pytest.fixture(scope="session")
def fill_team(
    definition: ScorecardDefinition,
    make_interaction: Callable[..., Interaction],
    make_result: Callable[..., ScoredResult],
    fill_memory: Callable[..., Awaitable[Filled]],
) -> Callable[..., Awaitable[Filled]]:
    """Writes rows into every table there is; with a mark of the team's own, its rows can be told from another's."""

    async def fill(session: AsyncSession, mark: str = "same") -> Filled:
        named = definition if mark == "same" else definition.model_copy(update={"name": mark})
        await seed(session, [named])
        bound = await ScorecardCatalog(session).get(named.name)
        [saved] = await InteractionStore(session).save([prepare_interaction(make_interaction(external_id=mark))])
        await AnalysisRepository(session).insert_many([NewAnalysis(saved.id, bound, make_result())])
        filled = await fill_memory(session, mark)
        agent = await AgentRepository(session).get(filled.agent_id)
        [template] = (await AgentTemplateRepository(session).list_named(PageRequest(1))).items
        agent.template_name, agent.template_version = template.name, template.version
        return filled

    return fill

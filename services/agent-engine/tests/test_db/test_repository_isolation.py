"""Every method of every repository, asked by one team for what another has: nothing crosses over.

Each is asked twice: as it is, and with the other team's id in its queries, so that row-level security alone stands
between the two. A method without a case here fails the test.
"""
# ruff: noqa: S608 - the statements are made of constants

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel
from sqlalchemy import ForeignKeyConstraint, Integer, Text, UniqueConstraint, Uuid, func, select, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.exc import StaleDataError

from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_core.db.rls import list_team_tables
from tahoe_core.db.session import team_session
from tahoe_core.errors import InvalidInputError, NotFoundError, TahoeError
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.db import Base, repositories
from tahoe_engine.db.repositories.analysis_row import NewAnalysis
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.db.repositories.memory_cells import Generation
from tahoe_engine.db.repositories.memory_listing import MemoryListingRepository
from tahoe_engine.db.repositories.memory_row import NewMemory
from tahoe_engine.db.repositories.memory_search import PreparedQuery, QueryVector
from tahoe_engine.db.repositories.memory_transfer import Retirement
from tahoe_engine.db.repositories.memory_upkeep import TierRules
from tahoe_engine.db.repositories.vector_codec import pack_vector
from tahoe_engine.interactions.store import prepare as prepare_interaction
from tahoe_engine.memory.lexemes import list_terms
from tahoe_engine.models.analysis import ScoredResult
from tahoe_engine.models.conversation_models import (
    ConversationFilter,
    ConversationStatus,
    FeedbackRating,
    MessageCreate,
    MessageFeedback,
    MessageRole,
    MessageUsage,
)
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.models.memory_filter import MemoryFilter
from tahoe_engine.models.memory_models import (
    MemoryRecord,
    MemorySearchRequest,
    MemoryStatus,
    MemoryTier,
    UsedMemory,
)
from tahoe_engine.models.model_call import ModelCallCreate, ModelCallPurpose
from tahoe_engine.models.scorecard import BoundScorecard
from tahoe_engine.models.stored import AnalysisFilter, InteractionFilter
from tahoe_engine.models.turn_models import TurnStatus, TurnUsage

LEASE = timedelta(minutes=5)
NOTHING = TurnUsage(model_calls=0, tool_calls=0, input_tokens=0, cached_tokens=0, output_tokens=0, seconds=0)
SAID = MessageCreate(role=MessageRole.USER, content="stolen")
TABLES = list_team_tables(Base.metadata)
ALL = PageRequest(100)
TARGETS = [
    (table.name, key.column_keys[1], key.elements[0].column.table.name)
    for table in Base.metadata.sorted_tables
    for key in table.foreign_key_constraints
]

type TakeFingerprint = Callable[[], Awaitable[Mapping[str, str]]]
type OpenSession = Callable[[UUID], AbstractAsyncContextManager[AsyncSession]]


class Filled(Protocol):
    """As in conftest.py."""

    agent_id: UUID
    conversation_id: UUID
    turn_id: UUID
    message_id: UUID
    memory_id: UUID
    answer_id: UUID


@dataclass(frozen=True)
class Theirs:
    """What the other team has, and what is asked for."""

    team_id: UUID
    mark: str
    filled: Filled
    rows: Mapping[str, Any]
    record: MemoryRecord
    new: NewMemory
    bound: BoundScorecard
    result: ScoredResult
    interaction: Interaction
    ids: frozenset[str]
    """Of every row of theirs."""


@pytest.fixture(scope="module")
async def ours(engine: AsyncEngine, fill_team: Callable[..., Awaitable[Filled]]) -> UUID:
    team = uuid4()
    async with team_session(get_session_factory(engine), team) as session:
        await fill_team(session, "mine")
    return team


@pytest.fixture(scope="module")
async def theirs(
    engine: AsyncEngine,
    fill_team: Callable[..., Awaitable[Filled]],
    make_row: Callable[..., NewMemory],
    make_interaction: Callable[..., Interaction],
    make_result: Callable[..., ScoredResult],
) -> Theirs:
    team, mark = uuid4(), f"z{uuid4().hex[:12]}"
    rows: dict[str, Any] = {}
    ids: set[str] = set()
    async with team_session(get_session_factory(engine), team) as session:
        filled = await fill_team(session, mark)
        repository = MemoryRepository(session)
        expired = make_row(f"Expired {mark}.", expires_at=datetime.now(UTC) - timedelta(days=1), is_pinned=True)
        await repository.insert([expired], guarded=False)
    async with team_session(get_session_factory(engine), team) as session:
        # The registry is that of all services' bases, those of other tests among them.
        for mapper in (one for one in Base.registry.mappers if one.local_table in Base.metadata.sorted_tables):
            found = (await session.scalars(select(mapper.class_).order_by(*mapper.primary_key).limit(1))).one()
            rows[mapper.class_.__tablename__] = found
        for name, table in Base.metadata.tables.items():
            if "id" in table.columns:
                ids |= {str(one) for one in await session.scalars(select(table.c.id)) if isinstance(one, UUID)}
            assert name in rows
        record = await MemoryRepository(session).get_record(filled.memory_id)
        bound = await ScorecardCatalog(session).get(mark)
        session.expunge_all()
    new = make_row(
        record.content, agent_id=filled.agent_id, subject=mark, embedding=[0.6, 0.8],
        source_conversation_id=filled.conversation_id, related_to=[filled.memory_id],
    )  # fmt: skip
    return Theirs(
        team, mark, filled, rows, record, new, bound, make_result(), make_interaction(external_id=mark), frozenset(ids)
    )


def say(value: object) -> Iterator[str]:
    """Everything that a result says: of rows, records, pages and what else there is."""
    match value:
        case Page():
            yield from say(value.items)
        case BaseModel():
            yield from say(value.model_dump())
        case Mapping():
            yield from (said for item in value.items() for said in say(item))
        case list() | tuple() | set() | frozenset():
            yield from (said for item in value for said in say(item))
        case _ if hasattr(value, "__table__"):
            # The class's own columns alone: what is not loaded is not asked for.
            yield from say({name: kept for name, kept in vars(value).items() if not name.startswith("_")})
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            yield from say([getattr(value, one.name) for one in dataclasses.fields(value)])
        case _ if hasattr(value, "_asdict"):
            yield from say(value._asdict())
        case _:
            yield str(value)


def copy(repository: Any, theirs: Theirs) -> Any:  # noqa: ANN401 - whichever repository and its row
    """Returns a new row that says what theirs does."""
    row = theirs.rows[repository.model.__tablename__]
    columns = [one for one in repository.model.__mapper__.column_attrs if one.columns[0].computed is None]
    return repository.model(**{one.key: getattr(row, one.key) for one in columns if one.key not in {"id", "lexemes"}})


async def add_theirs(repository: Any, theirs: Theirs) -> None:  # noqa: ANN401 - as above
    added = await repository.add(copy(repository, theirs))
    assert added.team_id != theirs.team_id


async def add_their_version(repository: Any, theirs: Theirs) -> None:  # noqa: ANN401 - as above
    added = await repository.add_version(copy(repository, theirs), None)
    assert added.team_id != theirs.team_id


async def change_theirs(repository: Any, theirs: Theirs) -> object:  # noqa: ANN401 - as above
    row = repository.model(id=theirs.rows[repository.model.__tablename__].id)
    make_transient_to_detached(row)
    repository.session.add(row)
    row.updated_at = datetime.now(UTC)
    return await repository.change(row)


def vector_query(theirs: Theirs, *, as_of: bool = False) -> PreparedQuery:
    moment = datetime.now(UTC) if as_of else None
    request = MemorySearchRequest(query=theirs.mark, agent_id=theirs.filled.agent_id, as_of=moment, limit=100)
    return PreparedQuery(request, list_terms(theirs.mark), 1, theirs.mark, [QueryVector("test", [0.6, 0.8], 0.1)])


async def search_both(repository: Any, theirs: Theirs) -> object:  # noqa: ANN401 - as above
    return [await repository.search(vector_query(theirs, as_of=as_of)) for as_of in (False, True)]


type Ask = Callable[[Any, Theirs], Awaitable[object]]

CASES: dict[str, Ask] = {
    "BaseRepository.add": add_theirs,
    "BaseRepository.change": change_theirs,
    "BaseRepository.get": lambda r, o: r.get(o.rows[r.model.__tablename__].id),
    "BaseRepository.find": lambda r, o: r.find(o.rows[r.model.__tablename__].id),
    "BaseRepository.find_where": lambda r, o: r.find_where(r.model.id == o.rows[r.model.__tablename__].id),
    "BaseRepository.list_page": lambda r, o: r.list_page(ALL),
    "BaseRepository.page_of": lambda r, o: r.page_of(select(r.model), ALL),
    "BaseRepository.select": lambda r, o: all_of(r.session.scalars(r.select())),
    "NamedRepository.lock": lambda r, o: r.lock(),
    "NamedRepository.find_named": lambda r, o: r.find_named(o.mark),
    "NamedRepository.list_names": lambda r, o: r.list_names(),
    "NamedRepository.list_named": lambda r, o: r.list_named(ALL, include_inactive=True),
    "VersionedRepository.find_named": lambda r, o: r.find_named(o.rows[r.model.__tablename__].name),
    "VersionedRepository.find_active": lambda r, o: r.find_active(o.rows[r.model.__tablename__].name),
    "VersionedRepository.find_version": lambda r, o: r.find_version(o.rows[r.model.__tablename__].name, 1),
    "VersionedRepository.add_version": add_their_version,
    "VersionedRepository.deactivate": lambda r, o: r.deactivate(o.rows[r.model.__tablename__].name),
    "VersionedRepository.list_named": lambda r, o: r.list_named(ALL, include_inactive=True),
    "VersionedRepository.list_versions": lambda r, o: r.list_versions(o.rows[r.model.__tablename__].name, ALL),
    "ScorecardRepository.load_agents": lambda r, o: r.load_agents(o.rows["scorecards"]),
    "AgentTemplateRepository.find_all_active": lambda r, o: r.find_all_active([o.rows["agent_templates"].name]),
    "PortfolioRepository.list_scorecards": lambda r, o: r.list_scorecards(o.rows["portfolios"].id),
    "ModelProviderRepository.list_active": lambda r, o: r.list_active(),
    "AnalysisRepository.get_document": lambda r, o: r.get_document(o.rows["analyses"].id),
    "AnalysisRepository.insert_many": lambda r, o: r.insert_many(
        [NewAnalysis(o.rows["interactions"].id, o.bound, o.result)]
    ),
    "AnalysisRepository.list_summaries": lambda r, o: r.list_summaries(AnalysisFilter(), ALL),
    "InteractionRepository.list_summaries": lambda r, o: r.list_summaries(InteractionFilter(), ALL),
    "InteractionRepository.save": lambda r, o: r.save([prepare_interaction(o.interaction)]),
    "AgentRepository.find_by_slug": lambda r, o: r.find_by_slug(o.mark),
    "AgentRepository.keep_still": lambda r, o: r.keep_still(o.filled.agent_id),
    "AgentRepository.list_slugs": lambda r, o: r.list_slugs(),
    "AgentRepository.list_agents": lambda r, o: r.list_agents(ALL),
    "AgentVersionRepository.find_version": lambda r, o: r.find_version(o.filled.agent_id, 1),
    "AgentVersionRepository.list_versions": lambda r, o: r.list_versions(o.filled.agent_id, ALL),
    "ConversationRepository.find_by_external_id": lambda r, o: r.find_by_external_id(o.mark),
    "ConversationRepository.get_fresh": lambda r, o: r.get_fresh(o.filled.conversation_id),
    "ConversationRepository.list_conversations": lambda r, o: r.list_conversations(ConversationFilter(), ALL),
    "ConversationRepository.list_unread": lambda r, o: r.list_unread(100),
    "ConversationRepository.call": lambda r, o: r.call(o.filled.conversation_id, "stolen"),
    "ConversationRepository.take_up": lambda r, o: r.take_up(o.filled.conversation_id, "stolen"),
    "ConversationRepository.set_status": lambda r, o: r.set_status(o.filled.conversation_id, ConversationStatus.CLOSED),
    "ConversationRepository.is_unread": lambda r, o: r.is_unread(o.filled.conversation_id, 2**31 - 1),
    "ConversationRepository.set_extracted": lambda r, o: r.set_extracted(o.filled.conversation_id, 7),
    "MessageRepository.append": lambda r, o: r.append(o.filled.conversation_id, o.filled.turn_id, SAID),
    "MessageRepository.append_all": lambda r, o: r.append_all(o.filled.conversation_id, [SAID]),
    "MessageRepository.extend": lambda r, o: r.extend(o.filled.message_id, "stolen"),
    "MessageRepository.complete": lambda r, o: r.complete(o.filled.message_id, SAID),
    "MessageRepository.give_feedback": lambda r, o: r.give_feedback(
        o.filled.message_id, MessageFeedback(rating=FeedbackRating.UP, given_at=datetime.now(UTC))
    ),
    "MessageRepository.list_of": lambda r, o: r.list_of(o.filled.conversation_id),
    "MessageRepository.list_last": lambda r, o: r.list_last(o.filled.conversation_id, 100),
    "MessageRepository.list_of_turn": lambda r, o: r.list_of_turn(o.filled.turn_id),
    "MessageRepository.list_of_turns": lambda r, o: r.list_of_turns([o.filled.turn_id]),
    "MessageRepository.list_messages": lambda r, o: r.list_messages(o.filled.conversation_id, ALL),
    "SessionRepository.add_once": lambda r, o: r.add_once(o.mark, {"title": "stolen"}),
    "SessionRepository.find_locked": lambda r, o: r.find_locked(o.mark),
    "SessionRepository.find_many": lambda r, o: r.find_many([o.mark]),
    "SessionRepository.list_open": lambda r, o: r.list_open("adk:", o.mark, None),
    "SessionEventRepository.list_documents": lambda r, o: r.list_documents(
        o.filled.conversation_id, 100, most=None, since=None
    ),
    "SessionEventRepository.find_last_id": lambda r, o: r.find_last_id(o.filled.conversation_id),
    "TurnRepository.begin": lambda r, o: r.begin(o.filled.conversation_id, o.filled.agent_id, 1, LEASE),
    "TurnRepository.go_on": lambda r, o: r.go_on(o.filled.turn_id, 1, LEASE),
    "TurnRepository.renew": lambda r, o: r.renew(o.filled.turn_id, LEASE),
    "TurnRepository.end": lambda r, o: r.end(o.filled.turn_id, TurnStatus.CANCELLED),
    "TurnRepository.settle": lambda r, o: r.settle(o.filled.turn_id, NOTHING, None),
    "TurnRepository.cancel": lambda r, o: r.cancel(o.filled.turn_id),
    "TurnRepository.get_turn": lambda r, o: r.get_turn(o.filled.turn_id),
    "TurnRepository.list_turns": lambda r, o: r.list_turns(o.filled.conversation_id, ALL),
    "MemoryRepository.insert": lambda r, o: r.insert([o.new], guarded=True, looks_near=True),
    "MemoryRepository.insert_new": lambda r, o: r.insert_new(o.new, looks_near=True),
    "MemoryRepository.lock": lambda r, o: r.lock(o.mark),
    "MemoryRepository.lock_all": lambda r, o: r.lock_all({o.mark, "another"}),
    "MemoryRepository.get_record": lambda r, o: r.get_record(o.record.id),
    "MemoryRepository.find_vector": lambda r, o: r.find_vector(o.record.id),
    "MemoryRepository.list_records": lambda r, o: r.list_records([o.record.id]),
    "MemoryRepository.list_places": lambda r, o: r.list_places(o.filled.conversation_id, "event_id"),
    "MemoryRepository.list_versions": lambda r, o: r.list_versions(o.record.root_id),
    "MemoryRepository.list_twins": lambda r, o: r.list_twins(o.new),
    "MemoryRepository.list_same_subject": lambda r, o: r.list_same_subject(o.new, o.mark),
    "MemoryRepository.retire": lambda r, o: r.retire([o.record.id], MemoryStatus.ARCHIVED),
    "MemoryRepository.set_state": lambda r, o: r.set_state(o.record.id, is_pinned=True),
    "MemoryRepository.dispute": lambda r, o: r.dispute([o.record.id], [uuid4()]),
    "MemoryRepository.list_always": lambda r, o: r.list_always(o.filled.agent_id, None),
    "MemoryRepository.search_by_embedding": lambda r, o: r.search_by_embedding([0.6, 0.8], "test", 100),
    "MemoryRepository.find_similar": lambda r, o: r.find_similar(o.record.id),
    "MemoryRepository.erase": lambda r, o: r.erase([o.record.root_id]),
    "MemoryRepository.list_copies": lambda r, o: r.list_copies([o.record.root_id]),
    "MemoryRepository.unfold": lambda r, o: r.unfold([o.record.id]),
    "MemoryRepository.set_tags": lambda r, o: r.set_tags(o.record.id, ["stolen"]),
    "MemoryRepository.list_teams": lambda r, o: r.list_teams(),  # ids of teams, and of nothing else
    "MemorySearchRepository.search": search_both,
    "MemoryStatisticsRepository.find_current": lambda r, o: r.find_current(),
    "MemoryStatisticsRepository.has_grown": lambda r, o: r.has_grown(),
    "MemoryStatisticsRepository.count": lambda r, o: r.count(),
    "MemoryStatisticsRepository.forget": lambda r, o: r.forget({o.mark}),
    "MemoryCellRepository.try_lock": lambda r, o: r.try_lock(),
    "MemoryCellRepository.lock": lambda r, o: r.lock(),
    "MemoryCellRepository.count_memories": lambda r, o: r.count_memories(),
    "MemoryCellRepository.count_outside": lambda r, o: r.count_outside(100),
    "MemoryCellRepository.count_models": lambda r, o: r.count_models(),
    "MemoryCellRepository.find_newest": lambda r, o: r.find_newest(),
    "MemoryCellRepository.list_centroids": lambda r, o: r.list_centroids(1),
    "MemoryCellRepository.sample": lambda r, o: r.sample("test", 100),
    "MemoryCellRepository.add_generation": lambda r, o: r.add_generation("stolen", 1, [pack_vector([0.6, 0.8])]),
    "MemoryCellRepository.take_outside": lambda r, o: r.take_outside("test", 100),
    "MemoryCellRepository.take_older": lambda r, o: r.take_older(Generation(2, 1, "test", 2), 100),
    "MemoryCellRepository.put": lambda r, o: r.put({o.record.id: 1}),
    "MemoryCellRepository.retire": lambda r, o: r.retire(Generation(2, 1, "test", 2)),
    "MemoryCellRepository.list_around": lambda r, o: r.list_around([o.record.id]),
    "MemoryCellRepository.average": lambda r, o: r.average([1]),
    "MemoryHistoryRepository.list_entries": lambda r, o: r.list_entries([o.record.id]),
    "MemoryHistoryRepository.find_at": lambda r, o: r.find_at(o.record.id, datetime.now(UTC)),
    "MemoryHistoryRepository.rebuild": lambda r, o: r.rebuild([o.record], datetime.now(UTC)),
    "MemoryHistoryRepository.count_events": lambda r, o: r.count_events(),
    "MemoryListingRepository.list_records": lambda r, o: r.list_records(MemoryFilter(), ALL),
    "MemoryOverviewRepository.count": lambda r, o: r.count(),
    "MemoryTransferRepository.list_standing": lambda r, o: r.list_standing(
        {o.record.id}, {o.record.root_id}, {o.new.content_hash}
    ),
    "MemoryTransferRepository.list_agents": lambda r, o: r.list_agents({o.filled.agent_id}),
    "MemoryTransferRepository.list_conversations": lambda r, o: r.list_conversations({o.filled.conversation_id}),
    "MemoryTransferRepository.add_conversations": lambda r, o: r.add_conversations({o.filled.conversation_id: uuid4()}),
    "MemoryTransferRepository.retire": lambda r, o: r.retire([Retirement(o.record.id, MemoryStatus.ARCHIVED, None)]),
    "MemoryTransferRepository.set_tier": lambda r, o: r.set_tier({o.record.id}, MemoryTier.HOT),
    "MemoryUpkeepRepository.list_unembedded": lambda r, o: r.list_unembedded("another", 100),
    "MemoryUpkeepRepository.set_embeddings": lambda r, o: r.set_embeddings("stolen", {o.record.id: [1.0]}),
    "MemoryUpkeepRepository.expire": lambda r, o: r.expire(100),
    "MemoryUpkeepRepository.move": lambda r, o: r.move(TierRules(often=0), 100),
    "MemoryUpkeepRepository.list_since": lambda r, o: r.list_since("compared_until", 100, episodic=False),
    "MemoryUpkeepRepository.set_mark": lambda r, o: r.set_mark("compared_until", datetime.now(UTC)),
    "MemoryUseRepository.record": lambda r, o: r.record(uuid4(), None, [used(o)]),
    "ModelCallRepository.record": lambda r, o: r.record(
        [
            ModelCallCreate(
                conversation_id=o.filled.conversation_id,
                agent_id=o.filled.agent_id,
                purpose=ModelCallPurpose.EXTRACTION,
                provider="stolen",
                usage=MessageUsage(model="stolen", input_tokens=1, output_tokens=1, latency_ms=1),
                cost_usd=None,
            )
        ]
    ),
    "ModelCallRepository.list_calls": lambda r, o: r.list_calls(o.filled.conversation_id, ALL),
    "MemoryUseRepository.list_of_answer": lambda r, o: r.list_of_answer(o.filled.answer_id),
    "MemoryUseRepository.list_of_answers": lambda r, o: r.list_of_answers([o.filled.answer_id]),
}
# What is counted is the team's own: a memory, made and used once.
COUNTS: dict[str, Mapping[str, Any]] = {
    "MemoryHistoryRepository.count_events": {"created": 1, "accessed": 1},
    "MemoryOverviewRepository.count": {"versions": 1, "live": 1},
}


async def all_of(found: Awaitable[Any]) -> list[Any]:
    return list(await found)


def used(theirs: Theirs) -> UsedMemory:
    return UsedMemory(memory_id=theirs.record.id, version=1, rank=1, score=None)


def list_methods() -> Iterator[tuple[type[Any], str, str]]:
    """Returns each repository with each of its public methods, and the name under which its case stands."""
    for module in pkgutil.iter_modules(repositories.__path__, f"{repositories.__name__}."):
        for kind in vars(importlib.import_module(module.name)).values():
            is_here = inspect.isclass(kind) and kind.__module__ == module.name and kind.__name__.endswith("Repository")
            # Those without a table of their own are the roots of others.
            if not is_here or (issubclass(kind, BaseRepository) and not hasattr(kind, "model")):
                continue
            for name, function in inspect.getmembers(kind, inspect.isfunction):
                if not name.startswith("_"):
                    yield kind, name, function.__qualname__


METHODS = list(list_methods())


class TestEveryMethod:
    def test_has_a_case(self) -> None:
        assert {case for _kind, _name, case in METHODS} == set(CASES)

    @pytest.fixture
    async def fingerprint(self, connection: AsyncConnection, theirs: Theirs) -> TakeFingerprint:
        """Tells whether anything of theirs has changed, within the test's transaction."""

        async def take() -> Mapping[str, str]:
            enter = text("SELECT set_config('app.team_id', :team, true)")
            await connection.execute(enter, {"team": str(theirs.team_id)})
            query = "SELECT md5(string_agg(r::text, '|' ORDER BY r::text)) FROM {} r"
            return {table: await connection.scalar(text(query.format(table))) or "" for table in TABLES}

        return take

    @pytest.mark.parametrize("names_their_team", [False, True])
    @pytest.mark.parametrize(
        ("kind", "case"), [pytest.param(kind, case, id=f"{kind.__name__}.{name}") for kind, name, case in METHODS]
    )
    async def test_keeps_teams_apart(
        self,
        open_session: OpenSession,
        ours: UUID,
        theirs: Theirs,
        fingerprint: TakeFingerprint,
        kind: type[Any],
        case: str,
        *,
        names_their_team: bool,
    ) -> None:
        before = await fingerprint()
        assert all(before.values())
        result: object = None
        try:
            async with open_session(ours) as session:
                if names_their_team:  # row-level security knows better, and is all that is left
                    session.info["team_id"] = theirs.team_id
                result = await CASES[case](kind(session), theirs)
                said = set(say(result))
        except (TahoeError, StaleDataError, InvalidRequestError) as error:
            said = {str(error)} if not isinstance(error, NotFoundError) else set()
        assert not said & theirs.ids
        assert not any(theirs.mark in one for one in said)
        assert await fingerprint() == before
        if case in COUNTS and not names_their_team:
            counted = result.model_dump() if isinstance(result, BaseModel) else result
            assert isinstance(counted, Mapping)
            assert {one: counted.get(one) for one in COUNTS[case]} == COUNTS[case]

    async def test_would_be_seen_to_fail(self, open_session: OpenSession, theirs: Theirs) -> None:
        """The same look at a session of theirs finds them: what is looked for can be found."""
        async with open_session(theirs.team_id) as session:
            said = set(say(await MemoryListingRepository(session).list_records(MemoryFilter(), ALL)))
            assert said & theirs.ids
            assert any(theirs.mark in one for one in said)


class TestEveryTable:
    """Raw statements without a WHERE, as somebody writes them who forgot."""

    @pytest.mark.parametrize("table", TABLES)
    async def test_shows_its_own_rows_alone(
        self, open_session: OpenSession, ours: UUID, theirs: Theirs, table: str
    ) -> None:
        async with open_session(ours) as session:
            rows = (await session.execute(text(f"SELECT * FROM {table}"))).all()
        assert {row.team_id for row in rows} == {ours}

    @pytest.mark.parametrize("table", [table for table, may in TABLES.items() if "UPDATE" in may])
    async def test_is_changed_where_it_is_ones_own(
        self, open_session: OpenSession, ours: UUID, theirs: Theirs, table: str
    ) -> None:
        async with open_session(ours) as session:
            mine = await session.scalar(select(func.count()).select_from(Base.metadata.tables[table]))
            changed = (await session.execute(text(f"UPDATE {table} SET team_id = team_id RETURNING team_id"))).all()
        assert {row.team_id for row in changed} == {ours}
        assert len(changed) == mine

    @pytest.mark.parametrize(("table", "column", "target"), TARGETS)
    async def test_points_at_no_row_of_theirs(
        self, open_session: OpenSession, ours: UUID, theirs: Theirs, table: str, column: str, target: str
    ) -> None:
        columns = Base.metadata.tables[table].columns
        unique = {
            one.name
            for constraint in Base.metadata.tables[table].constraints
            if isinstance(constraint, UniqueConstraint)
            for one in constraint.columns
        } | {one.name for index in Base.metadata.tables[table].indexes if index.unique for one in index.columns}
        taken = set(fk_columns(table)) | {"team_id"}
        values = {
            one.name: anew(one.name, one.type) if one.name in unique - taken else f'"{one.name}"'
            for one in columns
            if one.name != "id" and one.computed is None
        }
        values[column] = f"'{theirs.rows[target].id}'"
        names = ", ".join(f'"{name}"' for name in values)
        statement = f"INSERT INTO {table} ({names}) SELECT {', '.join(values.values())} FROM {table} LIMIT 1"
        with pytest.raises(InvalidInputError, match="names something that this team does not have"):
            async with open_session(ours) as session:
                await session.execute(text(statement))

    async def test_of_memories_tells_ids_of_teams_and_nothing_else(
        self, open_session: OpenSession, ours: UUID, theirs: Theirs
    ) -> None:
        async with open_session(ours) as session:
            assert {ours, theirs.team_id} <= set(await MemoryRepository(session).list_teams())


def fk_columns(table: str) -> Iterator[str]:
    for constraint in Base.metadata.tables[table].constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            yield from constraint.column_keys


def anew(name: str, kind: object) -> str:
    """Another value of a column that has to be unique."""
    if isinstance(kind, Uuid):
        return "gen_random_uuid()"
    if isinstance(kind, Integer):
        return f'"{name}" + 1000'
    assert isinstance(kind, Text)
    return f"\"{name}\" || ' anew'"

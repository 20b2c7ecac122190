"""Repositories: what all have in common, and the queries of agents, conversations and memories."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import cos, radians, sin
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.page import Cursor, PageRequest
from tahoe_core.errors import ConflictError, InvalidInputError, NotFoundError
from tahoe_engine.db.models import AgentORM, ConversationORM, MessageORM
from tahoe_engine.db.repositories.agent import AgentRepository
from tahoe_engine.db.repositories.conversation import ConversationRepository
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.db.repositories.memory_row import NewMemory
from tahoe_engine.db.repositories.memory_use import MemoryUseRepository
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.models.agent_models import AgentStatus
from tahoe_engine.models.conversation_models import ConversationStatus, MessageRole
from tahoe_engine.models.memory_models import MemoryStatus, MemoryTier, MemoryType, UsedMemory

type MakeRow = Callable[..., NewMemory]


@pytest.fixture
def agents(session: AsyncSession) -> AgentRepository:
    return AgentRepository(session)


@pytest.fixture
def conversations(session: AsyncSession) -> ConversationRepository:
    return ConversationRepository(session)


@pytest.fixture
def memories(session: AsyncSession) -> MemoryRepository:
    return MemoryRepository(session)


def turn(degrees: float) -> list[float]:
    """A vector that stands at an angle, so that cosines are known."""
    return [cos(radians(degrees)), sin(radians(degrees))]


class TestBase:
    async def test_adds_with_the_id_and_times_of_the_database(self, agents: AgentRepository, team_id: UUID) -> None:
        agent = await agents.add(AgentORM(slug="ada", name="Ada"))
        assert agent.team_id == team_id
        assert isinstance(agent.id, UUID)
        assert agent.created_at <= agent.updated_at <= datetime.now(UTC) + timedelta(seconds=5)
        assert (agent.status, agent.version, agent.dna, agent.description) == (AgentStatus.DRAFT, 1, {}, "")

    async def test_gets_what_is_there(self, agents: AgentRepository) -> None:
        agent = await agents.add(AgentORM(slug="ada", name="Ada"))
        assert await agents.get(agent.id) is agent
        assert await agents.find(agent.id) is agent

    async def test_says_what_is_not_there(self, agents: AgentRepository) -> None:
        missing = uuid4()
        assert await agents.find(missing) is None
        with pytest.raises(NotFoundError, match=f"no agent with the id {missing}"):
            await agents.get(missing)

    async def test_changes_what_was_read(self, agents: AgentRepository, session: AsyncSession) -> None:
        agent = await agents.add(AgentORM(slug="ada", name="Ada"))
        before = agent.updated_at
        agent.status = AgentStatus.ACTIVE
        changed = await agents.change(agent)
        assert changed.updated_at > before
        session.expunge_all()
        assert (await agents.get(agent.id)).status is AgentStatus.ACTIVE

    async def test_cuts_pages_newest_first(self, agents: AgentRepository) -> None:
        for number in range(5):
            await agents.add(AgentORM(slug=f"agent-{number}", name="Ada"))
        first = await agents.list_page(PageRequest(2))
        assert [agent.slug for agent in first.items] == ["agent-4", "agent-3"]
        assert first.next_cursor
        second = await agents.list_page(PageRequest.of(2, first.next_cursor))
        third = await agents.list_page(PageRequest.of(2, second.next_cursor))
        assert [agent.slug for agent in (*second.items, *third.items)] == ["agent-2", "agent-1", "agent-0"]
        assert third.next_cursor is None

    async def test_cuts_pages_of_what_fits(self, agents: AgentRepository) -> None:
        for number in range(4):
            await agents.add(AgentORM(slug=f"agent-{number}", name=str(number % 2)))
        page = await agents.list_page(PageRequest(10), AgentORM.name == "1")
        assert [agent.slug for agent in page.items] == ["agent-3", "agent-1"]

    async def test_shows_nothing_beyond_the_last(self, agents: AgentRepository) -> None:
        await agents.add(AgentORM(slug="ada", name="Ada"))
        past = Cursor(datetime(2000, 1, 1, tzinfo=UTC), uuid4())
        page = await agents.list_page(PageRequest(10, past))
        assert (list(page.items), page.next_cursor) == ([], None)


class TestAgents:
    async def test_are_found_by_their_slug(self, agents: AgentRepository) -> None:
        agent = await agents.add(AgentORM(slug="ada", name="Ada"))
        assert await agents.find_by_slug("ada") is agent
        assert await agents.find_by_slug("Ada") is None

    async def test_share_no_slug(self, agents: AgentRepository) -> None:
        await agents.add(AgentORM(slug="ada", name="Ada"))
        with pytest.raises(ConflictError, match="uq_agent_team_id_slug"):
            async with agents.session.begin_nested():
                await agents.add(AgentORM(slug="ada", name="Another"))

    async def test_are_listed_by_their_status(self, agents: AgentRepository) -> None:
        for status in AgentStatus:
            await agents.add(AgentORM(slug=status.value, name="Ada", status=status))
        paused = await agents.list_agents(PageRequest(10), AgentStatus.PAUSED)
        assert [agent.slug for agent in paused.items] == ["paused"]
        assert len((await agents.list_agents(PageRequest(10))).items) == 4
        assert await agents.list_slugs() == ["active", "archived", "draft", "paused"]


class TestConversations:
    async def test_are_found_by_what_the_source_calls_them(self, conversations: ConversationRepository) -> None:
        conversation = await conversations.add(ConversationORM(external_id="call-7"))
        assert await conversations.find_by_external_id("call-7") is conversation
        assert await conversations.find_by_external_id("call-8") is None
        assert (conversation.status, conversation.message_count) == (ConversationStatus.ACTIVE, 0)

    async def test_may_have_no_name_and_share_none(self, conversations: ConversationRepository) -> None:
        for _ in range(2):
            await conversations.add(ConversationORM())
        await conversations.add(ConversationORM(external_id="call-7"))
        with pytest.raises(ConflictError, match="external_id"):
            async with conversations.session.begin_nested():
                await conversations.add(ConversationORM(external_id="call-7"))

    async def test_keep_metadata_under_another_name(self, conversations: ConversationRepository) -> None:
        conversation = await conversations.add(ConversationORM(metadata_json={"a": [1, None, "ü"]}))
        conversations.session.expunge_all()
        assert (await conversations.get(conversation.id)).metadata_json == {"a": [1, None, "ü"]}

    async def test_have_messages_with_all_they_say(
        self, conversations: ConversationRepository, session: AsyncSession
    ) -> None:
        conversation = await conversations.add(ConversationORM())
        messages = MessageRepository(session)
        message = await messages.add(
            MessageORM(
                conversation_id=conversation.id, position=0, role=MessageRole.ASSISTANT, content="",
                tool_calls=[{"id": "1", "name": "look_up"}], input_tokens=10, cached_tokens=4, output_tokens=2,
                latency_ms=1.5, model="m",
            )
        )  # fmt: skip
        session.expunge_all()
        stored = await messages.get(message.id)
        assert (stored.role, stored.tool_calls) == (MessageRole.ASSISTANT, [{"id": "1", "name": "look_up"}])
        assert (stored.latency_ms, stored.is_complete, stored.feedback) == (1.5, True, {})
        assert (await conversations.get(conversation.id)).message_count == 1

    async def test_of_an_agent_that_is_not_there_are_refused(self, conversations: ConversationRepository) -> None:
        with pytest.raises(InvalidInputError, match="does not have"):
            async with conversations.session.begin_nested():
                await conversations.add(ConversationORM(agent_id=uuid4()))


class TestSearchByEmbedding:
    @pytest.fixture
    async def rows(self, memories: MemoryRepository, make_row: MakeRow) -> list[NewMemory]:
        rows = [make_row(f"At {degrees}.", embedding=turn(degrees)) for degrees in (0, 30, 60, 90, 180)]
        rows.append(make_row("Of another model.", embedding=[1, 0, 0], embedding_model="another"))
        rows.append(make_row("Not embedded."))
        await memories.insert(rows, guarded=False)
        return rows

    async def test_finds_the_nearest_first_with_their_cosine(
        self, memories: MemoryRepository, rows: list[NewMemory]
    ) -> None:
        found = await memories.search_by_embedding(turn(20), "test", 3)
        assert [record.content for record, _cosine in found] == ["At 30.", "At 0.", "At 60."]
        expected = [cos(radians(degrees)) for degrees in (10, 20, 40)]
        assert [cosine for _record, cosine in found] == pytest.approx(expected, abs=2e-3)

    async def test_compares_within_one_model(self, memories: MemoryRepository, rows: list[NewMemory]) -> None:
        assert len(await memories.search_by_embedding(turn(0), "test", 100)) == 5
        [(record, _cosine)] = await memories.search_by_embedding([0, 1, 0], "another", 100)
        assert record.content == "Of another model."
        assert await memories.search_by_embedding(turn(0), "unknown") == []

    async def test_leaves_out_what_is_not_live(self, memories: MemoryRepository, rows: list[NewMemory]) -> None:
        await memories.retire([rows[0].id], MemoryStatus.ARCHIVED)
        await memories.retire([rows[1].id], MemoryStatus.SUPERSEDED, uuid4())
        await memories.dispute([rows[2].id], [uuid4()])
        found = await memories.search_by_embedding(turn(0), "test", 2)
        assert [record.content for record, _cosine in found] == ["At 60.", "At 90."]

    async def test_refuses_a_vector_of_another_length(self, memories: MemoryRepository, rows: list[NewMemory]) -> None:
        with pytest.raises(InvalidInputError):
            async with memories.session.begin_nested():
                await memories.search_by_embedding([1, 0, 0], "test")


class TestFindSimilar:
    async def test_finds_what_is_near_enough_nearest_first(self, memories: MemoryRepository, make_row: MakeRow) -> None:
        rows = [make_row(f"At {degrees}.", embedding=turn(degrees)) for degrees in (0, 15, 10, 25, 90)]
        await memories.insert(rows, guarded=False)
        # The cosine of 20 degrees is 0.94.
        assert [record.content for record in await memories.find_similar(rows[0].id)] == ["At 10.", "At 15."]
        assert len(await memories.find_similar(rows[0].id, threshold=0.9)) == 3
        assert [record.content for record in await memories.find_similar(rows[0].id, limit=1)] == ["At 10."]

    async def test_looks_at_the_same_kind_agent_user_and_model(
        self, memories: MemoryRepository, agents: AgentRepository, make_row: MakeRow
    ) -> None:
        agent, user = (await agents.add(AgentORM(slug="ada", name="Ada"))).id, uuid4()
        same = {"agent_id": agent, "user_id": user, "embedding": turn(0)}
        rows = [
            make_row("One.", **same),
            make_row("Two.", **same),
            make_row("Of the team.", **{**same, "agent_id": None}),
            make_row("Of nobody.", **{**same, "user_id": None}),
            make_row("Of another kind.", **same, memory_type=MemoryType.SHARED),
            make_row("Of another model.", **{**same, "embedding_model": "another"}),
            make_row("Of another length.", **{**same, "embedding": [1, 0, 0], "embedding_model": "third"}),
            make_row("Past.", **same, status=MemoryStatus.ARCHIVED),
        ]
        await memories.insert(rows, guarded=False)
        assert [record.content for record in await memories.find_similar(rows[0].id)] == ["Two."]

    async def test_finds_nothing_for_what_is_not_embedded(self, memories: MemoryRepository, make_row: MakeRow) -> None:
        rows = [make_row("Ann prefers tea."), make_row("Ann prefers tea!")]
        await memories.insert(rows, guarded=False)
        assert await memories.find_similar(rows[0].id) == []

    async def test_says_what_is_not_there(self, memories: MemoryRepository) -> None:
        with pytest.raises(NotFoundError, match="no memory"):
            await memories.find_similar(uuid4())


class TestWritingMemories:
    async def test_returns_when_each_was_written_in_order(self, memories: MemoryRepository, make_row: MakeRow) -> None:
        rows = [make_row(f"Fact {number}") for number in range(50)]
        written = await memories.insert(rows, guarded=False)
        assert [written[row.id] for row in rows] == sorted(written.values())

    async def test_guarded_leaves_out_what_is_known(self, memories: MemoryRepository, make_row: MakeRow) -> None:
        known = make_row("Ann prefers tea.", subject="ann.drink", embedding=turn(0))
        await memories.insert([known], guarded=True)
        again = make_row("Ann prefers tea.")
        of_subject = make_row("Ann prefers coffee.", subject="ann.drink")
        near = make_row("Ann likes tea best.", embedding=turn(5))
        new = make_row("Ben runs.", embedding=turn(90))
        rows = [again, of_subject, near, new]
        assert set(await memories.insert(rows, guarded=True, looks_near=True)) == {new.id}
        assert set(await memories.insert([near], guarded=True)) == {near.id}
        assert set(await memories.insert([again, of_subject], guarded=False)) == {again.id, of_subject.id}

    async def test_takes_live_memories_out_of_use_once(self, memories: MemoryRepository, make_row: MakeRow) -> None:
        rows = [make_row(f"Fact {number}") for number in range(3)]
        await memories.insert(rows, guarded=False)
        ids = [row.id for row in rows]
        assert await memories.retire(ids[:1], MemoryStatus.ARCHIVED) == ids[:1]
        assert set(await memories.retire(ids, MemoryStatus.SUPERSEDED, ids[0])) == set(ids[1:])
        assert await memories.retire(ids, MemoryStatus.ARCHIVED) == []
        assert await memories.retire([], MemoryStatus.ARCHIVED) == []
        assert not await memories.set_state(ids[0], tier=MemoryTier.HOT)

    async def test_disputes_with_names_that_can_be_passed_on(
        self, memories: MemoryRepository, make_row: MakeRow
    ) -> None:
        rows = [make_row(f"Fact {number}") for number in range(2)]
        await memories.insert(rows, guarded=False)
        one, other = (row.id for row in rows)
        first, second = uuid4(), uuid4()
        await memories.dispute([one, other], [first])
        await memories.dispute([one], [second], instead_of=first)
        records = {record.id: record for record in await memories.list_records([one, other])}
        assert {record.status for record in records.values()} == {MemoryStatus.DISPUTED}
        assert (records[one].contradicts, records[other].contradicts) == ([second], [first])


class TestAlways:
    async def test_are_identity_and_pinned_identity_first_then_by_importance(
        self, memories: MemoryRepository, agents: AgentRepository, make_row: MakeRow
    ) -> None:
        agent = (await agents.add(AgentORM(slug="ada", name="Ada"))).id
        past = datetime(2020, 1, 1, tzinfo=UTC)
        rows = [
            make_row("Pinned.", is_pinned=True, importance=5),
            make_row("Not pinned."),
            make_row("Pinned and important.", is_pinned=True, importance=9),
            make_row("I am Ada.", memory_type=MemoryType.IDENTITY, agent_id=agent, importance=1),
            make_row("Expired.", is_pinned=True, expires_at=past),
            make_row("Archived.", is_pinned=True, status=MemoryStatus.ARCHIVED),
        ]
        await memories.insert(rows, guarded=False)
        always = await memories.list_always(agent, None)
        assert [record.content for record in always] == ["I am Ada.", "Pinned and important.", "Pinned."]


class TestUses:
    async def test_come_back_in_the_order_in_which_they_stood(
        self, memories: MemoryRepository, session: AsyncSession, make_row: MakeRow
    ) -> None:
        rows = [make_row(f"Fact {number}") for number in range(3)]
        await memories.insert(rows, guarded=False)
        used = [
            UsedMemory(memory_id=row.id, version=1, rank=rank, score=score)
            for row, rank, score in zip(rows, (3, 1, 2), (0.5, None, -1.25), strict=True)
        ]
        uses = MemoryUseRepository(session)
        answer = uuid4()
        await uses.record(answer, None, used)
        await uses.record(uuid4(), None, [])
        assert await uses.list_of_answer(answer) == sorted(used, key=lambda one: one.rank)
        assert await uses.list_of_answer(uuid4()) == []

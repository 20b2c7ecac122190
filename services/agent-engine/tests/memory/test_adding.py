"""What becomes of what is to be remembered."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.embedding.port import Embedder
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.memory_models import (
    MemoryChange,
    MemoryCreate,
    MemoryRecord,
    MemorySearchRequest,
    MemorySource,
    MemoryStatus,
    MemoryTier,
    MemoryType,
)
from tahoe_engine.models.memory_outcomes import AddedMemory, AddOutcome

LATER = datetime(2100, 1, 1, tzinfo=UTC)


class Team(Protocol):
    """As in conftest.py."""

    id: UUID
    memories: Memories
    sessions: async_sessionmaker[AsyncSession]

    async def make_agent(self, slug: str = "ada") -> UUID: ...

    async def make_conversation(self, external_id: str | None = None) -> UUID: ...


async def add(memories: Memories, content: str, **fields: Any) -> AddedMemory:  # noqa: ANN401 - of MemoryCreate
    return await memories.add(MemoryCreate.model_validate({"content": content, **fields}))


async def list_live(memories: Memories) -> list[MemoryRecord]:
    """Returns what counts, oldest first."""
    live = {MemoryStatus.ACTIVE, MemoryStatus.DISPUTED}
    return [record async for record in memories.export() if record.status in live][::-1]


async def list_events(memories: Memories, memory_id: UUID) -> list[tuple[str, str | None]]:
    return [(event.event, event.reason) for event in (await memories.get_history(memory_id)).events]


class TestSomethingNew:
    async def test_comes_back_as_it_was_given(self, team: Team, memories: Memories) -> None:
        agent_id, conversation_id = await team.make_agent(), await team.make_conversation()
        given = MemoryCreate(
            content="  Ann prefers tea.  ",
            memory_type=MemoryType.EPISODIC,
            agent_id=agent_id,
            user_id=uuid4(),
            subject="ann.drink",
            author="Ann",
            occurred_at=datetime(2023, 5, 8, 13, 56, tzinfo=UTC),
            importance=8,
            confidence=0.1 + 0.2,
            is_pinned=True,
            source=MemorySource.EXTRACTION,
            source_conversation_id=conversation_id,
            source_message_ids=[uuid4(), uuid4()],
            position=3,
            extraction_model="rules@1",
            related_to=[uuid4()],
            tags=["taste", "drink", "taste"],
            metadata={"nested": {"list": [1, "two", None, 3.5]}, "long": 12345678901234567890},
            expires_at=LATER,
        )
        added = await memories.add(given)
        assert (added.outcome, added.others) == (AddOutcome.CREATED, [])
        record = added.memory
        kept = record.model_dump(include=set(MemoryCreate.model_fields))
        expected = given.model_dump() | {"tags": ["drink", "taste"], "embedding_model": "hashed"}
        del expected["embedding"]
        assert kept == expected
        assert record.content == "Ann prefers tea."
        assert (record.version, record.root_id, record.status) == (1, record.id, MemoryStatus.ACTIVE)
        assert (record.tier, record.access_count, record.last_accessed_at) == (MemoryTier.WARM, 0, None)
        assert (record.is_embedded, record.superseded_by, record.contradicts, record.erased_at) == (
            True,
            None,
            [],
            None,
        )
        assert await memories.get(record.id) == record

    async def test_is_logged_with_who_did_it(self, memories: Memories) -> None:
        added = await add(memories, "Ann prefers tea.")
        [event] = (await memories.get_history(added.memory.id)).events
        assert (event.event, event.actor, event.reason, event.version) == ("created", "tester", None, 1)

    @pytest.mark.parametrize(
        "content", ["茶が好きです。", "שלום", "🍵", "a\u0301", "%s {} ' \" \\ ; --", "\\u0000", "x" * 32_000, "… ! ?"]
    )
    async def test_may_be_written_in_any_way(self, memories: Memories, content: str) -> None:
        added = await add(memories, content)
        assert added.memory.content == content

    async def test_may_come_with_its_vector(self, memories: Memories) -> None:
        added = await add(memories, "Ann prefers tea.", embedding=[3.0] * 32, embedding_model="hashed")
        assert added.memory.is_embedded

    async def test_with_a_vector_that_nobody_asks_for_gets_another(self, memories: Memories) -> None:
        for dimensions in (3, 4):
            added = await add(memories, f"Fact {dimensions}", embedding=[1.0] * dimensions, embedding_model="unknown")
            assert added.memory.embedding_model == "hashed"
        assert len(await memories.search(MemorySearchRequest(query="fact"))) == 2

    async def test_of_another_scope_is_new_there(self, team: Team, memories: Memories) -> None:
        ada, ben, user = await team.make_agent("ada"), await team.make_agent("ben"), uuid4()
        scopes: list[dict[str, Any]] = [{}, {"agent_id": ada}, {"agent_id": ben}, {"user_id": user}]
        scopes += [{"agent_id": ada, "user_id": user}]
        for scope in scopes:
            added = await add(memories, "Ann prefers tea.", subject="ann.drink", **scope)
            assert added.outcome is AddOutcome.CREATED
        assert len(await list_live(memories)) == len(scopes)

    async def test_of_another_type_does_not_take_the_place_of_what_others_see(
        self, team: Team, memories: Memories
    ) -> None:
        ada = await team.make_agent()
        shared = await add(memories, "Ann prefers tea.", agent_id=ada, memory_type=MemoryType.SHARED)
        private = await add(memories, "Ann prefers tea.", agent_id=ada, memory_type=MemoryType.AGENT_PRIVATE)
        assert private.outcome is AddOutcome.CREATED
        assert (await memories.get(shared.memory.id)).status is MemoryStatus.ACTIVE


class TestTheSameAgain:
    async def test_becomes_the_next_version(self, memories: Memories) -> None:
        first = (await add(memories, "Ann prefers tea.")).memory
        again = await add(memories, "Ann prefers tea.")
        assert (again.outcome, again.others) == (AddOutcome.MERGED, [first.id])
        assert (again.memory.version, again.memory.root_id) == (2, first.id)
        old = await memories.get(first.id)
        assert (old.status, old.superseded_by) == (MemoryStatus.SUPERSEDED, again.memory.id)
        assert await list_live(memories) == [again.memory]

    async def test_is_logged_with_the_reason(self, memories: Memories) -> None:
        first = (await add(memories, "Ann prefers tea.")).memory
        await add(memories, "Ann prefers tea.")
        why = "the same was said again"
        assert await list_events(memories, first.id) == [("created", None), ("superseded", why), ("created", why)]

    async def test_keeps_the_best_of_both(self, memories: Memories) -> None:
        one, other = uuid4(), uuid4()
        await add(
            memories, "Ann prefers tea.", importance=9, confidence=0.4, is_pinned=True, subject="ann.drink",
            source_message_ids=[one], related_to=[one], tags=["b"], metadata={"a": 1}, expires_at=LATER,
        )  # fmt: skip
        merged = (
            await add(
                memories, "Ann prefers tea.", importance=2, confidence=0.8, source_message_ids=[other, one],
                related_to=[other], tags=["a"], expires_at=LATER + timedelta(days=1),
            )
        ).memory  # fmt: skip
        assert (merged.importance, merged.confidence, merged.is_pinned) == (9, 0.8, True)
        assert (merged.source_message_ids, merged.related_to) == ([one, other], [one, other])
        assert (merged.subject, merged.tags, merged.metadata) == ("ann.drink", ["a", "b"], {"a": 1})
        assert merged.expires_at == LATER + timedelta(days=1)

    @pytest.mark.parametrize(("first", "second"), [(LATER, None), (None, LATER)])
    async def test_holds_for_ever_if_one_does(
        self, memories: Memories, first: datetime | None, second: datetime | None
    ) -> None:
        await add(memories, "Ann prefers tea.", expires_at=first)
        assert (await add(memories, "Ann prefers tea.", expires_at=second)).memory.expires_at is None

    async def test_in_nearly_the_same_words_is_the_same(self, memories: Memories) -> None:
        first = (await add(memories, "Ann prefers tea (said at noon)")).memory
        again = await add(memories, "Ann prefers tea (said with a smile)")
        assert (again.outcome, again.others) == (AddOutcome.MERGED, [first.id])
        assert again.memory.content == "Ann prefers tea (said with a smile)"

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Ann is (30)", "Ann is (31)"),
            ("The code is (A7)", "The code is (A8)"),
            ("Ann drinks (tea)", "Ann drinks (no tea)"),
            ("Ann drinks (tea)", "Ann drinks (tea; she never stopped)"),
            ("Ann does (like tea)", "Ann does (n't she doesn't like tea)"),
        ],
    )
    async def test_is_not_what_differs_in_a_number_or_a_negation(
        self, memories: Memories, one: str, other: str
    ) -> None:
        await add(memories, one)
        assert (await add(memories, other)).outcome is AddOutcome.CREATED
        assert [record.content for record in await list_live(memories)] == [one, other]

    async def test_is_found_among_many_that_are_near_and_not_the_same(self, memories: Memories) -> None:
        for number in range(8):
            await add(memories, f"The code of the door is (number {number})")
        again = await add(memories, "The code of the door is (what? number 7)")
        assert again.outcome is AddOutcome.MERGED

    async def test_of_another_subject_is_another_statement(self, memories: Memories) -> None:
        for subject in ("ann.drink", "ben.drink"):
            assert (await add(memories, "Tea.", subject=subject)).outcome is AddOutcome.CREATED
        again = await add(memories, "Tea.", subject="ben.drink")
        assert (again.outcome, again.memory.subject) == (AddOutcome.MERGED, "ben.drink")
        assert [record.subject for record in await list_live(memories)] == ["ann.drink", "ben.drink"]

    async def test_of_a_subject_that_another_memory_speaks_of_settles_the_subject(self, memories: Memories) -> None:
        await add(memories, "Ann prefers tea.")
        coffee = await add(memories, "Ann prefers coffee.", subject="ann.drink")
        tea = await add(memories, "Ann prefers tea.", subject="ann.drink")
        assert tea.outcome is AddOutcome.SUPERSEDED
        assert coffee.memory.id in tea.others
        assert [record.content for record in await list_live(memories)] == ["Ann prefers tea."]

    async def test_may_be_said_a_thousand_times_and_still_be_changed(self, memories: Memories) -> None:
        first = await add(memories, "Ann prefers tea.", source_message_ids=[uuid4() for _ in range(1000)])
        newest = uuid4()
        merged = await add(memories, "Ann prefers tea.", source_message_ids=[newest])
        assert len((await memories.get(first.memory.id)).source_message_ids) == 1000
        assert merged.memory.source_message_ids[-1] == newest
        again = await add(memories, "Ann prefers tea.", tags=[f"tag {number}" for number in range(50)])
        again = await add(memories, "Ann prefers tea.", tags=["one more"])
        assert len(again.memory.tags) == 51
        await memories.supersede(again.memory.id, MemoryChange(content="Ann prefers coffee."))

    async def test_does_not_lose_a_pin_set_meanwhile(self, memories: Memories) -> None:
        first = (await add(memories, "Ann prefers tea.")).memory
        await memories.pin(first.id)
        assert (await add(memories, "Ann prefers tea.")).memory.is_pinned


class TestTheSamePlaceOfAConversation:
    async def test_is_known(self, team: Team, memories: Memories) -> None:
        place = {"source_conversation_id": await team.make_conversation(), "position": 0}
        first = (await add(memories, "Good morning!", **place)).memory
        again = await add(memories, "Good morning!", **place)
        assert (again.outcome, again.memory.id) == (AddOutcome.KNOWN, first.id)
        assert await list_events(memories, first.id) == [("created", None)]

    async def test_and_another_place_are_two_memories(self, team: Team, memories: Memories) -> None:
        conversation_id = await team.make_conversation()
        for position in range(3):
            added = await add(memories, "Good morning!", source_conversation_id=conversation_id, position=position)
            assert added.outcome is AddOutcome.CREATED

    async def test_of_another_conversation_is_another_memory(self, team: Team, memories: Memories) -> None:
        for _ in range(2):
            conversation_id = await team.make_conversation()
            added = await add(memories, "Good morning!", source_conversation_id=conversation_id, position=0)
            assert added.outcome is AddOutcome.CREATED

    async def test_settles_no_subject(self, team: Team, memories: Memories) -> None:
        conversation_id = await team.make_conversation()
        for position, content in enumerate(["I drink tea.", "I drink coffee."]):
            added = await add(
                memories, content, source_conversation_id=conversation_id, position=position, subject="ann.drink"
            )
            assert added.outcome is AddOutcome.CREATED


class TestTheSameSubject:
    @pytest.mark.parametrize("source", [MemorySource.EXPLICIT, MemorySource.FEEDBACK])
    async def test_stated_explicitly_supersedes(self, memories: Memories, source: MemorySource) -> None:
        tea = (await add(memories, "Ann prefers tea.", subject="ann.drink")).memory
        coffee = await add(memories, "Ann prefers coffee.", subject="ann.drink", source=source)
        assert (coffee.outcome, coffee.others) == (AddOutcome.SUPERSEDED, [tea.id])
        assert (coffee.memory.version, coffee.memory.root_id) == (2, tea.id)
        old = await memories.get(tea.id)
        assert (old.status, old.superseded_by) == (MemoryStatus.SUPERSEDED, coffee.memory.id)
        why = "a later statement about the same subject"
        assert await list_events(memories, tea.id) == [("created", None), ("superseded", why), ("created", why)]

    @pytest.mark.parametrize("source", [MemorySource.EXTRACTION, MemorySource.SYSTEM, MemorySource.COMPACTION])
    async def test_of_unclear_standing_is_disputed_on_both_sides(
        self, memories: Memories, source: MemorySource
    ) -> None:
        tea = (await add(memories, "Ann prefers tea.", subject="ann.drink")).memory
        coffee = await add(memories, "Ann prefers coffee.", subject="ann.drink", source=source)
        assert (coffee.outcome, coffee.others) == (AddOutcome.DISPUTED, [tea.id])
        tea = await memories.get(tea.id)
        assert (tea.status, tea.contradicts) == (MemoryStatus.DISPUTED, [coffee.memory.id])
        assert (coffee.memory.status, coffee.memory.contradicts) == (MemoryStatus.DISPUTED, [tea.id])
        assert (await list_events(memories, tea.id))[-1][0] == "disputed"

    async def test_disputed_by_three_names_all_others(self, memories: Memories) -> None:
        added = [
            await add(memories, f"Ann prefers {what}.", subject="ann.drink", source=MemorySource.EXTRACTION)
            for what in ("tea", "coffee", "water")
        ]
        ids = {one.memory.id for one in added}
        for memory_id in ids:
            assert set((await memories.get(memory_id)).contradicts) == ids - {memory_id}

    async def test_disputed_is_settled_by_an_explicit_statement(self, memories: Memories) -> None:
        for what in ("tea", "coffee"):
            await add(memories, f"Ann prefers {what}.", subject="ann.drink", source=MemorySource.EXTRACTION)
        water = await add(memories, "Ann prefers water.", subject="ann.drink")
        assert (water.outcome, len(water.others)) == (AddOutcome.SUPERSEDED, 2)
        assert [record.content for record in await list_live(memories)] == ["Ann prefers water."]
        assert water.memory.contradicts == []

    async def test_disputed_is_settled_by_saying_one_side_again_explicitly(self, memories: Memories) -> None:
        for what in ("tea", "coffee"):
            await add(memories, f"Ann prefers {what}.", subject="ann.drink", source=MemorySource.EXTRACTION)
        tea = await add(memories, "Ann prefers tea.", subject="ann.drink")
        assert (tea.memory.status, tea.memory.contradicts) == (MemoryStatus.ACTIVE, [])
        assert [record.content for record in await list_live(memories)] == ["Ann prefers tea."]

    async def test_disputed_stays_so_when_one_side_is_heard_again(self, memories: Memories) -> None:
        fields = {"subject": "ann.drink", "source": MemorySource.EXTRACTION}
        for what in ("tea", "coffee", "tea"):
            added = await add(memories, f"Ann prefers {what}.", **fields)
        live = await list_live(memories)
        assert {record.content for record in live} == {"Ann prefers tea.", "Ann prefers coffee."}
        assert all(record.status is MemoryStatus.DISPUTED for record in live)
        coffee = next(record for record in live if record.id != added.memory.id)
        await memories.resolve(coffee.id)
        assert [record.content for record in await list_live(memories)] == ["Ann prefers coffee."]

    async def test_is_not_disputed_by_what_has_expired(self, memories: Memories) -> None:
        await add(memories, "Ann prefers tea.", subject="ann.drink", expires_at=datetime(2020, 1, 1, tzinfo=UTC))
        coffee = await add(memories, "Ann prefers coffee.", subject="ann.drink", source=MemorySource.EXTRACTION)
        assert (coffee.outcome, coffee.memory.status) == (AddOutcome.CREATED, MemoryStatus.ACTIVE)

    async def test_of_an_agents_own_notes_takes_nothing_from_the_team(self, team: Team, memories: Memories) -> None:
        ada = await team.make_agent()
        shared = await add(
            memories, "Ann prefers tea.", agent_id=ada, memory_type=MemoryType.SHARED, subject="ann.drink"
        )
        await add(memories, "I think coffee.", agent_id=ada, memory_type=MemoryType.AGENT_PRIVATE, subject="ann.drink")
        assert (await memories.get(shared.memory.id)).status is MemoryStatus.ACTIVE


class TestMany:
    async def test_go_where_each_belongs_in_the_order_of_the_input(self, team: Team, memories: Memories) -> None:
        conversation_id = await team.make_conversation()
        at_place = {"source_conversation_id": conversation_id, "position": 0}
        known = await add(memories, "Good morning!", **at_place)
        extracted = {"source": MemorySource.EXTRACTION}
        given: list[dict[str, Any]] = [
            {"content": "Ann prefers tea.", "subject": "ann.drink"},
            {"content": "Good morning!", **at_place},
            {"content": "Ben runs.", "tags": ["sport"]},
            {"content": "Ann prefers coffee.", "subject": "ann.drink"},
            {"content": "Ben runs.", "tags": ["daily"]},
            {"content": "Ann prefers water.", "subject": "ann.drink", **extracted},
            {"content": "Eve swims."},
        ]
        done = await memories.add_many([MemoryCreate.model_validate(one) for one in given])
        assert done.outcomes == ["created", "known", "created", "superseded", "merged", "disputed", "created"]
        assert done.ids[1] == known.memory.id
        records = [await memories.get(memory_id) for memory_id in done.ids]
        assert [record.content for record in records] == [one["content"] for one in given]
        assert records[4].tags == ["daily", "sport"]
        assert records[3].status == records[5].status == MemoryStatus.DISPUTED

    async def test_say_each_why(self, team: Team, memories: Memories) -> None:
        given = [
            MemoryCreate(content="Tea."),
            MemoryCreate(content="Tea."),
            MemoryCreate(content="Ann is (30)", subject="ann.age", expires_at=datetime(2020, 1, 1, tzinfo=UTC)),
            MemoryCreate(content="Ann is 31", subject="ann.age"),
        ]
        done = await memories.add_many(given)
        assert done.outcomes == ["created", "merged", "created", "created"]
        assert await list_events(memories, done.ids[3]) == [("created", None)]

    async def test_that_are_none_are_nothing(self, memories: Memories) -> None:
        assert (await memories.add_many([])).ids == []

    async def test_keep_their_order(self, memories: Memories) -> None:
        await memories.add_many([MemoryCreate(content=f"Fact {number:04}") for number in range(1200)])
        contents = [record.content async for record in memories.export()]
        assert contents == [f"Fact {number:04}" for number in reversed(range(1200))]

    async def test_of_one_content_become_one(self, memories: Memories) -> None:
        done = await memories.add_many([MemoryCreate(content="Ann prefers tea.")] * 20)
        assert done.outcomes == ["created"] + ["merged"] * 19
        [record] = await list_live(memories)
        assert (record.id, record.version) == (done.ids[-1], 20)

    async def test_sent_again_are_stored_once(self, team: Team, memories: Memories) -> None:
        conversation_id = await team.make_conversation()
        said = [
            MemoryCreate(content=f"Turn {number}", source_conversation_id=conversation_id, position=number)
            for number in range(600)
        ]
        first = await memories.add_many(said)
        again = await memories.add_many(said)
        assert again.ids == first.ids
        assert set(again.outcomes) == {AddOutcome.KNOWN}

    async def test_may_have_vectors_of_several_lengths(
        self, team: Team, hashed: Embedder, make_embedder: Callable[[str, int], Embedder]
    ) -> None:
        retiring = [make_embedder("three", 3), make_embedder("five", 5)]
        memories = Memories(team.sessions, team.id, MemoryEmbedding(hashed, hashed, retiring))
        given = [
            MemoryCreate(content="One.", embedding=[1, 2, 2], embedding_model="three"),
            MemoryCreate(content="Two."),
            MemoryCreate(content="Three.", embedding=[0, 3, 4, 0, 0], embedding_model="five"),
            MemoryCreate(content="Four.", embedding=[4, 0, 3], embedding_model="three"),
        ]
        done = await memories.add_many(given)
        vectors = [await self.find_vector(team, memory_id) for memory_id in done.ids]
        assert vectors[0] == pytest.approx([1 / 3, 2 / 3, 2 / 3], abs=1e-3)
        assert vectors[1] == pytest.approx(hashed.embed(["Two."])[0].tolist(), abs=1e-3)
        assert vectors[2] == pytest.approx([0, 0.6, 0.8, 0, 0], abs=1e-3)
        assert vectors[3] == pytest.approx([0.8, 0, 0.6], abs=1e-3)

    async def find_vector(self, team: Team, memory_id: UUID) -> list[float] | None:
        async with team_session(team.sessions, team.id) as session:
            return await MemoryRepository(session).find_vector(memory_id)

    async def test_ten_thousand_are_stored_with_their_log(self, team: Team, memories: Memories) -> None:
        given = [
            MemoryCreate(content=f"Fact number {number}", tags=["bulk"] if number % 100 == 0 else [])
            for number in range(10_000)
        ]
        done = await memories.add_many(given)
        assert len(set(done.ids)) == 10_000
        async with team_session(team.sessions, team.id) as session:
            counts = await session.execute(
                text(
                    "SELECT (SELECT count(*) FROM memory WHERE embedding IS NOT NULL AND lexemes IS NOT NULL),"
                    " (SELECT count(*) FROM memory_log WHERE event = 'created'), (SELECT count(*) FROM memory_tag)"
                )
            )
            assert tuple(counts.one()) == (10_000, 10_000, 100)

"""How what is remembered changes: on record, and never twice at once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_core.errors import ConflictError, InvalidInputError, NotFoundError
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.memory_models import (
    MemoryChange,
    MemoryCreate,
    MemoryRecord,
    MemorySource,
    MemoryStatus,
    MemoryTier,
)

COFFEE = MemoryChange(content="Ann prefers coffee.")


class Team(Protocol):
    """As in conftest.py."""

    id: UUID
    memories: Memories
    sessions: async_sessionmaker[AsyncSession]

    async def add(self, content: str, **fields: Any) -> UUID: ...  # noqa: ANN401 - fields of MemoryCreate

    async def make_agent(self, slug: str = "ada") -> UUID: ...

    async def make_conversation(self, external_id: str | None = None) -> UUID: ...


@pytest.fixture
async def tea(team: Team) -> UUID:
    return await team.add("Ann prefers tea.")


@pytest.fixture
async def disputed(team: Team) -> list[UUID]:
    """Three that contradict each other."""
    said = {"subject": "ann.drink", "source": MemorySource.EXTRACTION}
    return [await team.add(f"Ann prefers {what}.", **said) for what in ("tea", "coffee", "water")]


async def list_events(memories: Memories, memory_id: UUID) -> list[tuple[str, UUID | None, str | None]]:
    events = (await memories.get_history(memory_id)).events
    return [(event.event, event.memory_id, event.reason) for event in events]


class TestSuperseding:
    async def test_puts_a_new_version_in_the_place_of_the_old(self, memories: Memories, tea: UUID) -> None:
        coffee = await memories.supersede(tea, COFFEE, "she said so")
        assert (coffee.content, coffee.version, coffee.root_id) == ("Ann prefers coffee.", 2, tea)
        assert coffee.status is MemoryStatus.ACTIVE
        assert coffee.is_embedded
        old = await memories.get(tea)
        assert (old.content, old.status, old.superseded_by) == ("Ann prefers tea.", MemoryStatus.SUPERSEDED, coffee.id)
        assert await list_events(memories, tea) == [
            ("created", tea, None),
            ("superseded", tea, "she said so"),
            ("created", coffee.id, "she said so"),
        ]

    async def test_keeps_what_is_not_changed(self, team: Team, memories: Memories) -> None:
        given = MemoryCreate(
            content="Ann prefers tea.", agent_id=await team.make_agent(), user_id=uuid4(), subject="ann.drink",
            author="Ann", occurred_at=datetime(2023, 5, 8, tzinfo=UTC), importance=8, confidence=0.25, is_pinned=True,
            source=MemorySource.EXTRACTION, source_conversation_id=await team.make_conversation(),
            source_message_ids=[uuid4()], position=4, extraction_model="rules@1", related_to=[uuid4()], tags=["taste"],
            metadata={"a": [1]}, expires_at=datetime(2100, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        old = (await memories.add(given)).memory
        new = await memories.supersede(old.id, COFFEE)
        differ = {name for name in MemoryRecord.model_fields if getattr(old, name) != getattr(new, name)}
        assert differ == {"id", "version", "content", "created_at", "updated_at"}

    async def test_changes_what_is_given(self, memories: Memories, tea: UUID) -> None:
        change = MemoryChange(
            content="Ann prefers coffee.", importance=1, confidence=0.5, metadata={"b": 2},
            occurred_at=datetime(2024, 1, 1, tzinfo=UTC), expires_at=datetime(2100, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        new = await memories.supersede(tea, change)
        assert new.model_dump(include=set(MemoryChange.model_fields)) == change.model_dump()

    async def test_of_a_past_version_names_the_winner(self, memories: Memories, tea: UUID) -> None:
        winner = await memories.supersede(tea, COFFEE)
        with pytest.raises(ConflictError, match=f"superseded by {winner.id}") as caught:
            await memories.supersede(tea, COFFEE)
        assert str(winner.id) in caught.value.cure
        assert [version.id for version in (await memories.get_history(tea)).versions] == [tea, winner.id]

    async def test_by_two_at_once_is_won_by_one(self, memories: Memories, tea: UUID) -> None:
        changes = [MemoryChange(content=f"Ann prefers drink {number}.") for number in range(6)]
        done = await asyncio.gather(*(memories.supersede(tea, one) for one in changes), return_exceptions=True)
        [winner] = [one for one in done if isinstance(one, MemoryRecord)]
        losers = [one for one in done if isinstance(one, ConflictError)]
        assert len(losers) == 5
        assert all(str(winner.id) in loser.message for loser in losers)
        assert [version.id for version in (await memories.get_history(tea)).versions] == [tea, winner.id]

    async def test_does_not_lose_what_was_set_meanwhile(
        self, team: Team, memories: Memories, tea: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        prepare = memories._prepare

        async def pin_first(given: Any) -> Any:  # noqa: ANN401 - as it is
            await memories.pin(tea)
            await memories.tag(tea, ["taste"])
            return await prepare(given)

        monkeypatch.setattr(memories, "_prepare", pin_first)
        new = await memories.supersede(tea, COFFEE)
        assert (new.is_pinned, new.tags) == (True, ["taste"])

    async def test_of_an_archived_one_is_refused(self, team: Team, memories: Memories, tea: UUID) -> None:
        async with team_session(team.sessions, team.id) as session:
            await MemoryRepository(session).retire([tea], MemoryStatus.ARCHIVED)
        with pytest.raises(ConflictError, match="archived"):
            await memories.supersede(tea, COFFEE)

    async def test_of_a_disputed_one_decides_nothing(self, memories: Memories, disputed: list[UUID]) -> None:
        tea, coffee, water = disputed
        new = await memories.supersede(tea, MemoryChange(content="Ann prefers green tea."))
        assert (new.status, set(new.contradicts)) == (MemoryStatus.DISPUTED, {coffee, water})
        for other, third in ((coffee, water), (water, coffee)):
            record = await memories.get(other)
            assert (record.status, set(record.contradicts)) == (MemoryStatus.DISPUTED, {new.id, third})


class TestPinning:
    async def test_and_unpinning_are_logged(self, memories: Memories, tea: UUID) -> None:
        assert (await memories.pin(tea, reason="always")).is_pinned
        assert not (await memories.pin(tea, pinned=False)).is_pinned
        assert await list_events(memories, tea) == [
            ("created", tea, None),
            ("pinned", tea, "always"),
            ("unpinned", tea, "asked for"),
        ]

    async def test_twice_happens_once(self, memories: Memories, tea: UUID) -> None:
        await memories.pin(tea)
        await memories.pin(tea)
        assert len(await list_events(memories, tea)) == 2

    async def test_of_what_is_past_names_what_stands_there(self, memories: Memories, tea: UUID) -> None:
        new = await memories.supersede(tea, COFFEE)
        with pytest.raises(ConflictError, match=str(new.id)):
            await memories.pin(tea)


class TestTagging:
    async def test_gives_these_tags_and_no_others(self, memories: Memories, tea: UUID) -> None:
        assert (await memories.tag(tea, ["b", "a", "b"])).tags == ["a", "b"]
        assert (await memories.tag(tea, ["b", "c"])).tags == ["b", "c"]
        assert (await memories.tag(tea, [])).tags == []
        assert (await memories.tag(tea, ["a"])).tags == ["a"]

    @pytest.mark.parametrize("tags", [[""], ["x" * 65], ["a\0"], [" a"], ["a\nb"], [f"{n}" for n in range(51)]])
    async def test_refuses_what_is_no_tag(self, memories: Memories, tea: UUID, tags: list[str]) -> None:
        with pytest.raises(InvalidInputError) as caught:
            await memories.tag(tea, tags)
        assert (caught.value.field or "").startswith("tags")
        assert (await memories.get(tea)).tags == []


class TestResolving:
    async def test_lets_one_hold_and_supersedes_the_others(self, memories: Memories, disputed: list[UUID]) -> None:
        tea, coffee, water = disputed
        winner = await memories.resolve(coffee, "asked her")
        assert (winner.status, winner.contradicts) == (MemoryStatus.ACTIVE, [])
        for loser in (tea, water):
            record = await memories.get(loser)
            assert (record.status, record.superseded_by) == (MemoryStatus.SUPERSEDED, coffee)
            assert (await list_events(memories, loser))[-1] == ("superseded", loser, "asked her")
        assert (await list_events(memories, coffee))[-1] == ("resolved", coffee, "asked her")

    async def test_of_what_is_not_disputed_is_refused(self, memories: Memories, tea: UUID) -> None:
        with pytest.raises(ConflictError, match="active, not disputed"):
            await memories.resolve(tea)

    async def test_happens_once(self, memories: Memories, disputed: list[UUID]) -> None:
        done = await asyncio.gather(*(memories.resolve(one) for one in disputed), return_exceptions=True)
        assert sum(isinstance(one, MemoryRecord) for one in done) == 1
        assert sum(isinstance(one, ConflictError) for one in done) == 2

    async def test_reaches_later_versions_of_the_losers(self, memories: Memories, disputed: list[UUID]) -> None:
        tea, coffee, _water = disputed
        green = await memories.supersede(tea, MemoryChange(content="Ann prefers green tea."))
        await memories.resolve(coffee)
        assert (await memories.get(green.id)).status is MemoryStatus.SUPERSEDED


CALLS: dict[str, Callable[[Memories, UUID], Awaitable[object]]] = {
    "get": lambda memories, one: memories.get(one),
    "get_at": lambda memories, one: memories.get_at(one, datetime.now(UTC)),
    "get_history": lambda memories, one: memories.get_history(one),
    "supersede": lambda memories, one: memories.supersede(one, COFFEE),
    "pin": lambda memories, one: memories.pin(one),
    "tag": lambda memories, one: memories.tag(one, ["a"]),
    "resolve": lambda memories, one: memories.resolve(one),
    "erase": lambda memories, one: memories.erase(one, "asked for"),
}


class TestWhatIsNotThere:
    """What another team has and what nobody has are told apart by nothing."""

    @pytest.mark.parametrize("call", CALLS)
    async def test_is_not_found(
        self, memories: Memories, tea: UUID, make_team: Callable[[UUID], Team], call: str
    ) -> None:
        stranger = make_team(uuid4()).memories
        nobodys = uuid4()
        said = []
        for one in (tea, nobodys):
            with pytest.raises(NotFoundError) as caught:
                await CALLS[call](stranger, one)
            said.append(str(caught.value).replace(str(one), "…"))
        assert said[0] == said[1]
        assert (await memories.get(tea)).status is MemoryStatus.ACTIVE

    @pytest.mark.parametrize("field", ["agent_id", "source_conversation_id"])
    async def test_cannot_be_named_by_a_memory(self, team: Team, make_team: Callable[[UUID], Team], field: str) -> None:
        stranger = make_team(uuid4())
        theirs = await (team.make_agent() if field == "agent_id" else team.make_conversation())
        said = []
        for one in (theirs, uuid4()):
            with pytest.raises(NotFoundError) as caught:
                await stranger.add("Ann prefers tea.", **{field: one})
            said.append((str(caught.value).replace(str(one), "…"), caught.value.field))
            with pytest.raises(NotFoundError):
                await stranger.memories.add_many([MemoryCreate.model_validate({"content": "Tea.", field: one})])
        assert said[0] == said[1]
        assert said[0][1] == field
        assert [record async for record in stranger.memories.export()] == []


class TestState:
    async def test_of_tiers_and_scores_changes_in_place(self, team: Team, memories: Memories, tea: UUID) -> None:
        async with team_session(team.sessions, team.id, "rule") as session:
            assert await MemoryRepository(session).set_state(tea, tier=MemoryTier.HOT, importance=9)
        record = await memories.get(tea)
        assert (record.tier, record.importance, record.version) == (MemoryTier.HOT, 9, 1)
        assert [event for event, *_ in await list_events(memories, tea)] == ["created", "promoted", "updated"]

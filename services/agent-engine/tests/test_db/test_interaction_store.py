import asyncio
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.page import PageRequest
from tahoe_core.db.session import team_session
from tahoe_core.errors import InvalidInputError, NotFoundError, PayloadTooLargeError
from tahoe_engine.db.models import InteractionORM
from tahoe_engine.interactions import store as store_module
from tahoe_engine.interactions.store import InteractionStore, content_hash, prepare
from tahoe_engine.models.interaction import Interaction, InteractionType
from tahoe_engine.models.stored import InteractionFilter, SavedInteraction

MakeInteraction = Callable[..., Interaction]


@pytest.fixture
def store(session: AsyncSession) -> InteractionStore:
    return InteractionStore(session)


async def save(store: InteractionStore, *interactions: Interaction) -> list[SavedInteraction]:
    return await store.save([prepare(interaction) for interaction in interactions])


class TestSaving:
    async def test_what_comes_back_is_what_went_in(
        self, store: InteractionStore, make_interaction: MakeInteraction
    ) -> None:
        interaction = make_interaction(
            "héllo 👋🏽",
            "line\nbreak \\u0000",
            external_id="c-1",
            type="call",
            language="en-GB",
            occurred_at=datetime(2026, 3, 1, 23, 30, tzinfo=timezone(timedelta(hours=-5))),
            time_zone="America/New_York",
            participants=[{"name": "Ann", "role": "customer", "time_zone": "America/Denver"}],
            metadata={"big": 10**30, "nested": {"list": [1, 2.5, None, True, "x"]}},
        )
        [saved] = await save(store, interaction)
        stored = await store.get(saved.id)
        assert stored.interaction == interaction
        assert stored.content_hash == content_hash(interaction)
        assert stored.version == saved.version == 1

    async def test_the_same_content_under_the_same_id_is_one_row(
        self, store: InteractionStore, make_interaction: MakeInteraction
    ) -> None:
        interaction = make_interaction(external_id="c-1")
        [first] = await save(store, interaction)
        [second] = await save(store, interaction)
        assert first.created
        assert second == first.model_copy(update={"created": False})

    async def test_other_content_under_the_same_id_is_its_next_version(
        self, store: InteractionStore, make_interaction: MakeInteraction
    ) -> None:
        versions = [(await save(store, make_interaction(text, external_id="c-1")))[0] for text in "abc"]
        assert [saved.version for saved in versions] == [1, 2, 3]
        assert len({saved.id for saved in versions}) == 3

    async def test_old_content_that_comes_again_is_the_old_version(
        self, store: InteractionStore, make_interaction: MakeInteraction
    ) -> None:
        [first] = await save(store, make_interaction("a", external_id="c-1"))
        await save(store, make_interaction("b", external_id="c-1"))
        [again] = await save(store, make_interaction("a", external_id="c-1"))
        assert (again.id, again.version, again.created) == (first.id, 1, False)

    async def test_without_an_id_the_content_stands_for_it(
        self, store: InteractionStore, make_interaction: MakeInteraction
    ) -> None:
        [first, other] = await save(store, make_interaction("a"), make_interaction("b"))
        [again] = await save(store, make_interaction("a", external_id=""))
        assert first.id != other.id
        assert again.id == first.id
        assert again.version == other.version == 1

    async def test_the_same_content_under_two_ids_is_two_rows(
        self, store: InteractionStore, make_interaction: MakeInteraction
    ) -> None:
        saved = await save(
            store, make_interaction(external_id="x"), make_interaction(external_id="y"), make_interaction()
        )
        assert len({one.id for one in saved}) == 3

    async def test_a_batch_with_repetitions_answers_in_the_order_of_the_input(
        self, store: InteractionStore, make_interaction: MakeInteraction
    ) -> None:
        await save(store, make_interaction("old", external_id="c-1"))
        saved = await save(
            store,
            make_interaction("new", external_id="c-1"),
            make_interaction("z", external_id="c-9"),
            make_interaction("old", external_id="c-1"),
            make_interaction("newer", external_id="c-1"),
            make_interaction("new", external_id="c-1"),
            make_interaction("z", external_id="c-9"),
        )
        assert [one.version for one in saved] == [2, 1, 1, 3, 2, 1]
        assert [one.created for one in saved] == [True, True, False, True, False, False]
        assert saved[0].id == saved[4].id
        assert saved[1].id == saved[5].id

    async def test_nothing_is_nothing(self, store: InteractionStore) -> None:
        assert await store.save([]) == []

    async def test_more_than_a_batch_is_saved_in_batches(
        self, store: InteractionStore, make_interaction: MakeInteraction, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store_module, "_MAX_BATCH", 3)
        saved = await save(store, *(make_interaction(str(number)) for number in range(8)))
        assert all(one.created for one in saved)
        texts = [(await store.get(one.id)).interaction.turns[0].text for one in saved]
        assert texts == [str(number) for number in range(8)]


class TestConcurrency:
    async def test_the_same_batch_from_many_sides_is_saved_once(
        self, engine: AsyncEngine, make_interaction: MakeInteraction
    ) -> None:
        team = uuid4()
        interactions = [make_interaction(str(number), external_id=f"c-{number}") for number in range(40)]

        async def load(order: list[Interaction]) -> list[SavedInteraction]:
            async with team_session(get_session_factory(engine), team) as session:
                return await save(InteractionStore(session), *order)

        forwards, backwards, again = await asyncio.gather(
            load(interactions), load(interactions[::-1]), load(interactions)
        )
        assert [one.id for one in forwards] == [one.id for one in backwards[::-1]] == [one.id for one in again]
        assert sum(one.created for one in [*forwards, *backwards, *again]) == 40

    async def test_new_versions_from_many_sides_are_counted_on(
        self, engine: AsyncEngine, make_interaction: MakeInteraction
    ) -> None:
        team = uuid4()

        async def load(text: str) -> SavedInteraction:
            async with team_session(get_session_factory(engine), team) as session:
                [saved] = await save(InteractionStore(session), make_interaction(text, external_id="c-1"))
                await asyncio.sleep(0.02)
                return saved

        saved = await asyncio.gather(*(load(f"text {number}") for number in range(8)))
        assert sorted(one.version for one in saved) == list(range(1, 9))
        assert all(one.created for one in saved)

    async def test_two_teams_with_the_same_id_do_not_meet(
        self, engine: AsyncEngine, make_interaction: MakeInteraction
    ) -> None:
        async def load(team: UUID) -> SavedInteraction:
            async with team_session(get_session_factory(engine), team) as session:
                [saved] = await save(InteractionStore(session), make_interaction(external_id="c-1"))
                return saved

        first, second = await asyncio.gather(load(uuid4()), load(uuid4()))
        assert first.id != second.id
        assert first.created
        assert second.created


class TestReading:
    async def test_an_unknown_id_is_not_found(self, store: InteractionStore) -> None:
        with pytest.raises(NotFoundError, match="interaction"):
            await store.get(uuid4())

    async def test_lists_are_narrowed(self, store: InteractionStore, make_interaction: MakeInteraction) -> None:
        call = make_interaction("a", external_id="c-1", type="call")
        await save(store, call, make_interaction("b", type="email"), make_interaction("c", external_id="c-1"))

        async def count(**which: object) -> int:
            return len((await store.list_page(InteractionFilter.model_validate(which), PageRequest())).items)

        now = datetime.now(UTC)
        assert await count() == 3
        assert await count(external_id="c-1") == 2
        assert await count(type=InteractionType.EMAIL) == 1
        assert await count(external_id="c-1", type="call") == 1
        assert await count(created_from=now + timedelta(hours=1)) == 0
        assert await count(created_before=now + timedelta(hours=1), created_from=now - timedelta(hours=1)) == 3

    async def test_lists_show_no_turns_and_go_on_page_by_page(
        self, store: InteractionStore, make_interaction: MakeInteraction
    ) -> None:
        await save(store, *(make_interaction(str(number), external_id=str(number)) for number in range(5)))
        seen, cursor = [], None
        while True:
            page = await store.list_page(InteractionFilter(), PageRequest.of(2, cursor))
            seen += [item.external_id for item in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == ["4", "3", "2", "1", "0"]


class TestContentHash:
    def test_the_order_of_keys_makes_no_difference(self, make_interaction: MakeInteraction) -> None:
        one = make_interaction(metadata={"a": 1, "b": {"c": 2, "d": 3}})
        other = make_interaction(metadata={"b": {"d": 3, "c": 2}, "a": 1})
        assert content_hash(one) == content_hash(other)

    def test_the_offset_of_a_moment_makes_no_difference(self, make_interaction: MakeInteraction) -> None:
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        there = moment.astimezone(timezone(timedelta(hours=9)))
        assert content_hash(make_interaction(occurred_at=moment)) == content_hash(make_interaction(occurred_at=there))

    def test_the_external_id_makes_no_difference(self, make_interaction: MakeInteraction) -> None:
        assert content_hash(make_interaction(external_id="x")) == content_hash(make_interaction())

    @pytest.mark.parametrize(
        "fields",
        [
            {"type": "email"},
            {"language": "de"},
            {"metadata": {"a": 1}},
            {"time_zone": "UTC"},
            {"occurred_at": "2026-01-01T00:00:00Z"},
            {"participants": [{"name": "Ann", "role": "agent"}]},
        ],
    )
    def test_everything_else_does(self, make_interaction: MakeInteraction, fields: dict[str, object]) -> None:
        assert content_hash(make_interaction(**fields)) != content_hash(make_interaction())

    def test_it_stays_what_it_was_when_hashes_were_first_stored(self, make_interaction: MakeInteraction) -> None:
        interaction = make_interaction("hellö", type="call", metadata={"b": [1, 2.5, None], "a": True})
        canonical = (
            '{"metadata":{"a":true,"b":[1,2.5,null]},'
            '"turns":[{"role":"customer","speaker":"somebody","spoken":5,"text":"hellö"}],"type":"call"}'
        )
        assert content_hash(interaction) == hashlib.sha256(canonical.encode()).hexdigest()


class TestBadInput:
    @pytest.mark.parametrize("bad", ["nul\0byte", "half \ud83d pair"])
    @pytest.mark.parametrize(
        ("fields", "path"),
        [
            ({"metadata": {"k": ["ok", "BAD"]}}, "metadata.k.1"),
            ({"external_id": "BAD"}, "external_id"),
            ({"language": "BAD"}, "language"),
            ({"participants": [{"name": "BAD", "role": "agent"}]}, "participants.0.name"),
        ],
    )
    def test_what_cannot_be_kept_is_named(
        self, make_interaction: MakeInteraction, bad: str, fields: dict[str, object], path: str
    ) -> None:
        def spoil(value: object) -> object:
            if isinstance(value, dict):
                return {key: spoil(item) for key, item in value.items()}
            if isinstance(value, list):
                return [spoil(item) for item in value]
            return bad if value == "BAD" else value

        spoiled = {name: spoil(value) for name, value in fields.items()}
        with pytest.raises(InvalidInputError) as raised:
            prepare(make_interaction(**spoiled))
        assert raised.value.field == path

    @pytest.mark.parametrize("bad", ["nul\0byte", "half \ud83d pair"])
    def test_a_turn_that_cannot_be_kept_is_named(self, make_interaction: MakeInteraction, bad: str) -> None:
        with pytest.raises(InvalidInputError) as raised:
            prepare(make_interaction("fine", bad))
        assert raised.value.field == "turns.1.text"

    async def test_the_longest_external_id_can_be_kept_and_no_longer(
        self, store: InteractionStore, make_interaction: MakeInteraction
    ) -> None:
        [saved] = await save(store, make_interaction(external_id="😀" * 500))
        assert saved.created
        with pytest.raises(InvalidInputError, match="501 characters"):
            prepare(make_interaction(external_id="😀" * 501))

    def test_too_much_content_is_refused(
        self, make_interaction: MakeInteraction, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store_module, "MAX_CONTENT_BYTES", 1000)
        with pytest.raises(PayloadTooLargeError, match="Split it"):
            prepare(make_interaction("x" * 2000))

    async def test_a_bad_one_leaves_nothing_behind(
        self, store: InteractionStore, session: AsyncSession, make_interaction: MakeInteraction
    ) -> None:
        with pytest.raises(InvalidInputError):
            await save(store, make_interaction("good"), make_interaction("b\0d"))
        assert await session.scalar(select(func.count()).select_from(InteractionORM)) == 0

    async def test_a_transcript_of_fifty_megabytes_is_kept(
        self, store: InteractionStore, make_interaction: MakeInteraction
    ) -> None:
        interaction = make_interaction(*("word " * 200_000 for _ in range(50)))
        [saved] = await save(store, interaction)
        assert (await store.get(saved.id)).interaction == interaction

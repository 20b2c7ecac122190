"""What the database itself holds of memory: columns, enums, and triggers that work whoever writes."""
# ruff: noqa: S608 - the statements are made of constants

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest
from sqlalchemy import CheckConstraint, Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from tahoe_core.db.session import give_reason
from tahoe_core.errors import ConflictError, InvalidInputError, UnavailableError
from tahoe_engine.db.models import MemoryORM
from tahoe_engine.db.repositories.memory import TOMBSTONE, MemoryRepository
from tahoe_engine.db.repositories.memory_row import NewMemory
from tahoe_engine.models.agent_models import AgentStatus
from tahoe_engine.models.conversation_models import ConversationStatus, MessageRole
from tahoe_engine.models.memory_models import (
    MemoryEvent,
    MemorySource,
    MemoryStatus,
    MemoryTier,
    MemoryType,
)

NOW = "clock_timestamp()"
NO_IDS = "'{}'::uuid[]"
MEMORY = {
    # name: (type, may be null, default)
    "id": ("uuid", False, "gen_random_uuid()"),
    "team_id": ("uuid", False, None),
    # A change is a new version; all versions share the root.
    "root_id": ("uuid", False, None),
    "version": ("integer", False, "1"),
    "superseded_by": ("uuid", True, None),
    # Whose it is.
    "agent_id": ("uuid", True, None),
    "user_id": ("uuid", True, None),
    # What it says.
    "memory_type": ("memory_type_enum", False, None),
    "content": ("text", False, None),
    "subject": ("text", True, None),
    "author": ("text", True, None),
    "occurred_at": ("timestamp with time zone", True, None),
    "metadata": ("jsonb", False, "'{}'::jsonb"),
    "contradicts": ("uuid[]", False, NO_IDS),
    "related_to": ("uuid[]", False, NO_IDS),
    # How it is found.
    "type_number": ("smallint", False, None),
    "embedding": ("halfvec", True, None),
    "embedding_model": ("text", True, None),
    "lexemes": ("sparsevec", True, None),
    "cell": ("integer", True, None),
    "content_hash": ("uuid", True, None),
    # How much it counts.
    "importance": ("smallint", False, "5"),
    "confidence": ("double precision", False, "1"),
    "is_pinned": ("boolean", False, "false"),
    "access_count": ("integer", False, "0"),
    "last_accessed_at": ("timestamp with time zone", True, None),
    "tier": ("memory_tier", False, "'warm'::memory_tier"),
    "status": ("memory_status", False, "'active'::memory_status"),
    "expires_at": ("timestamp with time zone", True, None),
    "erased_at": ("timestamp with time zone", True, None),
    # Where it comes from.
    "source": ("memory_source", False, "'explicit'::memory_source"),
    "source_conversation_id": ("uuid", True, None),
    "source_message_ids": ("uuid[]", False, NO_IDS),
    "position": ("integer", True, None),
    "extraction_model": ("text", True, None),
    "created_at": ("timestamp with time zone", False, NOW),
    "updated_at": ("timestamp with time zone", False, NOW),
}
COLUMNS = text(
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS kind, NOT a.attnotnull AS may_be_null,"
    " pg_get_expr(d.adbin, d.adrelid) AS preset"
    " FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    " AND a.attgenerated = ''"
    " WHERE a.attrelid = to_regclass('memory') AND a.attnum > 0 AND NOT a.attisdropped"
)
TRIGGERS = text(
    "SELECT tgrelid::regclass::text AS of_table, array_agg(tgname::text ORDER BY tgname) AS triggers FROM pg_trigger"
    " WHERE NOT tgisinternal AND tgenabled = 'O' AND tgrelid IN (SELECT oid FROM pg_class"
    " WHERE relnamespace = to_regnamespace(quote_ident(current_schema()))) GROUP BY 1"
)
ENUM_VALUES = text(
    "SELECT t.typname, array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS labels"
    " FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid"
    " WHERE t.typnamespace = to_regnamespace(quote_ident(current_schema())) GROUP BY 1"
)
LAST_EVENTS = text(
    "SELECT event, version, status::text, tier::text, importance, confidence, is_pinned, expires_at, superseded_by,"
    " actor, reason, memory_ids, logged_at FROM memory_log"
    " WHERE memory_id = :id OR :id = ANY (memory_ids) ORDER BY id"
)

type MakeRow = Callable[..., NewMemory]
type FillMemory = Callable[[AsyncSession], Awaitable["Filled"]]
type Change = Callable[[str], Awaitable[Sequence[Row[Any]]]]


class Filled(Protocol):
    """As in conftest.py."""

    agent_id: UUID
    conversation_id: UUID
    message_id: UUID
    memory_id: UUID
    answer_id: UUID


@pytest.fixture
async def memory_id(session: AsyncSession, make_row: MakeRow) -> UUID:
    row = make_row(embedding=[0.6, 0.8], author="Ann", subject="ann.drink", metadata={"a": 1})
    await MemoryRepository(session).insert([row], guarded=False)
    return row.id


@pytest.fixture
async def change(session: AsyncSession, memory_id: UUID) -> Change:
    """Sets columns of the memory by raw SQL, and returns the events that this has added to its log."""

    async def run(assignments: str) -> Sequence[Row[Any]]:
        before = len((await session.execute(LAST_EVENTS, {"id": memory_id})).all())
        await session.execute(text(f"UPDATE memory SET {assignments} WHERE id = '{memory_id}'"))
        return (await session.execute(LAST_EVENTS, {"id": memory_id})).all()[before:]

    return run


@asynccontextmanager
async def refused(session: AsyncSession, error: type[Exception], match: str | None = None) -> AsyncIterator[None]:
    """Expects what is done in it to be refused; the session can be used afterwards."""
    with pytest.raises(error, match=match):
        async with session.begin_nested():
            yield


async def look(session: AsyncSession | AsyncConnection, column: str, row_id: UUID, table: str = "memory") -> Any:  # noqa: ANN401 - of any type
    return (await session.execute(text(f"SELECT {column} FROM {table} WHERE id = '{row_id}'"))).scalar_one()


async def read_clock(session: AsyncSession) -> datetime:
    """Returns the time, after which another unit of work begins, as far as the log can tell."""
    moment = await session.scalar(text("SELECT clock_timestamp() FROM set_config('app.moment', '', true)"))
    assert isinstance(moment, datetime)
    return moment


class TestColumns:
    async def test_of_memory_are_those_that_were_asked_for(self, engine: AsyncEngine) -> None:
        async with engine.connect() as connection:
            found = {row.attname: (row.kind, row.may_be_null, row.preset) for row in await connection.execute(COLUMNS)}
        assert found == MEMORY

    def test_are_mapped_under_their_names_but_for_metadata(self) -> None:
        mapped = {attribute.key: attribute.columns[0].name for attribute in MemoryORM.__mapper__.column_attrs}
        assert mapped.pop("metadata_json") == "metadata"
        assert mapped == {name: name for name in MEMORY if name != "metadata"}

    async def test_have_the_defaults_of_a_memory_that_says_nothing_else(
        self, session: AsyncSession, team_id: UUID
    ) -> None:
        written = await session.execute(
            text(
                "INSERT INTO memory (team_id, root_id, memory_type, content) VALUES (:team, :root, 'semantic', 'tea')"
                " RETURNING version, status::text, tier::text, source::text, importance, confidence, is_pinned,"
                " access_count, contradicts, related_to, source_message_ids, metadata::text"
            ),
            {"team": team_id, "root": uuid4()},
        )
        assert tuple(written.one()) == (1, "active", "warm", "explicit", 5, 1.0, False, 0, [], [], [], "{}")

    @pytest.mark.parametrize(
        ("assignment", "rule"),
        [
            ("importance = 0", "importance"),
            ("importance = 11", "importance"),
            ("confidence = -0.01", "confidence"),
            ("confidence = 1.01", "confidence"),
            ("confidence = 'NaN'", "confidence"),
            ("access_count = -1", "access_count"),
            ("embedding = NULL", "embedding"),
            ("embedding_model = NULL", "embedding"),
            ("cell = 1, status = 'archived'", "cell"),
        ],
    )
    async def test_hold_their_ranges(self, session: AsyncSession, change: Change, assignment: str, rule: str) -> None:
        async with refused(session, InvalidInputError, f"ck_memory_{rule}"):
            await change(assignment)

    @pytest.mark.parametrize(
        ("column", "value", "rule"),
        [
            ("content", "''", "content"),
            ("version", "0", "version"),
            ("position", "-1", "position"),
            ("memory_type", "'identity'", "agent"),
            ("memory_type", "'procedural'", "agent"),
            ("memory_type", "'agent_private'", "agent"),
        ],
    )
    async def test_hold_their_ranges_from_the_start(
        self, session: AsyncSession, team_id: UUID, column: str, value: str, rule: str
    ) -> None:
        columns = {"memory_type": "'semantic'", "content": "'tea'", column: value}
        async with refused(session, InvalidInputError, f"ck_memory_{rule}"):
            await session.execute(
                text(
                    f"INSERT INTO memory (team_id, root_id, {', '.join(columns)})"
                    f" VALUES ('{team_id}', gen_random_uuid(), {', '.join(columns.values())})"
                )
            )

    async def test_of_one_memory_each_version_stands_once(self, session: AsyncSession, make_row: MakeRow) -> None:
        row = make_row()
        async with refused(session, ConflictError, "uq_memory_team_id_root_id_version"):
            await MemoryRepository(session).insert([row, make_row("Coffee.", root_id=row.id)], guarded=False)


class TestEnums:
    async def test_are_the_types_of_the_prd_with_the_values_of_the_models(self, engine: AsyncEngine) -> None:
        async with engine.connect() as connection:
            found = {row.typname: row.labels for row in await connection.execute(ENUM_VALUES)}
        assert found == {
            "agent_status": list(AgentStatus),
            "conversation_status": list(ConversationStatus),
            "message_role": list(MessageRole),
            "memory_type_enum": list(MemoryType),
            "memory_status": list(MemoryStatus),
            "memory_tier": list(MemoryTier),
            "memory_source": list(MemorySource),
        }

    def test_values_are_those_of_the_prd(self) -> None:
        assert list(AgentStatus) == ["draft", "active", "paused", "archived"]
        assert list(MessageRole) == ["user", "assistant", "system", "tool"]
        assert list(MemoryType) == [
            "semantic", "episodic", "procedural", "agent_private", "shared", "identity", "user_profile",
        ]  # fmt: skip
        assert list(MemoryStatus) == ["active", "superseded", "archived", "disputed"]
        assert list(MemoryTier) == ["hot", "warm", "cold"]
        assert list(MemorySource) == ["extraction", "explicit", "system", "feedback", "consolidation", "compaction"]
        assert list(ConversationStatus) == ["active", "idle", "closed"]

    def test_of_events_is_what_the_log_admits(self) -> None:
        [rule] = [
            constraint
            for constraint in MemoryORM.metadata.tables["memory_log"].constraints
            if isinstance(constraint, CheckConstraint)
        ]
        assert all(f"'{event}'" in str(rule.sqltext) for event in MemoryEvent)


class TestTriggers:
    async def test_stand_on_every_table_that_needs_them(self, engine: AsyncEngine) -> None:
        async with engine.connect() as connection:
            found = {row.of_table: set(row.triggers) for row in await connection.execute(TRIGGERS)}
        assert {table: triggers - {"keep_team"} for table, triggers in found.items() if triggers != {"keep_team"}} == {
            "agent": {"set_updated_at", "keep_agent_version"},
            "agent_version": {"keep_rows"},
            "conversation": {"set_updated_at"},
            "turn": {"set_updated_at"},
            "message": {"set_updated_at", "count_messages"},
            "memory": {
                "set_updated_at",
                "keep_content",
                "keep_rows",
                "leave_cell",
                "log_new_memories",
                "log_memory_change",
            },
            "memory_log": {"keep_rows"},
            "memory_tag": {"set_updated_at"},
            "memory_use": {"keep_rows", "count_memory_use"},
        }


KEPT = {
    "content": "'coffee'",
    "subject": "'ann.food'",
    "author": "'Ben'",
    "metadata": "'{\"b\"\\: 2}'",
    "content_hash": "gen_random_uuid()",
    "id": "gen_random_uuid()",
    "root_id": "gen_random_uuid()",
    "version": "7",
    "agent_id": "NULL",
    "user_id": "gen_random_uuid()",
    "memory_type": "'shared'",
    "source": "'system'",
    "occurred_at": "now()",
    "source_conversation_id": "NULL",
    "position": "9",
    "source_message_ids": "'{}'",
    "extraction_model": "'x'",
    "related_to": "ARRAY[gen_random_uuid()]",
    "created_at": "now()",
}
STATE = {
    "status", "tier", "is_pinned", "importance", "confidence", "expires_at", "superseded_by", "contradicts",
    "access_count", "last_accessed_at", "embedding", "embedding_model", "lexemes", "cell", "erased_at", "updated_at",
}  # fmt: skip


class TestContent:
    """Nobody rewrites what a memory says: neither the application nor the owner of the table."""

    @pytest.fixture
    async def owned(
        self, owner_engine: AsyncEngine, session: AsyncSession, fill_memory: FillMemory
    ) -> AsyncIterator[tuple[AsyncConnection, UUID]]:
        """A memory as the owner sees it."""
        async with owner_engine.connect() as connection:
            transaction = await connection.begin()
            written = await connection.execute(
                text(
                    "INSERT INTO memory (team_id, root_id, memory_type, content, subject, author, metadata,"
                    " source_message_ids) VALUES (gen_random_uuid(), gen_random_uuid(), 'semantic', 'tea', 's', 'Ann',"
                    " '{\"a\": 1}', ARRAY[gen_random_uuid()]) RETURNING id"
                )
            )
            yield connection, written.scalar_one()
            await transaction.rollback()

    def test_every_column_is_either_kept_or_state(self) -> None:
        assert set(KEPT) | STATE | {"team_id", "type_number"} == set(MEMORY)
        assert set(KEPT) & STATE == set()

    @pytest.mark.parametrize("column", KEPT)
    async def test_cannot_be_rewritten_by_the_application(
        self, session: AsyncSession, fill_memory: FillMemory, column: str
    ) -> None:
        filled = await fill_memory(session)
        async with refused(session, DBAPIError, "memory is append-only: UPDATE is refused"):
            await session.execute(text(f"UPDATE memory SET {column} = {KEPT[column]} WHERE id = '{filled.memory_id}'"))

    @pytest.mark.parametrize("column", ["content", "metadata", "source_message_ids", "created_at"])
    async def test_cannot_be_rewritten_by_the_owner(self, owned: tuple[AsyncConnection, UUID], column: str) -> None:
        connection, memory_id = owned
        with pytest.raises(DBAPIError, match="memory is append-only: UPDATE is refused"):
            await connection.execute(text(f"UPDATE memory SET {column} = {KEPT[column]} WHERE id = '{memory_id}'"))

    @pytest.mark.parametrize("table", ["memory", "memory_log", "memory_use"])
    @pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
    async def test_cannot_be_deleted_by_the_owner(
        self, owned: tuple[AsyncConnection, UUID], table: str, statement: str
    ) -> None:
        connection, _memory_id = owned
        with pytest.raises(DBAPIError, match=r"is append-only: (DELETE|TRUNCATE) is refused"):
            await connection.execute(text(statement.format(table)))

    @pytest.mark.parametrize("table", ["memory_log", "memory_use"])
    async def test_of_records_cannot_be_changed_by_the_owner(
        self, owned: tuple[AsyncConnection, UUID], table: str
    ) -> None:
        connection, _memory_id = owned
        with pytest.raises(DBAPIError, match=f"{table} is append-only: UPDATE is refused"):
            await connection.execute(text(f"UPDATE {table} SET team_id = team_id"))

    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO memory_log (team_id, event) VALUES ('{team}', 'created')",
            "UPDATE memory_log SET reason = 'another'",
            "DELETE FROM memory_log",
            "TRUNCATE memory_log",
            "UPDATE memory_use SET rank = rank + 1",
            "DELETE FROM memory_use",
            "DELETE FROM memory",
            "TRUNCATE memory CASCADE",
            "DELETE FROM memory_tag",
            "ALTER TABLE memory DISABLE TRIGGER keep_content",
            "DROP TRIGGER keep_rows ON memory_log",
            "SET session_replication_role = replica",
        ],
    )
    async def test_cannot_be_got_round_by_the_application(
        self, session: AsyncSession, team_id: UUID, memory_id: UUID, statement: str
    ) -> None:
        async with refused(session, UnavailableError, "privilege"):
            await session.execute(text(statement.format(team=team_id)))

    async def test_may_be_embedded_anew_without_an_event(self, session: AsyncSession, change: Change) -> None:
        assert await change("embedding = '[1,0,0]', embedding_model = 'another'") == []


class TestErasure:
    LAY = (
        "content = '[erased]', erased_at = clock_timestamp(), status = 'archived', subject = NULL, author = NULL,"
        " content_hash = NULL, embedding = NULL, embedding_model = NULL, lexemes = NULL, metadata = '{}'"
    )

    async def test_is_the_one_way_to_take_content_away(
        self, session: AsyncSession, change: Change, memory_id: UUID
    ) -> None:
        [event] = await change(self.LAY)
        assert (event.event, event.status) == ("erased", "archived")
        assert await look(session, "content", memory_id) == TOMBSTONE

    @pytest.mark.parametrize(
        "instead",
        [
            {"content = '[erased]'": "content = 'something else'"},
            {"erased_at = clock_timestamp()": "erased_at = NULL"},
        ],
    )
    async def test_lays_the_tombstone_and_no_other(
        self, session: AsyncSession, change: Change, instead: dict[str, str]
    ) -> None:
        lay = self.LAY
        for one, other in instead.items():
            lay = lay.replace(one, other)
        async with refused(session, DBAPIError, "append-only"):
            await change(lay)

    @pytest.mark.parametrize("kept", ["subject", "author", "content_hash", "embedding", "lexemes", "metadata"])
    async def test_leaves_none_of_the_words(self, session: AsyncSession, change: Change, kept: str) -> None:
        parts = [part for part in self.LAY.split(", ") if not part.startswith(kept)]
        async with refused(session, InvalidInputError, r"ck_memory_(erased|embedding)"):
            await change(", ".join(parts))

    @pytest.mark.parametrize(
        "assignment",
        ["content = 'tea'", "erased_at = NULL", "erased_at = now()", "subject = 'ann'", "metadata = '[]'"],
    )
    async def test_is_for_ever(self, session: AsyncSession, change: Change, assignment: str) -> None:
        await change(self.LAY)
        async with refused(session, DBAPIError):
            await change(assignment)

    @pytest.mark.parametrize("assignment", ["embedding = '[1]', embedding_model = 'x'", "lexemes = '{1:1}/9'"])
    async def test_admits_nothing_derived_afterwards(
        self, session: AsyncSession, change: Change, assignment: str
    ) -> None:
        await change(self.LAY)
        async with refused(session, InvalidInputError, "ck_memory_erased"):
            await change(assignment)


class TestLog:
    """Every event is written by trigger, so raw SQL leaves its trace, too."""

    async def test_says_that_a_memory_was_made_with_its_state(self, session: AsyncSession, team_id: UUID) -> None:
        await session.execute(
            text("SELECT set_config('app.actor', 'ann', true), set_config('app.reason', 'why', true)")
        )
        memory_id = (
            await session.execute(
                text(
                    "INSERT INTO memory (team_id, root_id, memory_type, content, importance, confidence, tier,"
                    " is_pinned, expires_at) VALUES (:team, :team, 'semantic', 'tea', 7, 0.5, 'hot', true,"
                    " '2030-01-01Z') RETURNING id"
                ),
                {"team": team_id},
            )
        ).scalar_one()
        [event] = (await session.execute(LAST_EVENTS, {"id": memory_id})).all()
        assert (event.event, event.version, event.status, event.tier) == ("created", 1, "active", "hot")
        assert (event.importance, event.confidence, event.is_pinned) == (7, 0.5, True)
        assert event.expires_at == datetime.fromisoformat("2030-01-01T00:00:00Z")
        assert (event.actor, event.reason) == ("ann", "why")

    @pytest.mark.parametrize(
        ("before", "assignments", "events"),
        [
            (None, "status = 'superseded', superseded_by = gen_random_uuid()", ["superseded"]),
            (None, "status = 'disputed'", ["disputed"]),
            ("status = 'disputed'", "status = 'active'", ["resolved"]),
            (None, "status = 'archived'", ["expired"]),
            (None, "status = 'archived', superseded_by = gen_random_uuid()", ["consolidated"]),
            ("status = 'archived'", "status = 'active'", ["updated"]),
            (None, "tier = 'hot'", ["promoted"]),
            (None, "tier = 'cold'", ["demoted"]),
            ("tier = 'cold'", "tier = 'hot'", ["promoted"]),
            (None, "is_pinned = true", ["pinned"]),
            ("is_pinned = true", "is_pinned = false", ["unpinned"]),
            (None, "importance = 9", ["updated"]),
            (None, "confidence = 0.1", ["updated"]),
            (None, "expires_at = now()", ["updated"]),
            (None, "superseded_by = gen_random_uuid()", ["updated"]),
            (None, "is_pinned = true, tier = 'hot', importance = 9", ["promoted", "pinned", "updated"]),
            (None, "status = 'disputed', is_pinned = true", ["disputed", "pinned"]),
            (None, "importance = importance, status = status", []),
            (None, "contradicts = ARRAY[gen_random_uuid()]", []),
            (None, "access_count = access_count + 1", []),
        ],
    )
    async def test_says_what_changed(
        self, session: AsyncSession, change: Change, before: str | None, assignments: str, events: list[str]
    ) -> None:
        if before:
            await change(before)
        assert [event.event for event in await change(assignments)] == events

    async def test_has_the_state_after_the_event(self, session: AsyncSession, change: Change) -> None:
        other = uuid4()
        [event] = await change(f"status = 'superseded', superseded_by = '{other}'")
        assert (event.status, event.superseded_by, event.tier, event.version) == ("superseded", other, "warm", 1)

    async def test_says_who_and_why(self, session: AsyncSession, change: Change) -> None:
        await session.execute(text("SELECT set_config('app.actor', 'ben', true)"))
        await give_reason(session, "asked for")
        [event] = await change("is_pinned = true")
        assert (event.actor, event.reason) == ("ben", "asked for")

    async def test_says_of_many_at_once_each_by_itself(self, session: AsyncSession, make_row: MakeRow) -> None:
        rows = [make_row(f"Fact {number}") for number in range(3)]
        await MemoryRepository(session).insert(rows, guarded=False)
        await session.execute(text("UPDATE memory SET tier = 'cold'"))
        for row in rows:
            events = (await session.execute(LAST_EVENTS, {"id": row.id})).all()
            assert [event.event for event in events] == ["created", "demoted"]

    async def test_has_a_column_for_none_of_the_words(self) -> None:
        log = MemoryORM.metadata.tables["memory_log"]
        assert set(log.columns.keys()) == {
            "id", "team_id", "memory_id", "memory_ids", "event", "version", "status", "tier", "importance",
            "confidence", "is_pinned", "expires_at", "superseded_by", "actor", "reason", "logged_at",
        }  # fmt: skip

    async def test_has_a_kind_of_event_for_everything_that_happens(
        self, session: AsyncSession, change: Change, memory_id: UUID, team_id: UUID
    ) -> None:
        for assignments in (
            "tier = 'hot'",
            "tier = 'cold'",
            "is_pinned = true",
            "is_pinned = false",
            "importance = 1",
            "status = 'disputed'",
            "status = 'active'",
            "status = 'superseded'",
            "status = 'archived'",
            "status = 'active'",
            "status = 'archived', superseded_by = id",
            TestErasure.LAY,
        ):
            await change(assignments)
        await session.execute(
            text(
                "INSERT INTO memory_use (team_id, answer_id, memory_id, version, rank) VALUES (:team, :team, :id, 1, 1)"
            ),
            {"team": team_id, "id": memory_id},
        )
        events = (await session.execute(LAST_EVENTS, {"id": memory_id})).all()
        assert {event.event for event in events} == set(MemoryEvent)


class TestAccess:
    async def use(self, session: AsyncSession, answer: UUID, *uses: tuple[UUID, int]) -> None:
        rows = ", ".join(
            f"(current_setting('app.team_id')::uuid, '{answer}', '{memory_id}', 1, {rank})" for memory_id, rank in uses
        )
        await session.execute(
            text(f"INSERT INTO memory_use (team_id, answer_id, memory_id, version, rank) VALUES {rows}")
        )

    async def test_is_counted_and_dated(self, session: AsyncSession, memory_id: UUID) -> None:
        before = await read_clock(session)
        await self.use(session, uuid4(), (memory_id, 1))
        await self.use(session, uuid4(), (memory_id, 1), (memory_id, 2))
        assert await look(session, "access_count", memory_id) == 3
        assert before < await look(session, "last_accessed_at", memory_id) < await read_clock(session)

    async def test_is_logged_once_an_answer_in_the_order_of_rank(
        self, session: AsyncSession, memory_id: UUID, make_row: MakeRow
    ) -> None:
        other = make_row("Ben prefers coffee.")
        await MemoryRepository(session).insert([other], guarded=False)
        answer = uuid4()
        await self.use(session, answer, (memory_id, 2), (other.id, 1))
        for one in (memory_id, other.id):
            event = (await session.execute(LAST_EVENTS, {"id": one})).all()[-1]
            assert (event.event, event.memory_ids, event.reason) == (
                "accessed",
                [other.id, memory_id],
                f"answer {answer}",
            )

    async def test_of_one_rank_is_noted_once(self, session: AsyncSession, memory_id: UUID) -> None:
        answer = uuid4()
        async with refused(session, ConflictError):
            await self.use(session, answer, (memory_id, 1), (memory_id, 1))

    async def test_of_what_is_not_there_is_refused(self, session: AsyncSession) -> None:
        async with refused(session, InvalidInputError, "does not have"):
            await self.use(session, uuid4(), (uuid4(), 1))


class TestConversation:
    async def test_counts_its_messages_whoever_writes_them(
        self, session: AsyncSession, team_id: UUID, fill_memory: FillMemory
    ) -> None:
        filled = await fill_memory(session)
        other = await session.scalar(text(f"INSERT INTO conversation (team_id) VALUES ('{team_id}') RETURNING id"))
        await session.execute(
            text(
                "INSERT INTO message (team_id, conversation_id, position, role) VALUES"
                f" ('{team_id}', '{filled.conversation_id}', 1, 'assistant'),"
                f" ('{team_id}', '{filled.conversation_id}', 2, 'user'), ('{team_id}', '{other}', 0, 'user')"
            )
        )
        assert await look(session, "message_count", filled.conversation_id, "conversation") == 3
        assert await look(session, "message_count", other, "conversation") == 1

    async def test_knows_when_the_newest_message_was_written(
        self, session: AsyncSession, team_id: UUID, fill_memory: FillMemory
    ) -> None:
        filled = await fill_memory(session)
        newest = await look(session, "created_at", filled.message_id, "message")
        assert await look(session, "last_message_at", filled.conversation_id, "conversation") == newest
        await session.execute(
            text(
                "INSERT INTO message (team_id, conversation_id, position, role, created_at)"
                f" VALUES ('{team_id}', '{filled.conversation_id}', 1, 'user', '2020-01-01Z')"
            )
        )
        assert await look(session, "last_message_at", filled.conversation_id, "conversation") == newest

    async def test_has_one_message_a_place(self, session: AsyncSession, team_id: UUID, fill_memory: FillMemory) -> None:
        filled = await fill_memory(session)
        async with refused(session, ConflictError):
            await session.execute(
                text(
                    "INSERT INTO message (team_id, conversation_id, position, role)"
                    f" VALUES ('{team_id}', '{filled.conversation_id}', 0, 'user')"
                )
            )


class TestUpdatedAt:
    @pytest.mark.parametrize(
        ("table", "key", "assignment"),
        [
            ("agent", "agent_id", "name = 'Bea'"),
            ("conversation", "conversation_id", "title = 'tea'"),
            ("message", "message_id", "is_complete = false"),
            ("memory", "memory_id", "importance = 9"),
        ],
    )
    async def test_moves_with_every_update(
        self, session: AsyncSession, fill_memory: FillMemory, table: str, key: str, assignment: str
    ) -> None:
        row_id = getattr(await fill_memory(session), key)
        before = await look(session, "updated_at", row_id, table)
        await session.execute(
            text(f"UPDATE {table} SET {assignment}, updated_at = '2020-01-01Z' WHERE id = '{row_id}'")
        )
        assert await look(session, "updated_at", row_id, table) > before


class TestMemoryAt:
    async def at(self, session: AsyncSession, memory_id: UUID, moment: datetime) -> Row[Any] | None:
        found = await session.execute(
            text("SELECT *, status::text AS standing FROM memory_at(:id, :moment)"), {"id": memory_id, "moment": moment}
        )
        return found.one_or_none()

    async def test_knows_nothing_before_there_was_anything(self, session: AsyncSession, make_row: MakeRow) -> None:
        before = await read_clock(session)
        row = make_row()
        await MemoryRepository(session).insert([row], guarded=False)
        assert await self.at(session, row.id, before) is None

    async def test_rebuilds_each_state_in_between(self, session: AsyncSession, change: Change, memory_id: UUID) -> None:
        moments = [await read_clock(session)]
        for assignments in ("is_pinned = true", "tier = 'hot', importance = 9", "status = 'disputed'", "tier = 'cold'"):
            await change(assignments)
            moments.append(await read_clock(session))
        states = []
        for moment in moments:
            then = await self.at(session, memory_id, moment)
            assert then is not None
            states.append((then.is_pinned, then.tier, then.importance, then.standing))
        assert states == [
            (False, "warm", 5, "active"),
            (True, "warm", 5, "active"),
            (True, "hot", 9, "active"),
            (True, "hot", 9, "disputed"),
            (True, "cold", 9, "disputed"),
        ]

    async def test_finds_the_version_of_then_by_any_version(
        self, session: AsyncSession, memory_id: UUID, make_row: MakeRow
    ) -> None:
        first = await read_clock(session)
        repository = MemoryRepository(session)
        newer = make_row("Ann prefers coffee.", root_id=memory_id, version=2)
        await repository.retire([memory_id], MemoryStatus.SUPERSEDED, newer.id)
        await repository.insert([newer], guarded=False)
        for known in (memory_id, newer.id):
            then, now = await self.at(session, known, first), await self.at(session, known, await read_clock(session))
            assert then is not None
            assert now is not None
            assert (then.id, then.content, then.standing) == (memory_id, "Ann prefers tea.", "active")
            assert (now.id, now.content, now.version) == (newer.id, "Ann prefers coffee.", 2)

    async def test_does_not_bring_erased_words_back(
        self, session: AsyncSession, change: Change, memory_id: UUID
    ) -> None:
        before = await read_clock(session)
        await change(TestErasure.LAY)
        then = await self.at(session, memory_id, before)
        assert then is not None
        assert (then.content, then.standing) == (TOMBSTONE, "active")

    async def test_is_blind_to_other_teams(
        self, open_session: Callable[[UUID], Any], session: AsyncSession, memory_id: UUID
    ) -> None:
        moment = await read_clock(session)
        async with open_session(uuid4()) as theirs:
            assert await self.at(theirs, memory_id, moment) is None

"""Two teams in one table: what the database itself keeps apart."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Protocol
from uuid import UUID, uuid4

import pytest
from sqlalchemy import MetaData, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Mapped

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.base import NAMING_CONVENTION, Base, TeamEntity
from tahoe_core.db.engine import EngineOptions, get_engine, get_session_factory
from tahoe_core.db.page import PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_core.db.rls import (
    MAY_CHANGE,
    admit_reader,
    admit_roles,
    create_guard,
    drop_guard,
    list_team_tables,
    protect_table,
)
from tahoe_core.db.role import RoleFacts, inspect_role
from tahoe_core.db.session import get_team, run_again, team_session
from tahoe_core.errors import CollisionError, InvalidInputError, NotFoundError, TahoeError, UnavailableError

ANN, BEN = uuid4(), uuid4()


class Addresses(Protocol):
    """As in conftest.py."""

    app: DatabaseAddress
    owner: DatabaseAddress


class ThingBase(Base):
    __abstract__ = True

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class ThingORM(TeamEntity, ThingBase):
    """A table for these tests."""

    __tablename__ = "things"

    name: Mapped[str]


class ThingRepository(BaseRepository[ThingORM]):
    model = ThingORM
    noun = "thing"


async def run(connection: AsyncConnection, *statements: str) -> None:
    for statement in statements:
        await connection.execute(text(statement))


@pytest.fixture(scope="module", autouse=True)
async def table(owner: AsyncEngine, addresses: Addresses) -> AsyncIterator[None]:
    async with owner.begin() as connection:
        await run(connection, *create_guard())
        await connection.run_sync(ThingBase.metadata.create_all)
        await run(connection, *protect_table("things"), *admit_roles("things", addresses.app.user))
    yield
    async with owner.begin() as connection:
        await connection.run_sync(ThingBase.metadata.drop_all)
        await run(connection, *drop_guard())


@pytest.fixture
def factory(app: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return get_session_factory(app)


@pytest.fixture(autouse=True)
async def rows(factory: async_sessionmaker[AsyncSession], table: None) -> dict[UUID, UUID]:
    """One thing of each team, whatever tests before left there."""
    ids = {}
    for team in (ANN, BEN):
        async with team_session(factory, team) as session:
            ids[team] = (await ThingRepository(session).add(ThingORM(name="mine"))).id
    return ids


class TestTeamSession:
    async def test_a_query_without_a_condition_sees_only_the_team_s_rows(
        self, factory: async_sessionmaker[AsyncSession]
    ) -> None:
        for team in (ANN, BEN):
            async with team_session(factory, team) as session:
                seen = await session.scalars(text("SELECT DISTINCT team_id FROM things"))
                assert set(seen) == {team}

    async def test_without_a_team_nothing_is_seen(self, app: AsyncEngine) -> None:
        async with app.connect() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM things")) == 0

    async def test_the_team_does_not_outlast_its_transaction(
        self, factory: async_sessionmaker[AsyncSession], app: AsyncEngine
    ) -> None:
        async with team_session(factory, ANN):
            pass
        async with app.connect() as connection:
            assert await connection.scalar(text("SELECT current_setting('app.team_id', true)")) in {None, ""}
            assert await connection.scalar(text("SELECT count(*) FROM things")) == 0

    async def test_it_commits_at_the_end(self, factory: async_sessionmaker[AsyncSession]) -> None:
        async with team_session(factory, ANN) as session:
            thing = await ThingRepository(session).add(ThingORM(name="kept"))
        async with team_session(factory, ANN) as session:
            assert (await ThingRepository(session).get(thing.id)).name == "kept"

    async def test_an_error_rolls_everything_back(self, factory: async_sessionmaker[AsyncSession]) -> None:
        thing = ThingORM(name="lost")

        async def fail() -> None:
            async with team_session(factory, ANN) as session:
                await ThingRepository(session).add(thing)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await fail()
        async with team_session(factory, ANN) as session:
            assert await ThingRepository(session).find(thing.id) is None

    async def test_two_that_wait_for_each_other_both_come_through_when_run_again(
        self, factory: async_sessionmaker[AsyncSession]
    ) -> None:
        runs: list[int] = []
        both_hold_one = asyncio.Barrier(2)

        @run_again
        async def lock(*keys: int) -> None:
            runs.append(keys[0])
            async with team_session(factory, ANN) as session:
                for number, key in enumerate(keys):
                    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
                    if number == 0 and runs.count(keys[0]) == 1:
                        await both_hold_one.wait()

        await asyncio.gather(lock(1, 2), lock(2, 1))
        assert sorted(runs) in ([1, 1, 2], [1, 2, 2])

    async def test_what_collides_every_time_is_given_up(self) -> None:
        runs: list[int] = []

        @run_again
        async def collide() -> None:
            runs.append(1)
            raise CollisionError("Somebody else was quicker.")

        with pytest.raises(CollisionError, match="quicker"):
            await collide()
        assert len(runs) == 3

    async def test_a_session_of_nobody_is_refused(self, factory: async_sessionmaker[AsyncSession]) -> None:
        async with factory() as session:
            with pytest.raises(TahoeError, match="team_session"):
                get_team(session)


class TestPolicies:
    async def test_another_team_s_row_is_not_found(
        self, factory: async_sessionmaker[AsyncSession], rows: dict[UUID, UUID]
    ) -> None:
        async with team_session(factory, ANN) as session:
            with pytest.raises(NotFoundError):
                await ThingRepository(session).get(rows[BEN])

    async def test_another_team_s_row_cannot_be_written(self, factory: async_sessionmaker[AsyncSession]) -> None:
        with pytest.raises(UnavailableError, match="privilege"):
            async with team_session(factory, ANN) as session:
                await session.execute(
                    text("INSERT INTO things (team_id, name) VALUES (:team, 'planted')"), {"team": BEN}
                )

    async def test_another_team_s_row_cannot_be_changed(
        self, factory: async_sessionmaker[AsyncSession], rows: dict[UUID, UUID]
    ) -> None:
        async with team_session(factory, ANN) as session:
            await session.execute(text("UPDATE things SET name = 'stolen'"))
        async with team_session(factory, BEN) as session:
            assert (await ThingRepository(session).get(rows[BEN])).name == "mine"

    async def test_a_row_never_changes_its_team(
        self, factory: async_sessionmaker[AsyncSession], owner: AsyncEngine, rows: dict[UUID, UUID]
    ) -> None:
        move = text("UPDATE things SET team_id = :team WHERE id = :id")
        values = {"team": BEN, "id": rows[ANN]}
        with pytest.raises((DBAPIError, UnavailableError)):
            async with team_session(factory, ANN) as session:
                await session.execute(move, values)
        with pytest.raises(DBAPIError, match="team_id of things never changes"):
            async with owner.begin() as connection:
                await connection.execute(move, values)

    async def test_the_owner_sees_every_team_for_migrations(self, owner: AsyncEngine) -> None:
        async with owner.connect() as connection:
            seen = await connection.scalars(text("SELECT DISTINCT team_id FROM things"))
            assert set(seen) >= {ANN, BEN}

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM things",
            "TRUNCATE things",
            "ALTER TABLE things DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE things NO FORCE ROW LEVEL SECURITY",
            "DROP POLICY team_isolation ON things",
            "DROP TABLE things",
            "CREATE TABLE mine (id int)",
            "ALTER TABLE things DISABLE TRIGGER keep_team",
        ],
    )
    async def test_the_application_can_neither_delete_nor_change_the_schema(
        self, app: AsyncEngine, statement: str
    ) -> None:
        with pytest.raises(UnavailableError, match="privilege"):
            async with app.begin() as connection:
                await run(connection, statement)


class TestOneRole:
    """A deployment that migrates and works as the same role."""

    async def test_is_isolated_too(self, addresses: Addresses, owner: AsyncEngine) -> None:
        async with owner.begin() as connection:
            await run(connection, *admit_roles("things", addresses.owner.user))
        engine = get_engine(addresses.owner, EngineOptions(pool_size=1))
        try:
            async with team_session(get_session_factory(engine), ANN) as session:
                assert set(await session.scalars(text("SELECT DISTINCT team_id FROM things"))) == {ANN}
        finally:
            await engine.dispose()
            async with owner.begin() as connection:
                await run(connection, *admit_roles("things", addresses.app.user))

    async def test_roles_can_be_admitted_again(self, addresses: Addresses, owner: AsyncEngine) -> None:
        async with owner.begin() as connection:
            for _ in range(2):
                await run(connection, *admit_roles("things", addresses.app.user))
            policies = await connection.scalars(
                text("SELECT polname FROM pg_policy WHERE polrelid = 'things'::regclass")
            )
            assert set(policies) == {"team_isolation", "owner_access"}

    async def test_a_reader_reads_and_no_more(self, addresses: Addresses, owner: AsyncEngine, app: AsyncEngine) -> None:
        async with owner.begin() as connection:
            await run(connection, "CREATE TABLE notes (id int)", *admit_reader("notes", addresses.app.user))
        async with app.connect() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM notes")) == 0
        with pytest.raises(UnavailableError, match="privilege"):
            async with app.begin() as connection:
                await run(connection, "INSERT INTO notes VALUES (1)")
        async with owner.begin() as connection:
            await run(connection, "DROP TABLE notes")


class TestRole:
    async def test_the_application_is_isolated(self, app: AsyncEngine, addresses: Addresses) -> None:
        async with app.connect() as connection:
            facts = await inspect_role(connection)
        assert facts == RoleFacts(addresses.app.user, is_superuser=False, bypasses_rls=False, owns_tables=False)
        assert facts.is_isolated

    async def test_the_owner_is_not(self, owner: AsyncEngine, addresses: Addresses) -> None:
        async with owner.connect() as connection:
            facts = await inspect_role(connection)
        assert facts == RoleFacts(addresses.owner.user, is_superuser=False, bypasses_rls=False, owns_tables=True)
        assert not facts.is_isolated

    @pytest.mark.parametrize("attribute", ["SUPERUSER", "BYPASSRLS"])
    async def test_a_member_of_one_that_the_policies_do_not_bind_is_not(
        self, attribute: str, app: AsyncEngine, addresses: Addresses, superuser: AsyncEngine
    ) -> None:
        group, between = f"group_{attribute.lower()}", f"between_{attribute.lower()}"
        async with superuser.begin() as connection:
            await run(
                connection,
                f"CREATE ROLE {group} {attribute}",
                f"CREATE ROLE {between} IN ROLE {group}",
                f"GRANT {between} TO {addresses.app.user} WITH INHERIT FALSE",
            )
        try:
            async with app.connect() as connection:
                facts = await inspect_role(connection)
        finally:
            async with superuser.begin() as connection:
                await run(connection, f"DROP ROLE {between}", f"DROP ROLE {group}")
        assert (facts.is_superuser, facts.bypasses_rls) == (attribute == "SUPERUSER", attribute == "BYPASSRLS")
        assert not facts.is_isolated


class TestRepository:
    async def test_a_new_row_has_what_the_database_gives_it(self, factory: async_sessionmaker[AsyncSession]) -> None:
        async with team_session(factory, ANN) as session:
            thing = await ThingRepository(session).add(ThingORM(name="new"))
            assert isinstance(thing.id, UUID)
            assert thing.team_id == ANN
            assert thing.created_at.utcoffset() is not None

    async def test_a_change_moves_updated_at(self, factory: async_sessionmaker[AsyncSession]) -> None:
        async with team_session(factory, ANN) as session:
            things = ThingRepository(session)
            thing = await things.add(ThingORM(name="new"))
            before = thing.updated_at
            thing.name = "newer"
            await things.change(thing)
            assert thing.updated_at > before
            assert thing.created_at <= before

    async def test_pages_follow_one_another_without_gap_or_repetition(
        self, factory: async_sessionmaker[AsyncSession]
    ) -> None:
        team = uuid4()
        async with team_session(factory, team) as session:
            things = ThingRepository(session)
            names = [str(number) for number in range(7)]
            for name in names:
                await things.add(ThingORM(name=name))
            seen, cursor, sizes = [], None, []
            while True:
                page = await things.list_page(PageRequest.of(3, cursor))
                seen += [thing.name for thing in page.items]
                sizes.append(len(page.items))
                cursor = page.next_cursor
                if cursor is None:
                    break
        assert seen == names[::-1]
        assert sizes == [3, 3, 1]

    async def test_a_full_last_page_has_no_cursor(self, factory: async_sessionmaker[AsyncSession]) -> None:
        async with team_session(factory, uuid4()) as session:
            things = ThingRepository(session)
            await things.add(ThingORM(name="only"))
            assert (await things.list_page(PageRequest(1))).next_cursor is None

    async def test_conditions_narrow_the_list(self, factory: async_sessionmaker[AsyncSession]) -> None:
        async with team_session(factory, uuid4()) as session:
            things = ThingRepository(session)
            await things.add(ThingORM(name="a"))
            await things.add(ThingORM(name="b"))
            page = await things.list_page(PageRequest(), ThingORM.name == "b")
            assert [thing.name for thing in page.items] == ["b"]

    async def test_what_cannot_be_stored_is_bad_input(self, factory: async_sessionmaker[AsyncSession]) -> None:
        with pytest.raises(InvalidInputError):
            async with team_session(factory, ANN) as session:
                await ThingRepository(session).add(ThingORM(name="a\0"))


class TestSchema:
    def test_tables_with_a_team_are_found_and_no_other_service_s(self) -> None:
        assert list_team_tables(ThingBase.metadata) == {"things": MAY_CHANGE}
        assert list_team_tables(Base.metadata) == {}

    @pytest.mark.parametrize("schema", ["auth_service", "with space", 'quo"ted', "Üml"])
    async def test_any_name_works_and_extensions_are_found(self, addresses: Addresses, schema: str) -> None:
        address = replace(addresses.app, schema=schema)
        engine = get_engine(address, EngineOptions(pool_size=0))
        async with engine.connect() as connection:
            assert await connection.scalar(text("SHOW search_path")) == address.search_path
            assert await connection.scalar(text("SELECT CAST('[1,2]' AS vector)::text")) == "[1,2]"
        await engine.dispose()

    async def test_the_clock_is_utc(self, app: AsyncEngine) -> None:
        async with app.connect() as connection:
            assert await connection.scalar(text("SHOW timezone")) == "UTC"

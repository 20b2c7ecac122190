"""What keeps teams apart in the database itself, for every table that there is or will be."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID, uuid4

import pytest
from sqlalchemy import UniqueConstraint, func, insert, literal, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.rls import MAY_CHANGE, list_team_tables
from tahoe_core.db.role import inspect_role
from tahoe_core.db.session import team_session
from tahoe_core.errors import InvalidInputError, UnavailableError
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.db import Base
from tahoe_engine.db.repositories.analysis import AnalysisRepository
from tahoe_engine.db.repositories.analysis_row import NewAnalysis
from tahoe_engine.models.analysis import ScoredResult
from tahoe_engine.models.scorecard import ScorecardDefinition

TABLES = list_team_tables(Base.metadata)

type FillTeam = Callable[[AsyncSession], Awaitable[object]]

# Tables of a schema with the team's column, and what protects each of them.
PROTECTION = text(
    "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,"
    " ARRAY(SELECT polname::text FROM pg_policy WHERE polrelid = c.oid ORDER BY polname) AS policies,"
    " ARRAY(SELECT tgname::text FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal) AS triggers"
    " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'team_id' AND NOT a.attisdropped"
    " WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind IN ('r', 'p')"
)


async def list_unprotected(connection: AsyncConnection) -> Sequence[str]:
    return [
        row.relname
        for row in await connection.execute(PROTECTION)
        if not (
            row.relrowsecurity
            and row.relforcerowsecurity
            and row.policies == ["owner_access", "team_isolation"]
            and "keep_team" in row.triggers
        )
    ]


@pytest.fixture(scope="module")
async def teams(engine: AsyncEngine, fill_team: FillTeam) -> tuple[UUID, UUID]:
    """Two teams with rows in every table."""
    ann, ben = uuid4(), uuid4()
    for team in (ann, ben):
        async with team_session(get_session_factory(engine), team) as session:
            await fill_team(session)
    return ann, ben


class TestEveryTable:
    async def test_of_a_team_is_protected(self, owner_engine: AsyncEngine) -> None:
        async with owner_engine.connect() as connection:
            found = {row.relname for row in await connection.execute(PROTECTION)}
            assert found == set(TABLES)
            assert await list_unprotected(connection) == []

    async def test_that_is_new_and_lacks_its_policies_is_found(self, owner_engine: AsyncEngine) -> None:
        async with owner_engine.connect() as connection:
            await connection.execute(text("CREATE TABLE forgotten (team_id uuid)"))
            assert await list_unprotected(connection) == ["forgotten"]

    def test_belongs_to_a_team(self) -> None:
        assert set(TABLES) == set(Base.metadata.tables)

    @pytest.mark.parametrize("table", TABLES)
    def test_points_only_at_rows_of_its_own_team(self, table: str) -> None:
        for key in Base.metadata.tables[table].foreign_key_constraints:
            assert key.column_keys[0] == "team_id"
            assert next(iter(key.elements)).column.name == "team_id"
            assert key.elements[0].column.table.schema is None

    @pytest.mark.parametrize("table", TABLES)
    def test_has_unique_keys_that_begin_with_the_team(self, table: str) -> None:
        for index in Base.metadata.tables[table].indexes:
            assert index.columns.keys()[0] == "team_id"
        for constraint in Base.metadata.tables[table].constraints:
            if isinstance(constraint, UniqueConstraint):
                assert constraint.columns.keys()[0] == "team_id"

    @pytest.mark.parametrize("table", TABLES)
    async def test_shows_a_team_only_its_own_rows(
        self, engine: AsyncEngine, teams: tuple[UUID, UUID], table: str
    ) -> None:
        rows = Base.metadata.tables[table]
        for team in teams:
            async with team_session(get_session_factory(engine), team) as session:
                assert set(await session.scalars(select(rows.c.team_id))) == {team}

    @pytest.mark.parametrize("table", TABLES)
    async def test_shows_nothing_to_nobody(self, engine: AsyncEngine, teams: tuple[UUID, UUID], table: str) -> None:
        async with engine.connect() as connection:
            assert await connection.scalar(select(func.count()).select_from(Base.metadata.tables[table])) == 0

    @pytest.mark.parametrize("table", TABLES)
    async def test_keeps_a_row_in_its_team(
        self, owner_engine: AsyncEngine, teams: tuple[UUID, UUID], table: str
    ) -> None:
        ann, ben = teams
        rows = Base.metadata.tables[table]
        with pytest.raises(DBAPIError, match=f"team_id of {table} never changes|{table} is append-only"):
            async with owner_engine.begin() as connection:
                await connection.execute(update(rows).where(rows.c.team_id == ann).values(team_id=ben))

    @pytest.mark.parametrize("table", TABLES)
    async def test_refuses_a_row_for_another_team(
        self, engine: AsyncEngine, teams: tuple[UUID, UUID], table: str
    ) -> None:
        ann, ben = teams
        rows = Base.metadata.tables[table]
        own = {"id", "team_id"}
        columns = [column for column in rows.columns if column.name not in own and column.computed is None]
        theirs = select(literal(ben), *columns).limit(1)
        with pytest.raises(UnavailableError, match="privilege"):
            async with team_session(get_session_factory(engine), ann) as session:
                await session.execute(insert(rows).from_select(["team_id", *columns], theirs))


class TestReferences:
    async def test_an_analysis_cannot_name_another_team_s_interaction(
        self,
        engine: AsyncEngine,
        teams: tuple[UUID, UUID],
        definition: ScorecardDefinition,
        make_result: Callable[..., ScoredResult],
    ) -> None:
        ann, ben = teams
        factory = get_session_factory(engine)
        async with team_session(factory, ben) as session:
            theirs = await session.scalar(text("SELECT id FROM interactions"))
        async with team_session(factory, ann) as session:
            bound = await ScorecardCatalog(session).get(definition.name)
        with pytest.raises(InvalidInputError, match="does not have"):
            async with team_session(factory, ann) as session:
                await AnalysisRepository(session).insert_many([NewAnalysis(theirs, bound, make_result())])

    async def test_an_analysis_cannot_name_another_team_s_scorecard(
        self,
        engine: AsyncEngine,
        teams: tuple[UUID, UUID],
        definition: ScorecardDefinition,
        make_result: Callable[..., ScoredResult],
    ) -> None:
        ann, ben = teams
        factory = get_session_factory(engine)
        async with team_session(factory, ben) as session:
            theirs = await ScorecardCatalog(session).get(definition.name)
        async with team_session(factory, ann) as session:
            mine = await session.scalar(text("SELECT id FROM interactions"))
        with pytest.raises(InvalidInputError, match="does not have"):
            async with team_session(factory, ann) as session:
                await AnalysisRepository(session).insert_many([NewAnalysis(mine, theirs, make_result())])


class TestApplicationRole:
    async def test_is_isolated(self, engine: AsyncEngine) -> None:
        async with engine.connect() as connection:
            assert (await inspect_role(connection)).is_isolated

    async def test_can_read_add_and_change_and_nothing_else(self, engine: AsyncEngine) -> None:
        async with engine.connect() as connection:
            granted = await connection.execute(
                text(
                    "SELECT c.relname, ARRAY(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE',"
                    " 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p WHERE has_table_privilege(c.oid, p)) AS privileges"
                    " FROM pg_class c WHERE c.relkind = 'r'"
                    " AND c.relnamespace = to_regnamespace(quote_ident(current_schema()))"
                )
            )
            privileges = {row.relname: row.privileges for row in granted}
        assert privileges.pop("alembic_version") == ["SELECT"]
        assert privileges == {table: may.split(", ") for table, may in TABLES.items()}
        assert {table: may for table, may in TABLES.items() if may != MAY_CHANGE} == {
            "agent_version": "SELECT, INSERT",
            "memory_log": "SELECT",
            "memory_use": "SELECT, INSERT",
            "model_call": "SELECT, INSERT",
        }

    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize(
        "statement", ["DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}", "ALTER TABLE {} ADD x int"]
    )
    async def test_cannot_take_anything_away(self, engine: AsyncEngine, table: str, statement: str) -> None:
        with pytest.raises(UnavailableError, match="privilege"):
            async with engine.begin() as connection:
                await connection.execute(text(statement.format(table)))

    async def test_cannot_make_tables(self, engine: AsyncEngine) -> None:
        with pytest.raises(UnavailableError, match="privilege"):
            async with engine.begin() as connection:
                await connection.execute(text("CREATE TABLE mine (id int)"))

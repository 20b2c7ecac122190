"""Every migration, up and down, on a schema of its own."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.engine import EngineOptions, get_engine
from tahoe_core.errors import InvalidInputError, UnavailableError
from tahoe_engine.db.migrate import build_config, current, downgrade, upgrade
from tahoe_engine.db.migrations.ground import prepare_ground
from tahoe_engine.db.revision import HEAD, find_revision

ENGINE_FOLDER = Path(__file__).parents[2]
TABLES = {
    "agent",
    "agent_templates",
    "agent_version",
    "analyses",
    "conversation",
    "interactions",
    "memory",
    "memory_cell",
    "model_call",
    "memory_log",
    "memory_stat",
    "memory_tag",
    "memory_term",
    "memory_use",
    "message",
    "turn",
    "model_providers",
    "portfolios",
    "scorecard_agents",
    "scorecards",
    "tools",
}


class Database(Protocol):
    """As in conftest.py."""

    app: DatabaseAddress
    owner: DatabaseAddress


async def list_objects(address: DatabaseAddress) -> set[str]:
    engine = get_engine(address, EngineOptions(pool_size=0))
    async with engine.connect() as connection:
        relations = await connection.scalars(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(:schema)"
                " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = to_regnamespace(:schema)"
                " UNION ALL SELECT typname FROM pg_type WHERE typnamespace = to_regnamespace(:schema) AND typtype = 'e'"
            ),
            {"schema": address.schema},
        )
        found = set(relations)
    await engine.dispose()
    return found


class TestUpgrade:
    async def test_makes_every_table_and_says_where_it_stands(self, fresh: Database) -> None:
        assert await current(fresh.owner) is None
        await upgrade(fresh.owner, fresh.app.user)
        assert await current(fresh.owner) == HEAD
        assert await list_objects(fresh.owner) >= TABLES

    async def test_run_again_it_changes_nothing(self, fresh: Database) -> None:
        await upgrade(fresh.owner, fresh.app.user)
        before = await list_objects(fresh.owner)
        await upgrade(fresh.owner, fresh.app.user)
        assert await list_objects(fresh.owner) == before

    async def test_several_at_once_are_one(self, fresh: Database) -> None:
        await asyncio.gather(*(upgrade(fresh.owner, fresh.app.user) for _ in range(4)))
        assert await current(fresh.owner) == HEAD

    async def test_the_application_can_ask_where_it_stands(self, fresh: Database) -> None:
        await upgrade(fresh.owner, fresh.app.user)
        assert await current(fresh.app) == HEAD

    async def test_the_models_and_the_tables_agree(self, fresh: Database) -> None:
        await upgrade(fresh.owner, fresh.app.user)
        engine = get_engine(fresh.owner, EngineOptions(pool_size=0))

        def check(connection: Connection) -> None:
            command.check(build_config(connection, fresh.owner.schema, fresh.app.user))

        async with engine.connect() as connection:
            await connection.run_sync(check)
        await engine.dispose()

    async def test_an_unknown_role_is_named_and_nothing_is_left(self, fresh: Database) -> None:
        with pytest.raises(InvalidInputError, match="nobody_at_all"):
            await upgrade(fresh.owner, "nobody_at_all")
        assert await current(fresh.owner) is None

    async def test_the_application_may_not_migrate(self, fresh: Database) -> None:
        with pytest.raises(UnavailableError, match="privilege"):
            await upgrade(fresh.app, fresh.app.user)

    async def test_works_as_the_application_s_own_role(self, fresh: Database) -> None:
        await upgrade(fresh.owner, fresh.owner.user)
        assert await current(fresh.owner) == HEAD
        await upgrade(fresh.owner, fresh.app.user)
        assert await current(fresh.app) == HEAD


class TestVersionsOfAgents:
    @pytest.mark.parametrize("role", ["app", "owner"])
    async def test_begin_with_what_each_agent_is(self, fresh: Database, role: str) -> None:
        """Where the application is the owner, no policy lets a migration see what teams have."""
        app: DatabaseAddress = getattr(fresh, role)
        await upgrade(fresh.owner, app.user)
        await downgrade(fresh.owner, app.user, "005_unread")
        engine = get_engine(app, EngineOptions(pool_size=1))
        as_team = text("SELECT set_config('app.team_id', '0198a7a0-0000-7000-8000-000000000001', true)")
        async with engine.begin() as connection:
            await connection.execute(as_team)
            await connection.execute(
                text(
                    "INSERT INTO agent (team_id, slug, name, dna, status, version, created_at)"
                    " SELECT current_setting('app.team_id')::uuid, slug, slug, '{\"role\": \"Counts\"}', 'paused',"
                    " version, '2026-01-01Z' FROM (VALUES ('ada', 1), ('ben', 7)) AS known (slug, version)"
                )
            )
        await upgrade(fresh.owner, app.user)
        async with engine.begin() as connection:
            await connection.execute(as_team)
            # As the release before does, which knows of no versions.
            await connection.execute(text("UPDATE agent SET version = version + 1 WHERE slug = 'ben'"))
            query = "SELECT dna, version, actor, created_at < '2026-01-02Z' AS is_old FROM agent_version"
            rows = (await connection.execute(text(f"{query} ORDER BY version"))).all()
        await engine.dispose()
        ada, ben = ({"role": "Counts", "slug": slug, "status": "paused"} for slug in ("ada", "ben"))
        assert rows == [(ada, 1, None, True), (ben, 7, None, False), (ben, 8, None, False)]


class TestUnderLoad:
    """The application works on while its tables are migrated."""

    async def test_where_nothing_is_to_do_nothing_is_locked(self, fresh: Database) -> None:
        await upgrade(fresh.owner, fresh.app.user)
        engine = get_engine(fresh.app, EngineOptions(pool_size=1))
        async with engine.connect() as connection:
            for table in TABLES:
                await connection.execute(text(f"SELECT count(*) FROM {table}"))  # noqa: S608 - our names
            await asyncio.wait_for(upgrade(fresh.owner, fresh.app.user), timeout=5)
        await engine.dispose()

    async def test_gives_way_to_a_transaction_that_waits_for_it(self, fresh: Database) -> None:
        """A transaction reads the one table, then the other, and the migration locks them the other way round."""
        await upgrade(fresh.owner, fresh.app.user)
        await downgrade(fresh.owner, fresh.app.user, "003_memory_cells")
        engine = get_engine(fresh.app, EngineOptions(pool_size=1))
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE conversation SET title = title"))
            migrating = asyncio.create_task(upgrade(fresh.owner, fresh.app.user))
            await wait_until_locked(fresh.owner, "turn")
            assert await connection.scalar(text("SELECT count(*) FROM turn")) == 0
            assert not migrating.done()
        await asyncio.wait_for(migrating, timeout=10)
        assert await current(fresh.owner) == HEAD
        await engine.dispose()


async def wait_until_locked(address: DatabaseAddress, table: str) -> None:
    """Returns when somebody holds a table for himself."""
    engine = get_engine(address, EngineOptions(pool_size=0))
    query = text(
        "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_class ON pg_class.oid = relation WHERE granted"
        " AND mode = 'AccessExclusiveLock' AND relname = :table AND relnamespace = to_regnamespace(:schema))"
    )
    async with asyncio.timeout(10), engine.connect() as connection:
        while not await connection.scalar(query, {"table": table, "schema": address.schema}):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await engine.dispose()


class TestDowngrade:
    async def test_leaves_nothing_but_the_version_table(self, fresh: Database) -> None:
        before = await list_objects(fresh.owner)
        await upgrade(fresh.owner, fresh.app.user)
        await downgrade(fresh.owner, fresh.app.user)
        assert await list_objects(fresh.owner) - before == {"alembic_version", "alembic_version_pkc"}
        assert await current(fresh.owner) is None

    async def test_can_be_taken_back(self, fresh: Database) -> None:
        await upgrade(fresh.owner, fresh.app.user)
        await downgrade(fresh.owner, fresh.app.user)
        await upgrade(fresh.owner, fresh.app.user)
        assert await current(fresh.owner) == HEAD


class TestRevision:
    def test_head_is_the_newest_script(self) -> None:
        assert ScriptDirectory.from_config(build_config()).get_heads() == [HEAD]

    def test_asking_imports_no_alembic(self) -> None:
        code = "import sys, tahoe_engine.db.revision; sys.exit('alembic' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

    async def test_a_version_table_in_public_is_somebody_else_s(self, fresh: Database, engine: AsyncEngine) -> None:
        async with engine.connect() as connection:
            await connection.execute(text("CREATE TEMPORARY TABLE alembic_version (version_num text)"))
            await connection.execute(text("INSERT INTO alembic_version VALUES ('somebody else')"))
            assert await find_revision(connection, fresh.owner.schema) is None

    @pytest.mark.parametrize("schema", ["nowhere", 'odd :name "quoted" %s', "Ünï"])
    async def test_any_schema_can_be_asked_for(self, engine: AsyncEngine, schema: str) -> None:
        async with engine.connect() as connection:
            assert await find_revision(connection, schema) is None

    async def test_an_unreachable_database_is_no_empty_one(self, fresh: Database) -> None:
        engine = get_engine(fresh.owner, EngineOptions(pool_size=0))
        async with engine.connect() as connection, engine.connect() as killer:
            pid = await connection.scalar(text("SELECT pg_backend_pid()"))
            await killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            await asyncio.sleep(0.1)
            with pytest.raises(UnavailableError):
                await find_revision(connection, fresh.owner.schema)
        await engine.dispose()


class TestCommandLine:
    """`alembic` itself, in the service's folder."""

    def run(self, fresh: Database, *arguments: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": self.url(fresh.app),
            "DATABASE_OWNER_URL": self.url(fresh.owner),
        }
        done = subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=ENGINE_FOLDER,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def url(self, address: DatabaseAddress) -> str:
        password = quote(address.password or "", safe="")
        return (
            f"postgresql://{address.user}:{password}@{address.host}:{address.port}/{address.database}"
            f"?schema={quote(address.schema, safe='')}"
        )

    async def test_upgrades_checks_and_takes_back(self, fresh: Database) -> None:
        self.run(fresh, "upgrade", "head")
        assert await current(fresh.app) == HEAD
        assert "No new upgrade operations" in self.run(fresh, "check")
        self.run(fresh, "downgrade", "base")
        assert await current(fresh.owner) is None

    async def test_its_script_does_what_it_would_do_itself(self, fresh: Database) -> None:
        script = self.run(fresh, "upgrade", "head", "--sql")
        make_schema = f'CREATE SCHEMA IF NOT EXISTS "{fresh.owner.schema}";'
        assert make_schema in script
        engine = get_engine(fresh.owner, EngineOptions(pool_size=0))
        async with engine.begin() as connection:
            await prepare_ground(connection, fresh.owner.schema)  # the owner may not make schemas everywhere
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            await driver.execute(script.replace(make_schema, ""))
        await engine.dispose()
        assert await current(fresh.app) == HEAD
        assert await list_objects(fresh.owner) >= TABLES

import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.postgres.home import Home
from tahoe_core.postgres.lifecycle import ensure_running, stop, superuser_url
from tahoe_core.postgres.provision import ServiceDatabase, ServiceUrls, provision_service
from tahoe_core.postgres.settings import THROWAWAY
from tahoe_core.postgres.state import find_state, write_state
from tahoe_core.postgres.testing import TemporaryPostgres

type Fetch = Callable[[str, str], Awaitable[list[Any]]]
type Child = Callable[..., Any]


ENGINE = ServiceDatabase(schema="agent_engine", owner_role="agent_engine_owner", app_role="agent_engine_app")
BILLING = ServiceDatabase(schema="billing", owner_role="billing_owner", app_role="billing_app")


@pytest.fixture(scope="session")
def urls(shared: TemporaryPostgres) -> ServiceUrls:
    return provision_service(shared.home, ENGINE)


@pytest.fixture(scope="session")
async def notes(urls: ServiceUrls, fetch: Fetch) -> None:
    await fetch(urls.owner_url, "CREATE TABLE agent_engine.notes (id serial PRIMARY KEY, said text)")


class TestTheUrls:
    def test_have_the_form_that_services_are_configured_with(
        self, urls: ServiceUrls, shared: TemporaryPostgres
    ) -> None:
        rest = rf"@127\.0\.0\.1:{shared.server.port}/tahoe\?schema=agent_engine"

        assert re.fullmatch(rf"postgresql://agent_engine_app:[\w-]{{32}}{rest}", urls.app_url)
        assert re.fullmatch(rf"postgresql://agent_engine_owner:[\w-]{{32}}{rest}", urls.owner_url)

    def test_stay_the_same(self, urls: ServiceUrls, shared: TemporaryPostgres) -> None:
        assert provision_service(shared.home, ENGINE) == urls

    def test_come_within_30_ms_when_all_is_done(self, urls: ServiceUrls, shared: TemporaryPostgres) -> None:
        seconds = []
        for _ in range(9):
            begin = time.perf_counter()
            provision_service(shared.home, ENGINE)
            seconds.append(time.perf_counter() - begin)

        assert min(seconds) < 0.03

    def test_come_without_importing_anything_heavy(self, urls: ServiceUrls, shared: TemporaryPostgres) -> None:
        code = (
            "import sys; from pathlib import Path\n"
            "from tahoe_core.postgres.provision import ServiceDatabase, provision_service\n"
            "provision_service(Path(sys.argv[1]), ServiceDatabase('agent_engine', 'agent_engine_owner',"
            " 'agent_engine_app'))\n"
            "print(*{'sqlalchemy', 'asyncpg', 'asyncio', 'psutil', 'structlog', 'pydantic'} & set(sys.modules))"
        )

        done = subprocess.run(
            [sys.executable, "-c", code, shared.home], capture_output=True, text=True, check=True, timeout=60
        )

        assert done.stdout.strip() == ""


class TestTheRoles:
    async def test_have_no_power_beyond_their_database(
        self, urls: ServiceUrls, shared: TemporaryPostgres, fetch: Fetch
    ) -> None:
        rows = await fetch(
            superuser_url(shared.home),
            "SELECT rolname, rolcanlogin, rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls OR rolreplication"
            " AS mighty FROM pg_roles WHERE rolname LIKE 'agent_engine%' ORDER BY 1",
        )

        assert [tuple(row) for row in rows] == [("agent_engine_app", True, False), ("agent_engine_owner", True, False)]

    async def test_the_application_reads_inserts_and_updates_what_the_owner_made(
        self, urls: ServiceUrls, notes: None, fetch: Fetch
    ) -> None:
        await fetch(urls.app_url, "INSERT INTO agent_engine.notes (said) VALUES ('hello')")
        await fetch(urls.app_url, "UPDATE agent_engine.notes SET said = 'hello again'")

        rows = await fetch(urls.app_url, "SELECT said FROM agent_engine.notes")

        assert {row["said"] for row in rows} == {"hello again"}

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM agent_engine.notes",
            "TRUNCATE agent_engine.notes",
            "ALTER TABLE agent_engine.notes DISABLE ROW LEVEL SECURITY",
            "DROP TABLE agent_engine.notes",
            "CREATE TABLE agent_engine.mine (id int)",
            "CREATE TABLE public.mine (id int)",
            "CREATE SCHEMA mine",
            "SET ROLE agent_engine_owner",
            "SET ROLE postgres",
            "COPY agent_engine.notes TO PROGRAM 'cat'",
            "CREATE EXTENSION plperl",
        ],
    )
    async def test_the_application_may_not(self, urls: ServiceUrls, notes: None, fetch: Fetch, statement: str) -> None:
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError)):
            await fetch(urls.app_url, statement)

    async def test_the_application_calls_functions_and_uses_vectors(self, urls: ServiceUrls, fetch: Fetch) -> None:
        await fetch(
            urls.owner_url,
            "CREATE OR REPLACE FUNCTION agent_engine.three() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 3; END'",
        )

        rows = await fetch(urls.app_url, "SELECT agent_engine.three() AS n, '[1,2]'::vector <-> '[1,2]' AS distance")

        assert dict(rows[0]) == {"n": 3, "distance": 0.0}

    async def test_the_owner_may_not_create_in_public(self, urls: ServiceUrls, fetch: Fetch) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fetch(urls.owner_url, "CREATE TABLE public.mine (id int)")

    async def test_the_owner_alone_has_a_schema_for_background_work(self, urls: ServiceUrls, fetch: Fetch) -> None:
        await fetch(urls.owner_url, "CREATE TABLE IF NOT EXISTS agent_engine_dbos.runs (id int)")

        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fetch(urls.app_url, "SELECT * FROM agent_engine_dbos.runs")

    async def test_no_role_reaches_another_database_or_another_service(
        self, urls: ServiceUrls, shared: TemporaryPostgres, notes: None, fetch: Fetch
    ) -> None:
        billing = provision_service(shared.home, BILLING)

        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fetch(billing.owner_url, "SELECT * FROM agent_engine.notes")
        for database in ("postgres", "template1"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await fetch(urls.owner_url.replace("/tahoe?", f"/{database}?"), "SELECT 1")

    async def test_a_role_of_no_service_cannot_connect(
        self, urls: ServiceUrls, shared: TemporaryPostgres, fetch: Fetch
    ) -> None:
        await fetch(superuser_url(shared.home), "CREATE ROLE stranger LOGIN PASSWORD 'made-up'")
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await fetch(f"postgresql://stranger:made-up@127.0.0.1:{shared.server.port}/tahoe", "SELECT 1")
        finally:
            await fetch(superuser_url(shared.home), "DROP ROLE stranger")


class TestProvisioning:
    async def test_begins_on_an_empty_home(self, home: Path, fetch: Fetch) -> None:
        urls = provision_service(home, ENGINE)

        assert [tuple(row) for row in await fetch(urls.app_url, "SELECT current_user::text")] == [("agent_engine_app",)]

    async def test_can_be_done_again_over_what_is_there(
        self, urls: ServiceUrls, shared: TemporaryPostgres, notes: None, fetch: Fetch
    ) -> None:
        files = Home.at(shared.home)
        state = find_state(files)
        assert state is not None
        write_state(files, replace(state, provisioned={}))

        assert provision_service(shared.home, ENGINE) == urls
        assert await fetch(urls.app_url, "SELECT count(*) FROM agent_engine.notes")

    async def test_notices_that_the_cluster_was_replaced(self, made: Path, fetch: Fetch) -> None:
        before = provision_service(made, ENGINE)
        stop(made)
        (made / "postgres").rename(made / "away")
        (made / "postgres.json").rename(made / "postgres.json.away")
        ensure_running(made, THROWAWAY)
        stop(made)
        (made / "postgres.json.away").rename(made / "postgres.json")

        after = provision_service(made, ENGINE)

        assert after.app_url.partition("@")[0] == before.app_url.partition("@")[0]
        assert [tuple(row) for row in await fetch(after.app_url, "SELECT 1")] == [(1,)]

    async def test_works_on_from_where_it_failed(
        self, made: Path, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ensure_running(made, THROWAWAY)
        with monkeypatch.context() as patch:
            patch.setattr("tahoe_core.postgres.provision._SETUP", "\\set ON_ERROR_STOP on\nSELECT no_such_thing;\n")
            with pytest.raises(EmbeddedPostgresError, match=r"agent_engine could not be set up.*no_such_thing"):
                provision_service(made, ENGINE)

        urls = provision_service(made, ENGINE)

        assert await fetch(urls.app_url, "SELECT 1")

    def test_of_two_at_once_gives_both_the_same(self, made: Path, child: Child) -> None:
        code = (
            "import sys; from pathlib import Path\n"
            "from tahoe_core.postgres.provision import ServiceDatabase, provision_service\n"
            "print(provision_service(Path(sys.argv[1]), ServiceDatabase('agent_engine', 'agent_engine_owner',"
            " 'agent_engine_app')).app_url)"
        )

        answers = {each.communicate(timeout=90) for each in [child(code, made), child(code, made)]}

        assert len(answers) == 1
        assert answers.pop()[0].startswith("postgresql://agent_engine_app:")

    @pytest.mark.parametrize("name", ["", "Agent", "a-b", "x" * 64, "pg_mine", 'a"; DROP SCHEMA public; --', "1st"])
    def test_refuses_names_that_postgres_would_cut_or_that_need_quotes(self, name: str) -> None:
        with pytest.raises(EmbeddedPostgresError, match="cannot be the name"):
            ServiceDatabase(schema=name, owner_role="owner", app_role="app")

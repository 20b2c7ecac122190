"""What goes wrong with a real server, or with none, and what the user reads."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Protocol
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.driver_errors import translate
from tahoe_core.db.engine import EngineOptions, get_engine, get_session_factory
from tahoe_core.db.session import team_session
from tahoe_core.errors import ConflictError, InvalidInputError, PayloadTooLargeError, TahoeError, UnavailableError


class Addresses(Protocol):
    """As in conftest.py."""

    app: DatabaseAddress
    owner: DatabaseAddress


@asynccontextmanager
async def connected(address: DatabaseAddress, options: EngineOptions | None = None) -> AsyncIterator[AsyncConnection]:
    engine = get_engine(address, options or EngineOptions(pool_size=0))
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def failure(
    address: DatabaseAddress, statement: str = "SELECT 1", options: EngineOptions | None = None
) -> TahoeError:
    with pytest.raises(TahoeError) as raised:
        async with connected(address, options) as connection:
            await connection.execute(text(statement))
    assert address.password is None or address.password not in f"{raised.value} {raised.value!r}"
    return raised.value


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class TestConnecting:
    async def test_nobody_listens(self, addresses: Addresses, closed_port: int) -> None:
        error = await failure(replace(addresses.app, port=closed_port))
        assert isinstance(error, UnavailableError)
        assert f"127.0.0.1:{closed_port}" in error.message
        assert "tahoe doctor" in error.cure

    async def test_somebody_listens_and_is_silent(self, addresses: Addresses, silent_port: int) -> None:
        options = EngineOptions(pool_size=0, connect_timeout=0.2)
        error = await failure(replace(addresses.app, port=silent_port), options=options)
        assert isinstance(error, UnavailableError)
        assert "does not answer in time" in error.message

    async def test_the_host_does_not_exist(self, addresses: Addresses) -> None:
        error = await failure(replace(addresses.app, host="no-such-host.invalid"))
        assert isinstance(error, UnavailableError)
        assert "no-such-host.invalid:" in error.message

    async def test_the_password_is_wrong(self, addresses: Addresses) -> None:
        error = await failure(replace(addresses.app, password="wr0ng"))
        assert isinstance(error, UnavailableError)
        assert "password is wrong" in error.message

    async def test_the_database_does_not_exist(self, addresses: Addresses) -> None:
        error = await failure(replace(addresses.app, database="nowhere"))
        assert isinstance(error, UnavailableError)
        assert "no such database" in error.message

    async def test_no_connection_comes_free(self, addresses: Addresses) -> None:
        engine = get_engine(addresses.app, EngineOptions(pool_size=1, max_overflow=0, pool_timeout=0.1))
        factory = get_session_factory(engine)
        async with team_session(factory, uuid4()):
            with pytest.raises(UnavailableError, match="came free"):
                async with team_session(factory, uuid4()):
                    pass
        await engine.dispose()


class TestStatements:
    async def test_a_statement_takes_too_long(self, addresses: Addresses) -> None:
        options = EngineOptions(pool_size=0, statement_timeout=0.1)
        error = await failure(addresses.app, "SELECT pg_sleep(5)", options)
        assert isinstance(error, UnavailableError)
        assert "took too long" in error.message

    async def test_a_lock_is_held_for_too_long(self, addresses: Addresses) -> None:
        options = EngineOptions(pool_size=0, lock_timeout=0.1)
        async with connected(addresses.app) as holder:
            await holder.execute(text("SELECT pg_advisory_xact_lock(42)"))
            error = await failure(addresses.app, "SELECT pg_advisory_xact_lock(42)", options)
        assert isinstance(error, UnavailableError)
        assert "lock" in error.message

    async def test_the_server_ends_the_connection(self, addresses: Addresses) -> None:
        async with connected(addresses.app) as victim, connected(addresses.app) as killer:
            pid = await victim.scalar(text("SELECT pg_backend_pid()"))
            await killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            await asyncio.sleep(0.1)
            with pytest.raises(UnavailableError):
                await victim.execute(text("SELECT 1"))

    async def test_a_pool_opens_another_connection_in_place_of_a_dead_one(self, addresses: Addresses) -> None:
        engine = get_engine(addresses.app, EngineOptions(pool_size=1, max_overflow=0))
        async with engine.connect() as connection:
            pid = await connection.scalar(text("SELECT pg_backend_pid()"))
        async with connected(addresses.app) as killer:
            await killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        await asyncio.sleep(0.1)
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT pg_backend_pid()")) != pid
        await engine.dispose()

    @pytest.mark.parametrize(
        ("statement", "expected", "said"),
        [
            ("SELECT * FROM nothing_here", UnavailableError, "a table is missing"),
            ("SELECT nothing_here FROM pg_class", UnavailableError, "a column is missing"),
            ("CREATE TABLE public.not_mine (id int)", UnavailableError, "lacks a privilege"),
            ("SELECT 1 / 0", InvalidInputError, "cannot be stored"),
            ("SELECT repeat('x', 1100000000)", PayloadTooLargeError, "larger than"),
        ],
    )
    async def test_says_it_in_our_words(
        self, addresses: Addresses, statement: str, expected: type[TahoeError], said: str
    ) -> None:
        error = await failure(addresses.app, statement)
        assert isinstance(error, expected)
        assert said in error.message

    async def test_a_null_byte_is_bad_input(self, app: AsyncEngine) -> None:
        with pytest.raises(InvalidInputError):
            async with app.connect() as connection:
                await connection.execute(text("SELECT CAST(:value AS text)"), {"value": "a\0b"})

    async def test_half_a_surrogate_pair_is_bad_input(self, app: AsyncEngine) -> None:
        with pytest.raises(InvalidInputError):
            async with app.connect() as connection:
                await connection.execute(text("SELECT CAST(:value AS text)"), {"value": "a\ud800"})

    async def test_a_mistake_of_ours_stays_what_it_is(self, app: AsyncEngine) -> None:
        with pytest.raises(Exception, match="syntax error") as raised:
            async with app.connect() as connection:
                await connection.execute(text("SELEC 1"))
        assert not isinstance(raised.value, TahoeError)


class TestConstraints:
    @pytest.fixture
    async def table(self, owner: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        async with owner.connect() as connection:
            await connection.execute(
                text("CREATE TEMPORARY TABLE fruit (name text PRIMARY KEY, weight int CHECK (weight > 0))")
            )
            yield connection

    async def test_twice_the_same_is_a_conflict(self, table: AsyncConnection) -> None:
        insert = text("INSERT INTO fruit VALUES ('apple', 1)")
        await table.execute(insert)
        with pytest.raises(ConflictError, match="fruit") as raised:
            await table.execute(insert)
        assert "apple" not in str(raised.value)

    async def test_a_broken_rule_is_bad_input(self, table: AsyncConnection) -> None:
        with pytest.raises(InvalidInputError, match="fruit_weight_check"):
            await table.execute(text("INSERT INTO fruit VALUES ('apple', 0)"))

    async def test_a_missing_value_is_bad_input(self, table: AsyncConnection) -> None:
        with pytest.raises(InvalidInputError, match="fruit"):
            await table.execute(text("INSERT INTO fruit VALUES (null, 1)"))


def test_an_error_that_is_not_the_database_s_is_left_alone() -> None:
    assert translate(KeyError("x"), "h:1") is None

"""The engine of one service, and the factory of its sessions."""

import time
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import URL, AdaptedConnection, NullPool, event
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.driver_errors import translate
from tahoe_core.db.storable import from_json_text, to_json_text

_RETURNED_AT = "tahoe_returned_at"
_TRUSTED_SECONDS = 1.0


@dataclass(frozen=True)
class EngineOptions:
    """How an engine treats its connections.

    Attributes:
        pool_size: Connections kept open; 0: none is kept, each is opened when needed.
        max_overflow: Connections that may be opened beyond those.
        pool_timeout: Seconds to wait for a free one.
        connect_timeout: Seconds in which a connection must stand.
        statement_timeout: Seconds after which Postgres stops a statement; 0: never.
        lock_timeout: Seconds to wait for somebody else's lock; 0: for ever.
        idle_in_transaction_timeout: Seconds after which Postgres ends a transaction in which nothing happens.
        application_name: What `pg_stat_activity` shows.
    """

    pool_size: int = 10
    max_overflow: int = 10
    pool_timeout: float = 10
    connect_timeout: float = 5
    statement_timeout: float = 30
    lock_timeout: float = 10
    idle_in_transaction_timeout: float = 60
    application_name: str = "tahoe"


def get_engine(address: DatabaseAddress | str, options: EngineOptions | None = None) -> AsyncEngine:
    """Builds an engine; nothing is connected yet.

    Whatever goes wrong in it later is raised as a `TahoeError` (see `tahoe_core.db.driver_errors`).

    Args:
        address: Where the database is; a URL is parsed.
        options: How to treat the connections.

    Raises:
        InvalidInputError: The URL is none.
    """
    if isinstance(address, str):
        address = DatabaseAddress.parse(address)
    options = options or EngineOptions()
    connect = _Connect(address, options)
    pool: dict[str, Any] = (
        {
            "pool_size": options.pool_size,
            "max_overflow": options.max_overflow,
            "pool_timeout": options.pool_timeout,
            "pool_use_lifo": True,  # so that those not needed fall idle
        }
        if options.pool_size
        else {"poolclass": NullPool}
    )
    engine = create_async_engine(
        # For display alone: `connect` opens the connections, and the password stands nowhere else.
        URL.create("postgresql+asyncpg", address.user, None, address.host, address.port, address.database),
        async_creator=connect,
        json_serializer=to_json_text,
        json_deserializer=from_json_text,
        hide_parameters=True,  # they carry what people said
        **pool,
    )

    @event.listens_for(engine.sync_engine, "handle_error")
    def _say_it_in_our_words(context: ExceptionContext) -> BaseException | None:
        return translate(context.original_exception, address.place)

    if options.pool_size:
        event.listen(engine.sync_engine, "checkout", _refuse_dead_connection)
        event.listen(engine.sync_engine, "checkin", _note_return)
    return engine


def get_session_factory(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Builds the factory of an engine's sessions; `tahoe_core.db.session.team_session` opens them."""
    return async_sessionmaker(engine, expire_on_commit=False, autoflush=False)


def _refuse_dead_connection(connection: AdaptedConnection, record: ConnectionPoolEntry, _fairy: object) -> None:
    """Lets the pool open another connection in place of one that died while nobody used it.

    One that was used a moment ago is asked nothing: if the server ended it, the driver knows. SQLAlchemy's own
    `pool_pre_ping` takes three round trips, each time.
    """
    driver: asyncpg.Connection = connection.driver_connection
    if time.monotonic() - record.info.get(_RETURNED_AT, 0) < _TRUSTED_SECONDS and not driver.is_closed():
        return
    try:
        connection.run_async(_ask)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DisconnectionError from error


def _note_return(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[_RETURNED_AT] = time.monotonic()


async def _ask(driver: asyncpg.Connection) -> None:
    await driver.execute("SELECT")


class _Connect:
    """Opens connections; a class, so that a traceback's locals show no password."""

    def __init__(self, address: DatabaseAddress, options: EngineOptions) -> None:
        self._address = address
        self._options = options

    async def __call__(self) -> asyncpg.Connection:
        address, options = self._address, self._options
        try:
            return await asyncpg.connect(
                host=address.host,
                port=address.port,
                user=address.user,
                password=address.password,
                database=address.database,
                ssl=address.make_ssl(),
                timeout=address.connect_timeout or options.connect_timeout,
                # The server stops a statement first and says so; this is for a server that says nothing any more.
                command_timeout=options.statement_timeout + 5 if options.statement_timeout else None,
                server_settings=self._server_settings(),
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise translate(error, address.place) or error from error

    def _server_settings(self) -> dict[str, str]:
        options = self._options
        return {
            "application_name": self._address.application_name or options.application_name,
            "search_path": self._address.search_path,
            "timezone": "UTC",
            "jit": "off",  # it costs more than it gains on short statements
            "statement_timeout": _milliseconds(options.statement_timeout),
            "lock_timeout": _milliseconds(options.lock_timeout),
            "idle_in_transaction_session_timeout": _milliseconds(options.idle_in_transaction_timeout),
        }


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))

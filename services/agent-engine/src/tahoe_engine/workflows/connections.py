"""DBOS's way into the database: psycopg, since its threads know no event loop."""

from typing import Any, cast

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.driver_errors import find_sqlstate, translate
from tahoe_core.errors import UnavailableError

_CONNECT_SECONDS = 5
_STATEMENT_SECONDS = 30
# A frozen client holds its row locks for as long as this; DBOS's own default is a minute.
_IDLE_IN_TRANSACTION_SECONDS = 3
_DEAD_PEER_SECONDS = 10


class EngineClosedError(Exception):
    """Somebody asks for a connection after the end; DBOS, which retries a lost one for ever, gives up on this."""


class SystemEngine:
    """A pool of connections of its own kind, which after `close` refuses new ones."""

    def __init__(
        self,
        address: DatabaseAddress,
        application_name: str,
        pool_size: int,
        *,
        statement_seconds: float = _STATEMENT_SECONDS,
    ) -> None:
        self._address = address
        self._application_name = application_name
        self._statement_seconds = statement_seconds
        self._is_closed = False
        self.engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=30,
            pool_pre_ping=True,
            hide_parameters=True,
        )

    def close(self) -> None:
        """Closes what is idle, and what is in use once it is given back."""
        self._is_closed = True
        self.engine.dispose()

    def _connect(self) -> psycopg.Connection:
        if self._is_closed:
            raise EngineClosedError
        return connect(self._address, self._application_name, statement_seconds=self._statement_seconds)


def connect(
    address: DatabaseAddress,
    application_name: str,
    *,
    autocommit: bool = False,
    statement_seconds: float = _STATEMENT_SECONDS,
    lock_seconds: float = 0,
) -> psycopg.Connection:
    """Opens one connection; a peer that says nothing any more is given up within seconds.

    Raises:
        psycopg.OperationalError: The database cannot be reached.
    """
    parameters: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "user": address.user,
        "password": address.password,
        "dbname": address.database,
        "sslmode": address.ssl_mode,
        "sslrootcert": address.ssl_root_cert,
        "application_name": address.application_name or application_name,
        "connect_timeout": max(1, round(address.connect_timeout or _CONNECT_SECONDS)),
        "keepalives_idle": _DEAD_PEER_SECONDS,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": _DEAD_PEER_SECONDS * 1000,
        "options": (
            f"-c statement_timeout={round(statement_seconds * 1000)} -c lock_timeout={round(lock_seconds * 1000)}"
            f" -c idle_in_transaction_session_timeout={_IDLE_IN_TRANSACTION_SECONDS * 1000} -c timezone=UTC -c jit=off"
        ),
    }
    conninfo = make_conninfo("", **{name: value for name, value in parameters.items() if value is not None})
    return cast("psycopg.Connection", psycopg.connect(conninfo, autocommit=autocommit))


def explain(error: Exception, address: DatabaseAddress) -> Exception:
    """Returns what to raise for an error of psycopg or its engine; the error itself where it tells nothing we know."""
    known = translate(error, address.place)
    if known is None and find_sqlstate(error) is None and isinstance(error, psycopg.Error | sa.exc.DBAPIError):
        return UnavailableError(
            f"Postgres at {address.place} cannot be reached.", cure="Check that it runs there; `tahoe doctor` helps."
        )
    return known or error

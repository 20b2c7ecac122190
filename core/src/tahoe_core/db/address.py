"""The one place where a database URL is taken apart."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from tahoe_core.errors import InvalidInputError

_DRIVERS = ("postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg")
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_PARAMETERS = ("schema", "sslmode", "sslrootcert", "host", "port", "application_name", "connect_timeout")
_MAX_NAME_BYTES = 63  # Postgres cuts longer names off
_FORM = "It looks like postgresql://USER:PASSWORD@HOST:5432/DATABASE?schema=SCHEMA."


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a service's tables are and how to get in; its `repr` leaves the password out.

    Attributes:
        host: Name, IP address or the directory of a socket.
        ssl_mode: As libpq's `sslmode`; None: the driver's default, which is `prefer`.
        ssl_root_cert: File of the authorities to trust, for the modes that verify.
        application_name: As the URL says it; None: the caller chooses.
        connect_timeout: Seconds, as the URL says it; None: the caller chooses.
    """

    host: str
    port: int
    user: str
    password: str | None = field(repr=False)
    database: str
    schema: str
    ssl_mode: str | None = None
    ssl_root_cert: str | None = None
    application_name: str | None = None
    connect_timeout: float | None = None

    @classmethod
    def parse(cls, url: str, *, default_schema: str = "public") -> Self:
        """Takes apart `postgresql://user:password@host:port/database?schema=name`.

        Args:
            url: The address; `?schema=` is Tahoe's own parameter, which no driver knows.
            default_schema: The schema when the URL names none.

        Raises:
            InvalidInputError: It is no such URL. The message never repeats the URL, which may hold a password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise _wrong("cannot be taken apart (is a character of its password not percent-encoded?)") from None
        if parts.scheme not in _DRIVERS:
            raise _wrong(f"does not begin with {_DRIVERS[0]}://")
        if parts.fragment:
            raise _wrong("holds a # that is not percent-encoded (write it as %23)")
        parameters = _parameters(parts.query)
        user, database = unquote(parts.username or ""), unquote(parts.path.removeprefix("/"))
        if not user:
            raise _wrong("names no user")
        if not database:
            raise _wrong("names no database")
        return cls(
            host=parameters.get("host") or unquote(parts.hostname or "") or "localhost",
            port=port or _number(parameters, "port", int) or 5432,
            user=user,
            password=unquote(parts.password) if parts.password is not None else None,
            database=database,
            schema=_schema(parameters.get("schema") or default_schema),
            ssl_mode=_ssl_mode(parameters.get("sslmode")),
            ssl_root_cert=parameters.get("sslrootcert"),
            application_name=parameters.get("application_name"),
            connect_timeout=_number(parameters, "connect_timeout", float),
        )

    @property
    def place(self) -> str:
        """`host:port`, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def search_path(self) -> str:
        """The service's schema, then `public`, where extensions live."""
        return f"{quote_identifier(self.schema)}, public"

    def make_ssl(self) -> ssl.SSLContext | str | None:
        """Returns what asyncpg takes as its `ssl` argument.

        Raises:
            InvalidInputError: The file of authorities cannot be read.
        """
        if self.ssl_mode not in {"verify-ca", "verify-full"} or self.ssl_root_cert is None:
            return self.ssl_mode
        try:
            context = ssl.create_default_context(cafile=self.ssl_root_cert)
        except OSError as error:
            raise _wrong(f"names sslrootcert={self.ssl_root_cert}, which cannot be read ({error.strerror})") from error
        context.check_hostname = self.ssl_mode == "verify-full"
        return context


def quote_identifier(name: str) -> str:
    """Returns an SQL identifier that means exactly this name."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """Returns an SQL string that means exactly this text, whatever `standard_conforming_strings` says."""
    quoted = "'" + text.replace("'", "''") + "'"
    return " E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


def _parameters(query: str) -> Mapping[str, str]:
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    for name in parameters:
        if name not in _PARAMETERS:
            raise _wrong(f"has a parameter {name[:40]!r}, which is not known (known: {', '.join(_PARAMETERS)})")
    return parameters


def _number[Number: (int, float)](parameters: Mapping[str, str], name: str, kind: type[Number]) -> Number | None:
    if not parameters.get(name):
        return None
    try:
        return kind(parameters[name])
    except ValueError:
        raise _wrong(f"has a {name} that is not a number") from None


def _ssl_mode(mode: str | None) -> str | None:
    if mode and mode not in _SSL_MODES:
        raise _wrong(f"has an sslmode that is none of {', '.join(_SSL_MODES)}")
    return mode or None


def _schema(name: str) -> str:
    if "\0" in name or len(name.encode(errors="replace")) > _MAX_NAME_BYTES:
        raise _wrong(f"names a schema of more than {_MAX_NAME_BYTES} bytes or with a null byte")
    if name.startswith("pg_"):
        raise _wrong("names a schema that begins with pg_, which Postgres keeps to itself")
    return name


def _wrong(what: str) -> InvalidInputError:
    return InvalidInputError(f"The database URL {what}.", cure=_FORM, field="DATABASE_URL")

"""Settings that every service shares: read once at the door, then passed.

Nothing here is a global. `CoreSettings.load()` reads the process's environment and `.env`; `CoreSettings.load(environ)`
reads exactly the mapping it is given, which is what tests do. Each service derives its own class from `CoreSettings`.
"""

import os
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import quote, unquote, urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, computed_field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from tahoe_core.errors import InvalidInputError
from tahoe_core.secret_files import read_secret_files

WHERE_TO_SET = "Set it in the environment or in .env; .env.example explains every variable."
HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9]+)?")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
POSTGRES_PORT_IN_NETWORK = 5432
REDIS_PORT_IN_NETWORK = 6379
EXAMPLE_PASSWORD = "changeme"  # noqa: S105 - that of .env.example, which nothing deployed may have


class Environment(StrEnum):
    """Where a process runs, which decides the addresses that are computed for it.

    development: localhost and the published ports. docker: service names within `tahoe-network`.
    staging and production: nothing is guessed, every address is given.
    """

    DEVELOPMENT = "development"
    DOCKER = "docker"
    STAGING = "staging"
    PRODUCTION = "production"

    @property
    def is_deployed(self) -> bool:
        """Whether other people's work depends on it, so that nothing may be guessed."""
        return self in {Environment.STAGING, Environment.PRODUCTION}


class ServiceName(StrEnum):
    """Tahoe's services, by their names within `tahoe-network`."""

    AGENT_ENGINE = "agent-engine"
    AUTH = "auth"
    BILLING = "billing"


def _lowered(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _checked_url(url: str, schemes: tuple[str, ...]) -> str:
    """Returns the URL; the message of a refusal says what is allowed and never the value, which may hold a password."""
    scheme, separator, rest = url.partition("://")
    if not separator or not rest or scheme.partition("+")[0].lower() not in schemes:
        raise ValueError(f"should be a URL that starts with {' or '.join(f'{name}://' for name in schemes)}")
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("is not a well-formed URL (is a character in it not percent-encoded?)") from None
    return url


def _host(name: str) -> str:
    if not HOST.fullmatch(name):
        raise ValueError("should be a host name or an IP address alone, without scheme, port or brackets")
    return name


def _secret_url(*schemes: str) -> AfterValidator:
    return AfterValidator(lambda url: SecretStr(_checked_url(url.get_secret_value(), schemes)))


Port = Annotated[int, Field(ge=1, le=65535)]
Host = Annotated[str, AfterValidator(_host)]
HttpUrl = Annotated[str, AfterValidator(lambda url: _checked_url(url, ("http", "https")).rstrip("/"))]
DatabaseUrl = Annotated[SecretStr, _secret_url("postgresql", "postgres")]
RedisUrl = Annotated[SecretStr, _secret_url("redis", "rediss", "unix")]
HomePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]


class CoreSettings(BaseSettings):
    """What every service reads; a service's own class adds to it.

    Every variable is optional: with none set a service runs embedded, on this machine, with its own Postgres and an
    in-process cache. There is no default password, so without `DATABASE_PASSWORD` no database URL is computed.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, validate_default=True)

    environment: Annotated[Environment, BeforeValidator(_lowered)] = Field(
        Environment.DEVELOPMENT, validation_alias="ENVIRONMENT"
    )
    home: HomePath = Field(Path("~/.tahoe"), validation_alias="TAHOE_HOME")
    log_level: Annotated[Literal["debug", "info", "warning", "error", "critical"], BeforeValidator(_lowered)] = Field(
        "info", validation_alias="TAHOE_LOG_LEVEL"
    )
    log_format: Annotated[Literal["console", "json"], BeforeValidator(_lowered)] | None = Field(
        None, validation_alias="TAHOE_LOG_FORMAT"
    )
    """None: console on a terminal, JSON otherwise."""

    database_url_given: DatabaseUrl | None = Field(None, validation_alias="DATABASE_URL")
    database_owner_url_given: DatabaseUrl | None = Field(None, validation_alias="DATABASE_OWNER_URL")
    database_host: Host | None = Field(None, validation_alias="DATABASE_HOST")
    database_port: Port | None = Field(None, validation_alias="DATABASE_PORT")
    postgres_port: Port | None = Field(None, validation_alias="POSTGRES_PORT")
    database_name: str = Field("tahoe", validation_alias="DATABASE_NAME")
    database_user: str = Field("tahoe_user", validation_alias="DATABASE_USER")
    database_password: SecretStr | None = Field(None, validation_alias="DATABASE_PASSWORD")
    database_pool_size: Annotated[int, Field(ge=1, le=1000)] = Field(10, validation_alias="DATABASE_POOL_SIZE")
    database_max_overflow: Annotated[int, Field(ge=0, le=1000)] = Field(10, validation_alias="DATABASE_MAX_OVERFLOW")

    redis_url_given: RedisUrl | None = Field(None, validation_alias="REDIS_URL")
    redis_host: Host | None = Field(None, validation_alias="REDIS_HOST")
    redis_port: Port | None = Field(None, validation_alias="REDIS_PORT")

    agent_engine_port: Port = Field(8001, validation_alias="AGENT_ENGINE_PORT")
    auth_port: Port = Field(8002, validation_alias="AUTH_PORT")
    billing_port: Port = Field(8003, validation_alias="BILLING_PORT")
    agent_engine_url_given: HttpUrl | None = Field(None, validation_alias="TAHOE_AGENT_ENGINE_URL")
    auth_url_given: HttpUrl | None = Field(None, validation_alias="TAHOE_AUTH_URL")
    billing_url_given: HttpUrl | None = Field(None, validation_alias="TAHOE_BILLING_URL")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings names the parameters
        init_settings: PydanticBaseSettingsSource,
        *_args: PydanticBaseSettingsSource,
        **_sources: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Reads nothing by itself: `load` hands the environment in, so that it is a parameter like any other."""
        return (init_settings,)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Builds the settings.

        Args:
            environ: Exactly the variables to read. None: the process's environment, and below it the `.env` files
                of the working directory and of the root of the working tree it lies in.

        Raises:
            InvalidInputError: Something set cannot be used, or a deployed process lacks an address. Each variable is
                named with what is allowed; no secret is repeated.
        """
        variables = read_secret_files(read_environment() if environ is None else environ, cls.secret_names())
        try:
            return cls.model_validate(
                {name: variables[name] for name in cls.variable_names() if _is_set(variables, name)}
            )
        except ValidationError as error:
            raise _explained(cls, error, variables) from None

    @classmethod
    def variable_names(cls) -> frozenset[str]:
        """Every environment variable that this class reads."""
        return frozenset(name for field in cls.model_fields.values() for name in _aliases(field.validation_alias))

    @classmethod
    def secret_names(cls) -> frozenset[str]:
        """Those of them that hold a secret; each may be given by file too, as `NAME_FILE`."""
        return frozenset(
            name
            for field in cls.model_fields.values()
            for name in _aliases(field.validation_alias)
            if "SecretStr" in str(field.annotation)
        )

    @computed_field  # type: ignore[prop-decorator]  # mypy has no support for decorators on properties
    @property
    def database_url(self) -> SecretStr | None:
        """`DATABASE_URL`, or one made of its parts; None means the embedded Postgres."""
        return self.database_url_given or self._make_database_url(self._application_login())

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def database_owner_url(self) -> SecretStr | None:
        """`DATABASE_OWNER_URL`, or one made of the parts of a service that has a role for migrations."""
        return self.database_owner_url_given or self._make_database_url(self._owner_login())

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def redis_url(self) -> SecretStr | None:
        """`REDIS_URL`, or one made of its parts; None means the in-process cache."""
        if self.redis_url_given:
            return self.redis_url_given
        login = self._cache_login()
        at = f"{login}@" if login else ""
        if self._is_inside_network(self.redis_host):
            return SecretStr(f"redis://{at}redis:{REDIS_PORT_IN_NETWORK}")
        if self.redis_host is None and (self.environment.is_deployed or self.redis_port is None):
            return None
        return SecretStr(
            f"redis://{at}{_bracketed(self.redis_host or 'localhost')}:{self.redis_port or REDIS_PORT_IN_NETWORK}"
        )

    def get_service_url(self, service: ServiceName) -> str:
        """Returns where a service answers, without a slash at the end.

        Raises:
            InvalidInputError: In staging and production it has to be given, and is not.
        """
        name = service.name.lower()
        given: str | None = getattr(self, f"{name}_url_given")
        if given:
            return given
        if self.environment.is_deployed:
            raise _missing(f"TAHOE_{service.name}_URL", self.environment)
        port: int = getattr(self, f"{name}_port")
        host = service.value if self.environment is Environment.DOCKER else "localhost"
        return f"http://{host}:{port}"

    @model_validator(mode="after")
    def _needs_addresses_when_deployed(self) -> Self:
        """A container or a deployment never falls back silently on a database or cache of its own."""
        if self.environment is not Environment.DEVELOPMENT and self.database_url is None:
            raise _missing("DATABASE_URL (or DATABASE_HOST and DATABASE_PASSWORD)", self.environment)
        if self.environment.is_deployed and self.redis_url is None:
            raise _missing("REDIS_URL (or REDIS_HOST)", self.environment)
        return self

    @model_validator(mode="after")
    def _refuses_the_example_password(self) -> Self:
        """Everybody can read it in `.env.example`."""
        addresses = {
            "database": self.database_url,
            "database's owner": self.database_owner_url,
            "cache": self.redis_url,
        }
        for what, url in addresses.items() if self.environment.is_deployed else ():
            if url and unquote(urlsplit(url.get_secret_value()).password or "") == EXAMPLE_PASSWORD:
                raise InvalidInputError(
                    f"The password of the {what} is that of .env.example, which everybody knows.",
                    cure=f"ENVIRONMENT={self.environment} needs one of your own; `make env` makes some.",
                    field="ENVIRONMENT",
                )
        return self

    def _application_login(self) -> str | None:
        """`user:password` for Postgres, percent-encoded; a service with a role of its own says so here."""
        return make_login(self.database_user, self.database_password)

    def _owner_login(self) -> str | None:
        """The same of the role that owns the tables."""
        return None

    def _cache_login(self) -> str | None:
        """The same for Redis."""
        return None

    def _make_database_url(self, login: str | None) -> SecretStr | None:
        if not login or (self.environment.is_deployed and not self.database_host):
            return None
        if self._is_inside_network(self.database_host):
            host, port = "postgres", POSTGRES_PORT_IN_NETWORK
        else:
            host = self.database_host or "localhost"
            port = self.database_port or self.postgres_port or POSTGRES_PORT_IN_NETWORK
        return SecretStr(f"postgresql://{login}@{_bracketed(host)}:{port}/{quote(self.database_name, safe='')}")

    def _is_inside_network(self, host: str | None) -> bool:
        """Whether the service of `tahoe-network` is meant: inside a container, localhost is the container itself.

        So one `.env` with `DATABASE_HOST=localhost` and published ports serves both `make dev` and `make docker-up`.
        """
        return self.environment is Environment.DOCKER and (host is None or host in LOOPBACK)


def read_environment() -> dict[str, str]:
    """Returns the process's environment laid over `.env` of the working directory, laid over that of its tree's root.

    Raises:
        InvalidInputError: A `.env` is there and cannot be read, or the working directory is gone.
    """
    variables: dict[str, str] = {}
    for path in _env_files(_working_directory()):
        try:
            variables |= {name: value for name, value in dotenv_values(path).items() if value is not None}
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"{path} cannot be read: {error}.", cure="Mend it or remove it.") from error
    return variables | os.environ


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise InvalidInputError("The working directory was removed.", cure="Change to one that is there.") from None


def _env_files(directory: Path) -> list[Path]:
    root = next((path for path in (directory, *directory.parents) if (path / ".git").exists()), directory)
    return [path for path in dict.fromkeys((root / ".env", directory / ".env")) if path.is_file()]


def _is_set(variables: Mapping[str, str], name: str) -> bool:
    """An empty variable is an unset one: that is what a line of `.env` with nothing after its `=` means."""
    return bool(variables.get(name, "").strip())


def make_login(user: str, password: SecretStr | None) -> str | None:
    """Returns `user:password` as it stands in a URL; None without a password."""
    if password is None:
        return None
    return f"{quote(user, safe='')}:{quote(password.get_secret_value(), safe='')}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _missing(what: str, environment: Environment) -> InvalidInputError:
    return InvalidInputError(
        f"{what} is not set, and ENVIRONMENT={environment} guesses no address.",
        cure=WHERE_TO_SET,
        field=what.partition(" ")[0],
    )


def _aliases(alias: object) -> Iterator[str]:
    choices = alias.choices if hasattr(alias, "choices") else [alias]
    yield from (choice for choice in choices if isinstance(choice, str))


def _explained(cls: type[CoreSettings], error: ValidationError, variables: Mapping[str, str]) -> InvalidInputError:
    """One error that names every bad variable, what is wrong and what is allowed; the value only if it is no secret.

    A value that may be an address is not shown either, since there may be a password in it.
    """
    secret = cls.secret_names()
    parts = []
    names = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = _set_alias(cls, str(problem["loc"][0]), variables)
        message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
        value = variables.get(name, "")
        is_hidden = name in secret or "://" in value or "@" in value
        shown = "" if is_hidden else f" (it is {value!r})"
        parts.append(f"{name} {message}{shown}.")
        names.append(name)
    return InvalidInputError(" ".join(parts), cure=WHERE_TO_SET, field=names[0])


def _set_alias(cls: type[CoreSettings], reported: str, variables: Mapping[str, str]) -> str:
    """The name the user set: of a field with several names, Pydantic reports the first."""
    for field in cls.model_fields.values():
        names: list[str] = list(_aliases(field.validation_alias))
        if reported in names:
            return next((name for name in names if _is_set(variables, name)), reported)
    return reported

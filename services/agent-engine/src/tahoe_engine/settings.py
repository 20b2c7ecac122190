"""The settings of the agent engine: the shared ones and its own."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, model_validator

from tahoe_core.cache.keyspace import Keyspace
from tahoe_core.errors import InvalidInputError
from tahoe_core.security.api_key import is_api_key
from tahoe_core.security.service_token import is_well_formed
from tahoe_core.settings import WHERE_TO_SET, CoreSettings, HomePath, Host, HttpUrl, Port, make_login

MIB = 1024 * 1024
POSTGRES_NAME_BYTES = 63
PGVECTOR_MAX_DIMENSIONS = 16_000


def _service_token(token: SecretStr) -> SecretStr:
    if not is_well_formed(token.get_secret_value()):
        raise ValueError(
            "is not a token that Tahoe made: mistyped, cut off or invented"
            " (`python -m tahoe_core.security.service_token` makes one)"
        )
    return token


def _api_key(key: SecretStr) -> SecretStr:
    """Refuses here what no HTTP header takes, rather than with every request."""
    text = key.get_secret_value().strip()
    if not is_api_key(text):
        raise ValueError("should be one word of ASCII characters (copied with something around it?)")
    return SecretStr(text)


ApiKey = Annotated[SecretStr, AfterValidator(_api_key)]


def _folders(value: object) -> object:
    return [part for part in value.split(os.pathsep) if part.strip()] if isinstance(value, str) else value


def _words(value: object) -> object:
    return [word.lower() for word in re.split(r"[\s,]+", value) if word] if isinstance(value, str) else value


def _schema_name(name: str) -> str:
    if len(name.encode()) > POSTGRES_NAME_BYTES or not name.isprintable() or name.startswith("pg_"):
        raise ValueError(
            f"should be at most {POSTGRES_NAME_BYTES} bytes and not begin with pg_, which is Postgres' own"
        )
    return name


def _namespace(prefix: str) -> str:
    try:
        Keyspace(prefix)
    except InvalidInputError as error:
        raise ValueError(f"is no prefix of cache keys: {error}") from None
    return prefix


class EngineSettings(CoreSettings):
    """What the agent engine reads."""

    agent_engine_port: Port = Field(8001, validation_alias=AliasChoices("AGENT_ENGINE_PORT", "API_PORT"))
    engine_host: Host = Field("127.0.0.1", validation_alias="TAHOE_ENGINE_HOST")
    db_schema: Annotated[str, AfterValidator(_schema_name)] = Field(
        "agent_engine", validation_alias="AGENT_ENGINE_DB_SCHEMA"
    )
    redis_namespace: Annotated[str, AfterValidator(_namespace)] = Field(
        "agent:", validation_alias="AGENT_ENGINE_REDIS_NAMESPACE"
    )

    db_password: SecretStr | None = Field(None, validation_alias="AGENT_ENGINE_DB_PASSWORD")
    """Of the role SCHEMA_app, which then stands in for DATABASE_USER and DATABASE_PASSWORD."""
    db_owner_password: SecretStr | None = Field(None, validation_alias="AGENT_ENGINE_DB_OWNER_PASSWORD")
    """Of the role SCHEMA_owner, as which migrations connect."""
    redis_password: SecretStr | None = Field(None, validation_alias="AGENT_ENGINE_REDIS_PASSWORD")
    """Of the user that is called as the namespace, without its colon."""

    max_body_bytes: Annotated[int, Field(ge=1024, le=1024 * MIB)] = Field(
        64 * MIB, validation_alias="TAHOE_ENGINE_MAX_BODY_BYTES"
    )
    pattern_timeout_ms: Annotated[int, Field(ge=1, le=60_000)] = Field(
        250, validation_alias="TAHOE_ENGINE_PATTERN_TIMEOUT_MS"
    )

    examples: HomePath | None = Field(None, validation_alias="TAHOE_EXAMPLES")
    """Folder with the example scorecards and interactions; None: that of the source tree."""
    skills: Annotated[tuple[HomePath, ...], BeforeValidator(_folders)] | None = Field(
        None, validation_alias="TAHOE_SKILLS"
    )
    """The team's folders of skills; None: `skills` in the home."""
    skill_scripts_unisolated: bool = Field(default=False, validation_alias="TAHOE_SKILL_SCRIPTS_UNISOLATED")
    """Whether scripts of skills run also where the kernel cannot keep files and secrets from them."""
    team_id: UUID | None = Field(None, validation_alias="TAHOE_TEAM_ID")
    service_token: Annotated[SecretStr, AfterValidator(_service_token)] | None = Field(
        None, validation_alias="TAHOE_SERVICE_TOKEN"
    )

    model_hosts: Annotated[tuple[str, ...], BeforeValidator(_words)] | None = Field(
        None, validation_alias="TAHOE_MODEL_HOSTS"
    )
    """Hosts to which keys of model providers may be sent, beside this machine and the providers' own addresses."""
    llm_provider: str | None = Field(None, validation_alias="LLM_PROVIDER")
    llm_model: str | None = Field(None, validation_alias="LLM_MODEL")
    llm_base_url: HttpUrl | None = Field(None, validation_alias="LLM_BASE_URL")
    llm_api_key: ApiKey | None = Field(None, validation_alias="LLM_API_KEY")
    embedding_model: str | None = Field(None, validation_alias="EMBEDDING_MODEL")
    """None: the one that is built in; the other embedding settings then mean nothing."""
    embedding_base_url: HttpUrl = Field("https://api.openai.com/v1", validation_alias="EMBEDDING_BASE_URL")
    embedding_dimensions: Annotated[int, Field(ge=1, le=PGVECTOR_MAX_DIMENSIONS)] | None = Field(
        None, validation_alias="EMBEDDING_DIMENSIONS"
    )
    embedding_api_key: ApiKey | None = Field(None, validation_alias="EMBEDDING_API_KEY")

    @property
    def skill_folders(self) -> tuple[Path, ...]:
        """Where the team's skills lie, and in `@AGENT` below those of one agent; the first hides the later ones."""
        return self.skills or (self.home / "skills",)

    @model_validator(mode="after")
    def _names_its_team(self) -> Self:
        """The team and its token belong together; a deployment never invents them, or its copies would disagree."""
        given = {"TAHOE_TEAM_ID": self.team_id, "TAHOE_SERVICE_TOKEN": self.service_token}
        missing = [name for name, value in given.items() if value is None]
        if len(missing) == 1:
            raise InvalidInputError(
                f"{missing[0]} is not set although {next(iter(given.keys() - missing))} is: they belong together.",
                cure=WHERE_TO_SET,
                field=missing[0],
            )
        if missing and self.environment.is_deployed:
            raise InvalidInputError(
                f"{' and '.join(missing)} are not set, and ENVIRONMENT={self.environment} takes none from TAHOE_HOME.",
                cure=WHERE_TO_SET,
                field=missing[0],
            )
        return self

    def _application_login(self) -> str | None:
        return make_login(f"{self.db_schema}_app", self.db_password) or super()._application_login()

    def _owner_login(self) -> str | None:
        return make_login(f"{self.db_schema}_owner", self.db_owner_password)

    def _cache_login(self) -> str | None:
        return make_login(self.redis_namespace.removesuffix(":"), self.redis_password)


def load_settings(environ: Mapping[str, str] | None = None) -> EngineSettings:
    """Builds the engine's settings.

    Args:
        environ: Exactly the variables to read; None: the process's environment and `.env`.

    Raises:
        InvalidInputError: Something set cannot be used; the variable is named with what is allowed.
    """
    return EngineSettings.load(environ)

import re
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from tahoe_core.errors import InvalidInputError
from tahoe_core.security.service_token import create_service_token
from tahoe_core.settings import EXAMPLE_PASSWORD, Environment
from tahoe_engine.settings import EngineSettings, load_settings

ROOT = Path(__file__).resolve().parents[3]
LINE = re.compile(r"^# ?([A-Z][A-Z0-9_]+)=(\S*)$", re.MULTILINE)
INTERPOLATION = re.compile(r"\$\{([A-Z][A-Z0-9_]+)(?=[:}])")
COMPOSE_FILES = ("docker-compose.yml", "deploy/compose/service.yml", "services/agent-engine/docker-compose.yml")
EXAMPLE_PASSWORDS = {
    "AGENT_ENGINE_DB_OWNER_PASSWORD",
    "AGENT_ENGINE_DB_PASSWORD",
    "AGENT_ENGINE_REDIS_PASSWORD",
    "DATABASE_PASSWORD",
    "POSTGRES_PASSWORD",
}


def example() -> dict[str, str]:
    found = LINE.findall((ROOT / ".env.example").read_text())
    assert len(found) == len(dict(found)), "a variable stands twice"
    return dict(found)


def list_compose_variables() -> set[str]:
    return {name for file in COMPOSE_FILES for name in INTERPOLATION.findall((ROOT / file).read_text())}


class TestTheDefaults:
    def test_everything_is_optional(self) -> None:
        settings = load_settings({})
        assert settings.environment is Environment.DEVELOPMENT
        assert settings.database_url is None
        assert settings.redis_url is None
        assert (settings.engine_host, settings.agent_engine_port) == ("127.0.0.1", 8001)
        assert (settings.db_schema, settings.redis_namespace) == ("agent_engine", "agent:")
        assert (settings.max_body_bytes, settings.pattern_timeout_ms) == (64 * 1024 * 1024, 250)
        assert (settings.llm_model, settings.embedding_model) == (None, None)
        assert settings.embedding_base_url == "https://api.openai.com/v1"
        assert (settings.team_id, settings.service_token) == (None, None)

    def test_the_names_of_the_source_documents_are_read(self) -> None:
        settings = load_settings(
            {
                "AGENT_ENGINE_DB_SCHEMA": "auth_service",
                "AGENT_ENGINE_REDIS_NAMESPACE": "tahoe:agent:",
                "LLM_PROVIDER": "openai",
                "LLM_BASE_URL": "http://localhost:11434/v1/",
                "LLM_API_KEY": "sk-secret",
                "EMBEDDING_BASE_URL": "http://localhost:11434/v1/",
                "EMBEDDING_DIMENSIONS": "1536",
                "DATABASE_POOL_SIZE": "3",
            }
        )
        assert settings.db_schema == "auth_service"
        assert settings.redis_namespace == "tahoe:agent:"
        assert settings.llm_base_url == "http://localhost:11434/v1"
        assert settings.llm_api_key == SecretStr("sk-secret")
        assert settings.embedding_base_url == "http://localhost:11434/v1"
        assert settings.embedding_dimensions == 1536
        assert settings.database_pool_size == 3


class TestThePort:
    def test_either_name_sets_it(self) -> None:
        assert load_settings({"AGENT_ENGINE_PORT": "9001"}).agent_engine_port == 9001
        assert load_settings({"API_PORT": "9002"}).agent_engine_port == 9002

    def test_agent_engine_port_wins(self) -> None:
        assert load_settings({"API_PORT": "9002", "AGENT_ENGINE_PORT": "9001"}).agent_engine_port == 9001

    def test_an_empty_first_name_leaves_it_to_the_second(self) -> None:
        assert load_settings({"API_PORT": "9002", "AGENT_ENGINE_PORT": ""}).agent_engine_port == 9002

    def test_an_error_names_the_variable_that_was_set(self) -> None:
        with pytest.raises(InvalidInputError, match=r"API_PORT should be .*65535 \(it is '70000'\)") as raised:
            load_settings({"API_PORT": "70000"})
        assert raised.value.field == "API_PORT"


class TestTheTeam:
    def test_team_and_token_belong_together(self) -> None:
        with pytest.raises(InvalidInputError, match="TAHOE_SERVICE_TOKEN is not set although TAHOE_TEAM_ID is"):
            load_settings({"TAHOE_TEAM_ID": str(uuid4())})
        with pytest.raises(InvalidInputError, match="TAHOE_TEAM_ID is not set although TAHOE_SERVICE_TOKEN is"):
            load_settings({"TAHOE_SERVICE_TOKEN": create_service_token().get_secret_value()})

    def test_a_mistyped_token_is_recognised_and_not_repeated(self) -> None:
        token = create_service_token().get_secret_value()
        wrong = token[:-1] + ("a" if token[-1] != "a" else "b")
        with pytest.raises(InvalidInputError, match="TAHOE_SERVICE_TOKEN is not a token that Tahoe made") as raised:
            load_settings({"TAHOE_TEAM_ID": str(uuid4()), "TAHOE_SERVICE_TOKEN": wrong})
        assert wrong not in str(raised.value)

    def test_a_deployment_is_told_its_team(self) -> None:
        deployed = {
            "ENVIRONMENT": "production",
            "DATABASE_URL": "postgresql://tahoe_user:x@db/tahoe",
            "REDIS_URL": "redis://cache",
        }
        with pytest.raises(InvalidInputError, match="TAHOE_TEAM_ID and TAHOE_SERVICE_TOKEN are not set"):
            load_settings(deployed)
        token = create_service_token()
        team = {"TAHOE_TEAM_ID": str(uuid4()), "TAHOE_SERVICE_TOKEN": token.get_secret_value()}
        assert load_settings(deployed | team).service_token == token


@pytest.mark.parametrize("name", ["pg_catalog", "x" * 64, "é" * 32, "a\x07b"])
def test_a_name_that_postgres_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="AGENT_ENGINE_DB_SCHEMA should be at most 63 bytes"):
        load_settings({"AGENT_ENGINE_DB_SCHEMA": name})


@pytest.mark.parametrize("prefix", ["Agent:", "a b:", ":", "a::b", "a:{b}"])
def test_a_prefix_that_would_blur_cache_keys_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidInputError, match="AGENT_ENGINE_REDIS_NAMESPACE is no prefix of cache keys"):
        load_settings({"AGENT_ENGINE_REDIS_NAMESPACE": prefix})


class TestItsOwnRoles:
    """What the containers' init calls them; one `.env` serves the containers and the machine they run on."""

    ENV = {  # noqa: RUF012 - never changed
        "AGENT_ENGINE_DB_PASSWORD": "p/1",
        "AGENT_ENGINE_DB_OWNER_PASSWORD": "o",
        "AGENT_ENGINE_REDIS_PASSWORD": "r@",
    }

    def test_are_used_in_docker(self) -> None:
        settings = load_settings(self.ENV | {"ENVIRONMENT": "docker"})
        assert settings.database_url == SecretStr("postgresql://agent_engine_app:p%2F1@postgres:5432/tahoe")
        assert settings.database_owner_url == SecretStr("postgresql://agent_engine_owner:o@postgres:5432/tahoe")
        assert settings.redis_url == SecretStr("redis://agent:r%40@redis:6379")

    def test_are_used_on_the_machine(self) -> None:
        settings = load_settings(self.ENV | {"POSTGRES_PORT": "5435", "REDIS_PORT": "6380"})
        assert settings.database_url == SecretStr("postgresql://agent_engine_app:p%2F1@localhost:5435/tahoe")
        assert settings.redis_url == SecretStr("redis://agent:r%40@localhost:6380")

    def test_come_before_the_developers_and_after_an_address(self) -> None:
        developer = {"DATABASE_USER": "tahoe_user", "DATABASE_PASSWORD": "changeme"}
        given = load_settings(self.ENV | developer).database_url
        assert given == SecretStr("postgresql://agent_engine_app:p%2F1@localhost:5432/tahoe")
        url = "postgresql://other:x@db/tahoe"
        assert load_settings(self.ENV | {"DATABASE_URL": url}).database_url == SecretStr(url)
        assert load_settings(developer).database_url == SecretStr(
            "postgresql://tahoe_user:changeme@localhost:5432/tahoe"
        )

    def test_are_called_as_the_schema_and_the_namespace(self) -> None:
        named = {"AGENT_ENGINE_DB_SCHEMA": "other", "AGENT_ENGINE_REDIS_NAMESPACE": "a:b:", "REDIS_PORT": "6379"}
        settings = load_settings(self.ENV | named)
        assert settings.database_url == SecretStr("postgresql://other_app:p%2F1@localhost:5432/tahoe")
        assert settings.redis_url == SecretStr("redis://a%3Ab:r%40@localhost:6379")

    @pytest.mark.parametrize("name", sorted(ENV))
    def test_may_not_have_the_password_of_the_example_file_in_production(self, name: str) -> None:
        deployed = self.ENV | {
            "ENVIRONMENT": "production",
            "DATABASE_HOST": "db",
            "REDIS_HOST": "cache",
            "TAHOE_TEAM_ID": str(uuid4()),
            "TAHOE_SERVICE_TOKEN": create_service_token().get_secret_value(),
        }
        load_settings(deployed)
        with pytest.raises(InvalidInputError, match=r"is that of \.env\.example, which everybody knows"):
            load_settings(deployed | {name: EXAMPLE_PASSWORD})
        load_settings({name: EXAMPLE_PASSWORD})


@pytest.mark.parametrize("name", ["LLM_API_KEY", "EMBEDDING_API_KEY"])
class TestAKey:
    @pytest.mark.parametrize("key", ["sk-a b", "sk-\u00e9", "sk-a\nb", "\u2026"])
    def test_that_no_header_takes_is_refused_and_not_repeated(self, name: str, key: str) -> None:
        with pytest.raises(InvalidInputError, match=f"{name} should be one word of ASCII") as raised:
            load_settings({name: key})
        assert key not in str(raised.value)

    def test_is_not_shown_and_has_nothing_around_it(self, name: str) -> None:
        settings = load_settings({name: " sk-secret\n"})
        assert getattr(settings, name.lower()) == SecretStr("sk-secret")
        assert "sk-secret" not in repr(settings)


class TestTheExampleFile:
    def test_it_shows_every_variable_and_no_other(self) -> None:
        assert example().keys() == EngineSettings.variable_names() | list_compose_variables()

    def test_it_shows_the_defaults(self) -> None:
        read = EngineSettings.variable_names() - EXAMPLE_PASSWORDS
        shown = {name: value for name, value in example().items() if value and name in read}
        assert load_settings(shown) == load_settings({})
        with_default = {
            name
            for name in EngineSettings.variable_names() - {"API_PORT"}
            for field in EngineSettings.model_fields.values()
            if name in str(field.validation_alias) and field.default is not None
        }
        assert shown.keys() == with_default

    def test_it_holds_no_secret(self) -> None:
        secret = [
            name
            for name in example()
            if re.search(r"PASSWORD|TOKEN|KEY|(DATABASE|REDIS|OWNER)_URL", name) and example()[name]
        ]
        assert set(secret) == EXAMPLE_PASSWORDS
        assert {example()[name] for name in secret} == {EXAMPLE_PASSWORD}

    def test_it_shows_the_defaults_of_the_compose_files(self) -> None:
        given = re.compile(r"\$\{([A-Z][A-Z0-9_]+):-([^${}]+)\}")
        found = [pair for file in COMPOSE_FILES for pair in given.findall((ROOT / file).read_text())]
        assert len(found) > 20
        unlike = {name: default for name, default in found if example()[name] != default}
        # Without a port the process takes none from the environment, and without an ENVIRONMENT it runs embedded.
        assert unlike == {"ENVIRONMENT": "docker", "DATABASE_PORT": "5432", "REDIS_PORT": "6379"}

        assert "://tahoe" not in (ROOT / ".env.example").read_text()


def test_the_password_in_a_bad_address_of_a_model_is_not_repeated() -> None:
    with pytest.raises(InvalidInputError, match=r"^LLM_BASE_URL should be a URL that starts") as raised:
        load_settings({"LLM_BASE_URL": "ftp://user:sekret@x"})
    assert "sekret" not in str(raised.value)

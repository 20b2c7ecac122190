import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from tahoe_core.errors import InvalidInputError
from tahoe_core.settings import CoreSettings, Environment, ServiceName

URL = "postgresql://tahoe_user:hunter2@db.example:6000/tahoe?schema=agent_engine"
DEPLOYED = {"ENVIRONMENT": "production", "DATABASE_URL": URL, "REDIS_URL": "redis://cache.example"}


def database_url(**variables: str) -> str | None:
    url = CoreSettings.load(variables).database_url
    return url.get_secret_value() if url else None


def redis_url(**variables: str) -> str | None:
    url = CoreSettings.load(variables).redis_url
    return url.get_secret_value() if url else None


class TestWithNothingSet:
    def test_a_service_runs_embedded_in_development(self) -> None:
        settings = CoreSettings.load({})
        assert settings.environment is Environment.DEVELOPMENT
        assert settings.database_url is None
        assert settings.redis_url is None
        assert settings.database_owner_url is None
        assert settings.home == Path.home() / ".tahoe"
        assert (settings.log_level, settings.log_format) == ("info", None)

    def test_an_empty_variable_is_an_unset_one(self) -> None:
        empty = dict.fromkeys(CoreSettings.variable_names(), "")
        assert CoreSettings.load(empty) == CoreSettings.load(dict.fromkeys(empty, "  ")) == CoreSettings.load({})


class TestTheDatabaseUrl:
    def test_given_whole_wins_over_its_parts(self) -> None:
        assert database_url(DATABASE_URL=URL, DATABASE_HOST="other", DATABASE_PASSWORD="x") == URL

    def test_is_made_of_the_parts(self) -> None:
        parts = {
            "DATABASE_HOST": "db",
            "DATABASE_PORT": "6000",
            "DATABASE_NAME": "n",
            "DATABASE_USER": "u",
            "DATABASE_PASSWORD": "p",
        }
        assert database_url(**parts) == "postgresql://u:p@db:6000/n"

    def test_is_not_made_without_a_password(self) -> None:
        assert database_url(DATABASE_HOST="localhost", DATABASE_USER="tahoe", DATABASE_PORT="5435") is None

    def test_takes_the_published_port_in_development(self) -> None:
        assert database_url(DATABASE_PASSWORD="p", POSTGRES_PORT="5435") == (
            "postgresql://tahoe_user:p@localhost:5435/tahoe"
        )

    def test_takes_database_port_before_the_published_port(self) -> None:
        assert database_url(DATABASE_PASSWORD="p", POSTGRES_PORT="5435", DATABASE_PORT="6000") == (
            "postgresql://tahoe_user:p@localhost:6000/tahoe"
        )

    def test_brackets_an_ipv6_address(self) -> None:
        assert database_url(DATABASE_PASSWORD="p", DATABASE_HOST="fe80::1") == (
            "postgresql://tahoe_user:p@[fe80::1]:5432/tahoe"
        )

    @given(*[st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1)] * 3)
    def test_survives_any_user_password_and_name(self, user: str, password: str, name: str) -> None:
        made = database_url(DATABASE_USER=user, DATABASE_PASSWORD=password, DATABASE_NAME=name)
        assert made
        parts = urlsplit(made)
        assert unquote(parts.username or "") == user
        assert unquote(parts.password or "") == password
        assert unquote(parts.path[1:]) == name
        assert (parts.hostname, parts.port) == ("localhost", 5432)


class TestTheRedisUrl:
    def test_given_whole_wins_over_its_parts(self) -> None:
        assert redis_url(REDIS_URL="rediss://:p@cache:1", REDIS_HOST="other") == "rediss://:p@cache:1"

    @pytest.mark.parametrize(
        ("variables", "made"),
        [
            ({"REDIS_HOST": "cache"}, "redis://cache:6379"),
            ({"REDIS_PORT": "6382"}, "redis://localhost:6382"),
            ({"REDIS_HOST": "cache", "REDIS_PORT": "6382"}, "redis://cache:6382"),
            ({}, None),
        ],
    )
    def test_is_made_of_the_parts(self, variables: dict[str, str], made: str | None) -> None:
        assert redis_url(**variables) == made


class TestInDocker:
    """One `.env` with localhost and published ports serves the machine and its containers."""

    ENV = {  # noqa: RUF012 - never changed
        "DATABASE_HOST": "localhost",
        "DATABASE_PORT": "5435",
        "DATABASE_PASSWORD": "p",
        "POSTGRES_PORT": "5435",
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": "6382",
    }

    def test_localhost_means_the_service_within_the_network(self) -> None:
        assert database_url(ENVIRONMENT="docker", **self.ENV) == "postgresql://tahoe_user:p@postgres:5432/tahoe"
        assert redis_url(ENVIRONMENT="docker", **self.ENV) == "redis://redis:6379"

    def test_on_the_machine_the_same_file_means_the_published_ports(self) -> None:
        assert database_url(**self.ENV) == "postgresql://tahoe_user:p@localhost:5435/tahoe"
        assert redis_url(**self.ENV) == "redis://127.0.0.1:6382"

    def test_another_host_is_taken_with_its_port(self) -> None:
        env = self.ENV | {"DATABASE_HOST": "db.example", "REDIS_HOST": "cache.example"}
        assert database_url(ENVIRONMENT="docker", **env) == "postgresql://tahoe_user:p@db.example:5435/tahoe"
        assert redis_url(ENVIRONMENT="docker", **env) == "redis://cache.example:6382"

    def test_a_container_never_falls_back_on_an_embedded_database(self) -> None:
        with pytest.raises(InvalidInputError, match=r"DATABASE_URL .* is not set, and ENVIRONMENT=docker") as raised:
            CoreSettings.load({"ENVIRONMENT": "docker"})
        assert raised.value.field == "DATABASE_URL"


class TestDeployed:
    @pytest.mark.parametrize("environment", ["staging", "production"])
    @pytest.mark.parametrize(
        ("missing", "named"),
        [("DATABASE_URL", "DATABASE_URL"), ("REDIS_URL", "REDIS_URL")],
    )
    def test_every_address_is_given(self, environment: str, missing: str, named: str) -> None:
        variables = DEPLOYED | {"ENVIRONMENT": environment}
        CoreSettings.load(variables)
        del variables[missing]
        with pytest.raises(InvalidInputError, match=f"{named} .* is not set, and ENVIRONMENT={environment}"):
            CoreSettings.load(variables)

    def test_a_password_alone_names_no_host(self) -> None:
        with pytest.raises(InvalidInputError, match="DATABASE_URL"):
            CoreSettings.load(DEPLOYED | {"DATABASE_URL": "", "DATABASE_PASSWORD": "p"})

    def test_an_address_may_be_given_in_parts(self) -> None:
        parts = {"ENVIRONMENT": "production", "DATABASE_HOST": "db", "DATABASE_PASSWORD": "p", "REDIS_HOST": "cache"}
        assert database_url(**parts) == "postgresql://tahoe_user:p@db:5432/tahoe"
        assert redis_url(**parts) == "redis://cache:6379"


class TestWhereServicesAnswer:
    @pytest.mark.parametrize(
        ("service", "development", "docker"),
        [
            (ServiceName.AGENT_ENGINE, "http://localhost:8001", "http://agent-engine:8001"),
            (ServiceName.AUTH, "http://localhost:8002", "http://auth:8002"),
            (ServiceName.BILLING, "http://localhost:9003", "http://billing:9003"),
        ],
    )
    def test_follows_from_the_environment(self, service: ServiceName, development: str, docker: str) -> None:
        variables = {"BILLING_PORT": "9003", "DATABASE_PASSWORD": "p"}
        assert CoreSettings.load(variables).get_service_url(service) == development
        assert CoreSettings.load(variables | {"ENVIRONMENT": "docker"}).get_service_url(service) == docker

    @pytest.mark.parametrize("environment", list(Environment))
    def test_may_be_given_everywhere(self, environment: Environment) -> None:
        given = {"ENVIRONMENT": environment.value, "TAHOE_AUTH_URL": "https://auth.example/"}
        assert CoreSettings.load(DEPLOYED | given).get_service_url(ServiceName.AUTH) == "https://auth.example"

    def test_must_be_given_when_deployed(self) -> None:
        with pytest.raises(InvalidInputError, match="TAHOE_AUTH_URL is not set") as raised:
            CoreSettings.load(DEPLOYED).get_service_url(ServiceName.AUTH)
        assert raised.value.field == "TAHOE_AUTH_URL"


class TestABadValue:
    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("ENVIRONMENT", "prod", "should be 'development', 'docker', 'staging' or 'production' (it is 'prod')"),
            ("DATABASE_PORT", "0", "should be greater than or equal to 1 (it is '0')"),
            ("AUTH_PORT", "http", "should be a valid integer"),
            ("TAHOE_LOG_LEVEL", "loud", "should be 'debug', 'info'"),
            ("TAHOE_LOG_FORMAT", "xml", "should be 'console' or 'json'"),
            ("DATABASE_HOST", "http://db", "should be a host name or an IP address alone"),
            ("TAHOE_AUTH_URL", "auth.example", "should be a URL that starts with http:// or https://"),
            ("DATABASE_POOL_SIZE", "0", "should be greater than or equal to 1"),
        ],
    )
    def test_is_named_with_what_is_allowed(self, name: str, value: str, says: str) -> None:
        with pytest.raises(InvalidInputError) as raised:
            CoreSettings.load({name: value})
        assert raised.value.field == name
        assert raised.value.message.startswith(f"{name} {says}")
        assert ".env.example" in raised.value.cure

    @pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"])
    @pytest.mark.parametrize("url", ["mysql://u:hunter2@h/d", "hunter2", "://hunter2@h", "postgresql:hunter2"])
    def test_that_is_secret_is_not_repeated(self, name: str, url: str) -> None:
        with pytest.raises(InvalidInputError) as raised:
            CoreSettings.load({name: url})
        assert raised.value.field == name
        assert "hunter2" not in str(raised.value)
        assert raised.value.__cause__ is None
        assert raised.value.__suppress_context__

    @pytest.mark.parametrize("name", ["TAHOE_AGENT_ENGINE_URL", "TAHOE_AUTH_URL", "TAHOE_BILLING_URL", "DATABASE_HOST"])
    @pytest.mark.parametrize("url", ["ftp://svc:hunter2@auth", "http://svc:hunter2@auth:port", "svc:hunter2@auth"])
    def test_that_may_hold_a_password_is_not_repeated(self, name: str, url: str) -> None:
        with pytest.raises(InvalidInputError, match=f"^{name} ") as raised:
            CoreSettings.load({name: url})
        assert "hunter2" not in str(raised.value)

    def test_is_reported_together_with_the_others(self) -> None:
        with pytest.raises(InvalidInputError, match=r"ENVIRONMENT should .* AUTH_PORT should"):
            CoreSettings.load({"ENVIRONMENT": "prod", "AUTH_PORT": "x"})

    @pytest.mark.parametrize("value", ["Production ", "PRODUCTION", "production"])
    def test_is_none_for_its_case(self, value: str) -> None:
        assert CoreSettings.load(DEPLOYED | {"ENVIRONMENT": value}).environment is Environment.PRODUCTION


class TestSecrets:
    def test_are_not_shown(self) -> None:
        settings = CoreSettings.load(
            {"DATABASE_PASSWORD": "hunter2", "DATABASE_OWNER_URL": URL, "REDIS_URL": "redis://:hunter2@h"}
        )
        for shown in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
            assert "hunter2" not in shown
        assert settings.database_url == SecretStr("postgresql://tahoe_user:hunter2@localhost:5432/tahoe")

    def test_and_all_else_cannot_be_changed(self) -> None:
        with pytest.raises(ValidationError, match="frozen"):
            CoreSettings.load({}).database_name = "other"  # type: ignore[misc]  # which is the point


class TestASecretByFile:
    def test_is_read_without_the_end_of_its_line(self, tmp_path: Path) -> None:
        file = tmp_path / "password"
        file.write_text("hunter 2\n")
        assert CoreSettings.load({"DATABASE_PASSWORD_FILE": str(file)}).database_password == SecretStr("hunter 2")
        (tmp_path / "url").write_text(URL)
        assert database_url(DATABASE_URL_FILE=str(tmp_path / "url")) == URL

    def test_may_be_any_secret_and_nothing_else(self, tmp_path: Path) -> None:
        assert {"DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_PASSWORD", "REDIS_URL"} == CoreSettings.secret_names()
        (tmp_path / "port").write_text("9002")
        assert CoreSettings.load({"AUTH_PORT_FILE": str(tmp_path / "port")}).auth_port == 8002

    def test_is_held_to_the_same_rules_and_not_repeated(self, tmp_path: Path) -> None:
        (tmp_path / "url").write_text("mysql://u:hunter2@h/d")
        with pytest.raises(InvalidInputError, match=r"^DATABASE_URL should be a URL") as raised:
            CoreSettings.load({"DATABASE_URL_FILE": str(tmp_path / "url")})
        assert "hunter2" not in str(raised.value)

    def test_that_is_given_by_name_too_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "password").write_text("x")
        both = {"DATABASE_PASSWORD": "y", "DATABASE_PASSWORD_FILE": str(tmp_path / "password")}
        with pytest.raises(InvalidInputError, match="DATABASE_PASSWORD and DATABASE_PASSWORD_FILE are both set"):
            CoreSettings.load(both)

    @pytest.mark.parametrize(
        ("content", "says"),
        [(None, "cannot be read"), (b"\n", "is empty"), (b"\xff", "is no text"), (b"x" * 70_000, "is larger than")],
    )
    def test_that_cannot_be_used_is_named_with_its_file(self, tmp_path: Path, content: bytes | None, says: str) -> None:
        file = tmp_path / "password"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(InvalidInputError, match=f"DATABASE_PASSWORD_FILE names .*password, which {says}"):
            CoreSettings.load({"DATABASE_PASSWORD_FILE": str(file)})


class TestTheExamplePassword:
    @pytest.mark.parametrize("environment", ["staging", "production"])
    def test_is_refused_when_deployed(self, environment: str) -> None:
        deployed = DEPLOYED | {"ENVIRONMENT": environment}
        for name, url in (("DATABASE_URL", "postgresql://u:changeme@h/d"), ("REDIS_URL", "redis://:changeme@h")):
            with pytest.raises(InvalidInputError, match="which everybody knows"):
                CoreSettings.load(deployed | {name: url})

    def test_is_taken_elsewhere(self) -> None:
        assert database_url(DATABASE_PASSWORD="changeme") == "postgresql://tahoe_user:changeme@localhost:5432/tahoe"


class TestTheEnvironmentOfTheProcess:
    @pytest.fixture(autouse=True)
    def _bare(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        for name in CoreSettings.variable_names():
            monkeypatch.delenv(name, raising=False)
        monkeypatch.chdir(tmp_path)

    def test_is_read_when_no_other_is_given(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AUTH_PORT", "9002")
        assert CoreSettings.load().auth_port == 9002
        assert CoreSettings.load({}).auth_port == 8002

    def test_wins_over_the_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text('AUTH_PORT=1\nBILLING_PORT=2\nexport DATABASE_PASSWORD="a b#c"  # quoted\n')
        monkeypatch.setenv("AUTH_PORT", "3")
        settings = CoreSettings.load()
        assert (settings.auth_port, settings.billing_port) == (3, 2)
        assert settings.database_password == SecretStr("a b#c")

    def test_comes_before_a_services_file_and_that_before_the_roots(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        service = tmp_path / "services" / "auth"
        service.mkdir(parents=True)
        (tmp_path / ".git").mkdir()
        (tmp_path / ".env").write_text("AUTH_PORT=1\nBILLING_PORT=2\n")
        (service / ".env").write_text("AUTH_PORT=3\n")
        monkeypatch.chdir(service)
        settings = CoreSettings.load()
        assert (settings.auth_port, settings.billing_port) == (3, 2)

    def test_takes_nothing_from_folders_above_that_are_not_the_trees(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / ".env").write_text("AUTH_PORT=1\n")
        (tmp_path / "below").mkdir()
        monkeypatch.chdir(tmp_path / "below")
        assert CoreSettings.load().auth_port == 8002

    def test_a_file_that_cannot_be_read_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_bytes(b"\xff\xfe")
        with pytest.raises(InvalidInputError, match=r"\.env cannot be read"):
            CoreSettings.load()


def test_the_home_is_an_absolute_path() -> None:
    assert CoreSettings.load({"TAHOE_HOME": "~/a home"}).home == Path.home() / "a home"
    assert CoreSettings.load({"TAHOE_HOME": "here"}).home == Path.cwd() / "here"


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("tahoe_core.settings", "fastapi starlette structlog redis sqlalchemy prometheus_client rich"),
        ("tahoe_core.security.identity", "fastapi structlog redis sqlalchemy pydantic_settings"),
        ("tahoe_core.cache.opening", "fastapi structlog redis sqlalchemy pydantic_settings"),
    ],
)
def test_importing_a_light_module_loads_nothing_heavy(module: str, heavy: str) -> None:
    script = f"import sys, {module}; print(*[name for name in {heavy.split()!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == ""

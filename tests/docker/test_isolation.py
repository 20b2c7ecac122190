"""Services, teams and the world, kept apart by the database, the cache and the containers themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from containers import ENGINE, Platform, docker, inspect

OURS = "agent_engine_app"
THEIRS = "the-password-of-auth"
DEVELOPERS = "the-password-of-a-developer"


@pytest.fixture(scope="module")
def auth(platform: Platform) -> Iterator[Platform]:
    """A second service's roles, schema and namespace, as they will be made when there is one."""
    platform.set(
        AUTH_DB_SCHEMA="auth_service",
        AUTH_DB_PASSWORD=THEIRS,
        AUTH_DB_OWNER_PASSWORD=THEIRS,
        AUTH_REDIS_PASSWORD=THEIRS,
        DATABASE_PASSWORD=DEVELOPERS,
    )
    platform.make("roles")
    yield platform
    platform.wait_until_ready()


def refused(platform: Platform, statement: str, user: str, password: str) -> str:
    with pytest.raises(AssertionError, match=r"(?s)ended with [1-9].*ERROR:") as raised:
        platform.sql(statement, user=user, password=password)
    return str(raised.value)


class TestTheDatabase:
    def test_shows_a_service_nothing_of_anothers_schema(self, auth: Platform) -> None:
        own = {"user": "auth_service_owner", "password": THEIRS}
        auth.sql("CREATE TABLE IF NOT EXISTS auth_service.secret (said text)", **own)
        auth.sql("INSERT INTO auth_service.secret VALUES ('x')", user="auth_service_app", password=THEIRS)
        ours = auth.variables["AGENT_ENGINE_DB_PASSWORD"]
        denied = "permission denied for schema auth_service"
        assert denied in refused(auth, "SELECT * FROM auth_service.secret", OURS, ours)
        owner = auth.variables["AGENT_ENGINE_DB_OWNER_PASSWORD"]
        assert denied in refused(auth, "SELECT * FROM auth_service.secret", "agent_engine_owner", owner)
        for user, password in (("auth_service_app", THEIRS), ("auth_service_owner", THEIRS)):
            said = refused(auth, "SELECT * FROM agent_engine.interactions", user, password)
            assert "permission denied for schema agent_engine" in said
            said = refused(auth, "SELECT * FROM agent_engine_dbos.workflow_status", user, password)
            assert "permission denied for schema agent_engine_dbos" in said

    @pytest.mark.parametrize(
        "statement",
        [
            "CREATE TABLE agent_engine.mine (x int)",
            "ALTER TABLE agent_engine.interactions ADD COLUMN mine int",
            "ALTER TABLE agent_engine.interactions DISABLE ROW LEVEL SECURITY",
            "DROP TABLE agent_engine.interactions",
            "DELETE FROM agent_engine.interactions",
            "TRUNCATE agent_engine.interactions",
            "CREATE SCHEMA mine",
            "CREATE TABLE public.mine (x int)",
            "UPDATE agent_engine.alembic_version SET version_num = 'x'",
            "SET ROLE agent_engine_owner",
        ],
    )
    def test_lets_the_service_change_nothing_of_its_schema(self, platform: Platform, statement: str) -> None:
        said = refused(platform, statement, OURS, platform.variables["AGENT_ENGINE_DB_PASSWORD"])
        assert "permission denied" in said or "must be owner" in said

    def test_has_no_role_of_a_service_that_is_superuser(self, auth: Platform) -> None:
        mighty = "SELECT rolname FROM pg_roles WHERE rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls"
        assert auth.sql(mighty).split() == ["postgres"]

    def test_shows_a_developer_no_rows_without_a_team(self, auth: Platform) -> None:
        developer = {"user": "tahoe_user", "password": DEVELOPERS}
        assert auth.sql("SELECT count(*) FROM agent_engine.scorecards", **developer).strip() == "0"
        team = auth.variables["TAHOE_TEAM_ID"]
        entered = f"SELECT set_config('app.team_id', '{team}', false)"
        seen = auth.sql(f"{entered}; TABLE agent_engine.scorecards", **developer)
        assert "support-quality" in seen

    def test_lets_nobody_in_without_a_password(self, platform: Platform) -> None:
        for user in (OURS, "agent_engine_owner", "postgres"):
            with pytest.raises(AssertionError, match="authentication failed"):
                platform.sql("SELECT 1", user=user, password="wrong")


class TestRedis:
    def test_gives_each_service_its_own_keys(self, auth: Platform) -> None:
        ours = {"user": "agent", "password": auth.variables["AGENT_ENGINE_REDIS_PASSWORD"]}
        theirs = {"user": "auth", "password": THEIRS}
        assert auth.redis("SET", "agent:session:1", "x", **ours) == "OK"
        assert auth.redis("SET", "auth:token:1", "y", **theirs) == "OK"
        assert auth.redis("GET", "auth:token:1", **theirs) == "y"
        for command in (("GET", "auth:token:1"), ("SET", "auth:token:1", "z"), ("DEL", "auth:token:1")):
            assert "NOPERM" in auth.redis(*command, **ours)
        assert "NOPERM" in auth.redis("EVAL", "return redis.call('GET', KEYS[1])", "1", "auth:token:1", **ours)
        assert "NOPERM" in auth.redis("GET", "agent:session:1", **theirs)

    @pytest.mark.parametrize(
        "command",
        ["KEYS *", "SCAN 0", "RANDOMKEY", "FLUSHALL", "CONFIG GET *", "ACL LIST", "MONITOR", "SHUTDOWN"],
    )
    def test_lets_a_service_do_nothing_to_the_server_or_to_others(self, platform: Platform, command: str) -> None:
        ours = {"user": "agent", "password": platform.variables["AGENT_ENGINE_REDIS_PASSWORD"]}
        assert "NOPERM" in platform.redis(*command.split(), **ours)

    def test_lets_nobody_in_without_a_password(self, platform: Platform) -> None:
        assert "NOAUTH" in platform.redis("GET", "agent:session:1")
        assert "NOPERM" in platform.redis("GET", "agent:session:1", user="health", password="any")


class TestTheExamplePassword:
    @pytest.mark.parametrize(
        ("service", "variable"),
        [
            ("postgres", "POSTGRES_PASSWORD"),
            ("postgres", "AGENT_ENGINE_DB_PASSWORD"),
            ("redis", "AGENT_ENGINE_REDIS_PASSWORD"),
        ],
    )
    def test_is_refused_in_production(self, platform: Platform, service: str, variable: str) -> None:
        with pytest.raises(AssertionError, match=rf"{variable} is that of \.env\.example"):
            platform.compose(
                "run", "--rm", "--no-deps", "--env", "ENVIRONMENT=production", "--env", f"{variable}=changeme", service
            )  # fmt: skip


class TestSecretsByFile:
    def test_serve_a_service_as_well_as_those_of_the_environment(self, platform: Platform, tmp_path: Path) -> None:
        options = []
        for name in ("AGENT_ENGINE_DB_PASSWORD", "AGENT_ENGINE_DB_OWNER_PASSWORD"):
            (tmp_path / name).write_text(platform.variables[name] + "\n")
            (tmp_path / name).chmod(0o444)
            options += ["--volume", f"{tmp_path / name}:/run/secrets/{name}:ro"]
            options += ["--env", f"{name}=", "--env", f"{name}_FILE=/run/secrets/{name}"]
        said = platform.compose("run", "--rm", *options, "migrate", folder=ENGINE)
        assert "agent_engine at postgres:5432" in said


def test_no_port_is_open_to_the_world(platform: Platform) -> None:
    names = [f"{platform.name}-postgres", f"{platform.name}-redis", *platform.list_replicas()]
    bindings = [
        binding["HostIp"] for name in names for found in inspect(name)["HostConfig"]["PortBindings"].values()
        for binding in found
    ]  # fmt: skip
    assert len(bindings) == 3
    assert set(bindings) == {"127.0.0.1"}
    assert docker("port", names[0]).splitlines() == [f"5432/tcp -> 127.0.0.1:{platform.variables['POSTGRES_PORT']}"]

"""The database of a service: its two roles, its schema, and the URLs to reach them."""

import hashlib
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.postgres.binaries import get_installed_binaries
from tahoe_core.postgres.cluster import SUPERUSER
from tahoe_core.postgres.failures import system_errors_explained
from tahoe_core.postgres.home import Home
from tahoe_core.postgres.lifecycle import EmbeddedServer, ensure_running
from tahoe_core.postgres.lock import home_lock
from tahoe_core.postgres.state import State, find_state, new_password, write_state

DATABASE = "tahoe"
_PSQL_SECONDS = 60
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")

_SETUP = (Path(__file__).parent / "service_database.sql").read_text(encoding="utf-8")


@dataclass(frozen=True)
class ServiceDatabase:
    """What a service calls its own: a schema, the role that migrates it and the role that works in it.

    Beside the schema stands an empty one for background work, which the owner could not make: no role may make schemas.

    Raises:
        EmbeddedPostgresError: A name is not a plain lower-case identifier of at most 63 characters.
    """

    schema: str
    owner_role: str
    app_role: str

    def __post_init__(self) -> None:
        """Refuse names which Postgres would cut or which need quoting everywhere else."""
        for name in (self.schema, self.workflow_schema, self.owner_role, self.app_role):
            if not _NAME.fullmatch(name) or name.startswith("pg_"):
                raise EmbeddedPostgresError(
                    f"{name!r} cannot be the name of a schema or role.",
                    cure="Use lower-case letters, digits and underscores, at most 63, not beginning with pg_.",
                )

    @property
    def workflow_schema(self) -> str:
        """Where the service's background work stands; its migrations make the tables."""
        return f"{self.schema}_dbos"

    @property
    def fingerprint(self) -> str:
        """Changes with the names and with what is set up for them."""
        return hashlib.sha256(f"{self!r}{_SETUP}".encode()).hexdigest()


@dataclass(frozen=True)
class ServiceUrls:
    """Two ways into the same schema, ``postgresql://ROLE:PASSWORD@127.0.0.1:PORT/tahoe?schema=SCHEMA``."""

    app_url: str
    owner_url: str


def provision_service(home: Path, service: ServiceDatabase) -> ServiceUrls:
    """Start the home's server if none runs, set the service's database up if it is not yet, and give its URLs.

    The application role may read, insert and update what the owner creates, not delete: nothing is hard-deleted.

    Raises:
        EmbeddedPostgresError: The server cannot be started, or the setup failed.
    """
    files = Home.at(home)
    server = ensure_running(home)
    state = find_state(files)
    if state is None or state.provisioned.get(service.schema) != service.fingerprint:
        with system_errors_explained(f"The database of {service.schema} could not be set up"), home_lock(files):
            state = _set_up(files, server, service)
    return ServiceUrls(
        app_url=_url(server, state, service.app_role, service.schema),
        owner_url=_url(server, state, service.owner_role, service.schema),
    )


def _set_up(home: Home, server: EmbeddedServer, service: ServiceDatabase) -> State:
    """Passwords are written down before the roles get them: a crash in between is healed by the next run."""
    state = find_state(home)
    if state is None:
        raise EmbeddedPostgresError(f"{home.state_file} vanished while it was needed.", cure="Try again.")
    passwords = {role: new_password() for role in (service.owner_role, service.app_role)} | state.role_passwords
    state = replace(state, role_passwords=passwords)
    write_state(home, state)
    variables = {
        "database": DATABASE,
        "schema": service.schema,
        "workflow_schema": service.workflow_schema,
        "owner": service.owner_role,
        "app": service.app_role,
        "owner_password": passwords[service.owner_role],
        "app_password": passwords[service.app_role],
    }
    _run_psql(server, state.superuser_password, variables)
    state = replace(state, provisioned=state.provisioned | {service.schema: service.fingerprint})
    write_state(home, state)
    return state


def _run_psql(server: EmbeddedServer, password: str, variables: dict[str, str]) -> None:
    """Run the setup with the bundled client: it needs no event loop, so this works in any thread, in any loop.

    The variables go in by standard input, since a command line is for all to read.
    """
    script = "".join(f"\\set {name} '{value}'\n" for name, value in variables.items()) + _SETUP
    done = subprocess.run(  # noqa: S603 -- the bundled client by its full path; no shell reads the arguments
        [
            get_installed_binaries().psql,
            "--no-psqlrc",
            "--quiet",
            "--no-password",
            f"--host={server.host}",
            f"--port={server.port}",
            f"--username={SUPERUSER}",
            f"--dbname={SUPERUSER}",
        ],
        input=script,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_PSQL_SECONDS,
        check=False,
        env={"PGPASSWORD": password, "PGOPTIONS": "-c client_min_messages=warning", "PGCONNECT_TIMEOUT": "10"},
    )
    if done.returncode != 0:
        raise EmbeddedPostgresError(
            f"The database of {variables['schema']} could not be set up: {done.stderr.strip()}",
            cure="Run `tahoe doctor`; what was set up so far stays, and the next run goes on from there.",
        )


def _url(server: EmbeddedServer, state: State, role: str, schema: str) -> str:
    password = quote(state.role_passwords[role], safe="")
    return f"postgresql://{role}:{password}@{server.host}:{server.port}/{DATABASE}?schema={schema}"

"""Start, adopt and stop the one server of a home."""

import contextlib
import itertools
import signal
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path

from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.postgres.cluster import SUPERUSER, Cluster, is_key_to, prepare_cluster
from tahoe_core.postgres.failures import Failure, Retry, explain_end, system_errors_explained
from tahoe_core.postgres.home import Home
from tahoe_core.postgres.lock import home_lock
from tahoe_core.postgres.log_file import open_log, read_log_tail, trim_log
from tahoe_core.postgres.postmaster import (
    HOST,
    Answer,
    Postmaster,
    ask,
    end,
    find_postmaster,
    wait_until_ready,
)
from tahoe_core.postgres.processes import is_alive
from tahoe_core.postgres.settings import DURABLE, ServerSettings
from tahoe_core.postgres.state import find_state, write_state

START_SECONDS = 60.0
_RETRY_SECONDS = 0.3
_PORT_PATIENCE_SECONDS = 1.0
_ATTEMPTS_ON_LAST_PORT = 3
_FAST_STOP_SECONDS = 30.0
_IMMEDIATE_STOP_SECONDS = 15.0


@dataclass(frozen=True)
class EmbeddedServer:
    """A server that accepts logins; ``started_here`` says whether the call that returned it started it."""

    host: str
    port: int
    pid: int
    data_dir: Path
    log_file: Path
    started_here: bool


def ensure_running(home: Path, settings: ServerSettings = DURABLE) -> EmbeddedServer:
    """The home's server: adopted when one runs, else started; on an empty home the cluster is made first.

    It outlives this process. ``settings`` count only when this call starts it.

    Raises:
        EmbeddedPostgresError: It cannot be started; the message says why and what to do.
    """
    files = Home.at(home)
    with system_errors_explained(f"Postgres could not be started in {files.root}"):
        server = find_running(files)
        if server is None:
            files.create()
            with home_lock(files):
                server = start_or_adopt(files, settings)
        trim_log(files)
        return server


def stop(home: Path) -> bool:
    """Stop the home's server and wait until it is gone; open transactions are rolled back.

    Returns:
        False if none ran.

    Raises:
        EmbeddedPostgresError: It would not stop.
    """
    files = Home.at(home)
    with system_errors_explained(f"Postgres could not be stopped in {files.root}"):
        if not files.root.is_dir():
            return False
        with home_lock(files):
            _note_stop(files)
            data_dir = files.find_data_dir()
            postmaster = find_postmaster(data_dir) if data_dir else None
            if postmaster is None:
                return False
            _end_server(postmaster.pid)
            return True


def superuser_url(home: Path) -> str:
    """The URL of the running server's superuser, for the database ``postgres``.

    Raises:
        EmbeddedPostgresError: No server runs.
    """
    files = Home.at(home)
    with system_errors_explained(f"The embedded Postgres in {files.root} cannot be looked at"):
        server = find_running(files)
        state = find_state(files)
    if server is None or state is None:
        raise EmbeddedPostgresError(f"No Postgres runs in {files.root}.", cure="Start it with `tahoe up`.")
    return f"postgresql://{SUPERUSER}:{state.superuser_password}@{server.host}:{server.port}/{SUPERUSER}"


def find_running(home: Home) -> EmbeddedServer | None:
    """The server that runs, accepts logins and takes our passwords, without lock or wait: two milliseconds."""
    data_dir = home.find_data_dir()
    state = find_state(home)
    if data_dir is None or state is None or state.stopped_on_purpose or not is_key_to(state, data_dir):
        return None
    postmaster = find_postmaster(data_dir)
    if postmaster is None or ask(postmaster.port) is not Answer.READY:
        return None
    return EmbeddedServer(HOST, postmaster.port, postmaster.pid, data_dir, home.log_file, started_here=False)


def start_or_adopt(home: Home, settings: ServerSettings, port: int | None = None) -> EmbeddedServer:
    """Start the server unless one runs. To be called with the home's lock held.

    Args:
        home: An existing home.
        settings: Count only when this call starts the server.
        port: The only port that will do. Without one the last port is tried first, then a free one.
    """
    adopted = _find_adopted(home)
    if adopted is not None:
        return adopted
    cluster = prepare_cluster(home, durable=settings.durable)
    postmaster = _start(home, cluster, settings, port)
    write_state(home, replace(cluster.state, port=postmaster.port, stopped_on_purpose=False))
    return EmbeddedServer(HOST, postmaster.port, postmaster.pid, cluster.data_dir, home.log_file, started_here=True)


def _find_adopted(home: Home) -> EmbeddedServer | None:
    """A server that runs already, waited for while it starts; one that does not take our passwords is stopped."""
    data_dir = home.find_data_dir()
    postmaster = find_postmaster(data_dir) if data_dir else None
    if data_dir is None or postmaster is None:
        return None
    state = find_state(home)
    if state is None or not is_key_to(state, data_dir):
        _end_server(postmaster.pid)
        return None
    ready = wait_until_ready(postmaster.pid, data_dir, time.monotonic() + START_SECONDS)
    if ready is None:
        if is_alive(postmaster.pid):
            raise _unready(postmaster.pid, data_dir)
        return None
    if state.stopped_on_purpose or state.port != ready.port:
        write_state(home, replace(state, port=ready.port, stopped_on_purpose=False))
    return EmbeddedServer(HOST, ready.port, ready.pid, data_dir, home.log_file, started_here=False)


def _start(home: Home, cluster: Cluster, settings: ServerSettings, port: int | None) -> Postmaster:
    deadline = time.monotonic() + START_SECONDS
    wishes = itertools.chain([cluster.state.port] * _ATTEMPTS_ON_LAST_PORT, itertools.repeat(None))
    while True:
        free_port = _find_free_port(port or next(wishes))
        outcome = _launch(home, cluster, settings.list_arguments(port or free_port), deadline)
        if isinstance(outcome, Postmaster):
            return outcome
        is_final = outcome.retry is Retry.NO or (outcome.retry is Retry.ON_ANOTHER_PORT and port is not None)
        if is_final or time.monotonic() > deadline:
            raise outcome.error
        time.sleep(_RETRY_SECONDS)


def _launch(home: Home, cluster: Cluster, arguments: list[str], deadline: float) -> Postmaster | Failure:
    """Start the server once and wait until it is ready or has ended."""
    trim_log(home)
    with open_log(home) as log:
        begin = log.tell()
        pid = cluster.account.spawn([cluster.binaries.postgres, "-D", cluster.data_dir, *arguments], log)
    ready = wait_until_ready(pid, cluster.data_dir, deadline)
    if ready is not None:
        return ready
    if is_alive(pid):
        raise _unready(pid, cluster.data_dir)
    # The moment between the start of a server and its postmaster.pid: one whose starter was killed just then is
    # first seen when it keeps ours from starting.
    other = find_postmaster(cluster.data_dir)
    ready = wait_until_ready(other.pid, cluster.data_dir, deadline) if other else None
    what = f"Postgres did not start in {cluster.data_dir}"
    return ready or explain_end(what, read_log_tail(home, begin), cluster.data_dir)


def _find_free_port(wish: int | None) -> int:
    """The wished port, or any when that stays taken; it may be taken again before the server binds it.

    What is left of a killed server holds its port for a moment, and whoever is connected looks for it there.
    """
    patience = time.monotonic() + _PORT_PATIENCE_SECONDS
    while wish is not None and time.monotonic() < patience:
        with contextlib.suppress(OSError):
            return _bind(wish)
        time.sleep(_RETRY_SECONDS / 10)
    return _bind(0)


def _bind(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Postgres does
        probe.bind((HOST, port))
        return int(probe.getsockname()[1])


def _unready(pid: int, data_dir: Path) -> EmbeddedPostgresError:
    return EmbeddedPostgresError(
        f"Postgres (pid {pid}) runs in {data_dir} but has accepted no connection within {START_SECONDS:.0f} seconds.",
        cure="After a crash it may need longer: try again in a minute. If that does not help, `tahoe down` ends it.",
    )


def _note_stop(home: Home) -> None:
    """Tell a supervisor that this end was asked for; on a full disk the stop matters more than the note."""
    state = find_state(home)
    if state is not None and not state.stopped_on_purpose:
        with contextlib.suppress(OSError):
            write_state(home, replace(state, stopped_on_purpose=True))


def _end_server(pid: int) -> None:
    """A fast shutdown, and where that hangs an immediate one, which loses nothing but needs a recovery later."""
    if not end(pid, signal.SIGINT, _FAST_STOP_SECONDS) and not end(pid, signal.SIGQUIT, _IMMEDIATE_STOP_SECONDS):
        raise EmbeddedPostgresError(
            f"Postgres (pid {pid}) did not stop.", cure="Look at its log; as a last resort: kill -9 its process."
        )

"""The data directory: how it is made, and whether it is fit to start."""

import os
import shutil
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.postgres.account import Account, choose_account
from tahoe_core.postgres.binaries import MAJOR_VERSION, Binaries, prepare_binaries
from tahoe_core.postgres.failures import explain_end
from tahoe_core.postgres.home import Home
from tahoe_core.postgres.place import check_space, choose_data_dir, note_home
from tahoe_core.postgres.postmaster import remove_stale_lock_file
from tahoe_core.postgres.state import State, find_state, new_password, sync_directory, write_state

SUPERUSER = "postgres"
# A new cluster takes 40 MB, the service's database 8 MB, the write-ahead log 80 MB before it is used again; the rest
# is for a first day's data.
NEEDED_TO_CREATE_BYTES = 200_000_000
# Four segments of the write-ahead log: enough to recover and to stop in order, too little to go on for long.
NEEDED_TO_START_BYTES = 64_000_000
_INITDB_SECONDS = 300
_RECOVERY_SECONDS = 300
# The collation is Postgres's own, so that order and case never depend on the machine. The character types are the
# system's: with plain C, full text search takes "hello—world" for one word.
_CHARACTER_TYPES = ("C.UTF-8", "en_US.UTF-8", "C")
_ACCESS_RULES = "# Only over TCP from this machine, only with a password.\nhost all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class Cluster:
    """A data directory that is fit to start, and what starts it."""

    data_dir: Path
    account: Account
    binaries: Binaries
    state: State


def prepare_cluster(home: Home, *, durable: bool = True) -> Cluster:
    """The home's cluster, made where there is none; nothing runs on it. To be called with the home's lock held.

    Args:
        home: An existing home.
        durable: Whether a new cluster is forced to the disk before it counts as made.

    Raises:
        EmbeddedPostgresError: It cannot be made, or cannot be started as it is.
    """
    data_dir = home.find_data_dir()
    state = find_state(home)
    check_not_lost(home, data_dir, state)
    if data_dir is None:
        return _create_cluster(home, durable=durable)
    check_version(data_dir)
    account = _get_owner(data_dir)
    check_space(data_dir, NEEDED_TO_START_BYTES)
    binaries = prepare_binaries(account, data_dir.parent)
    note_home(home, data_dir)
    remove_stale_lock_file(data_dir)
    if state is None or not is_key_to(state, data_dir):
        state = _set_new_password(home, data_dir, account, binaries)
    return Cluster(data_dir, account, binaries, state)


def check_not_lost(home: Home, data_dir: Path | None, state: State | None) -> None:
    """Never take a lost cluster for an empty home.

    Raises:
        EmbeddedPostgresError: A cluster was made for this home, and it is not there.
    """
    if data_dir is None and state is not None:
        raise EmbeddedPostgresError(
            f"The data directory {os.path.realpath(home.data_link)} that belongs to {home.root} is gone.",
            cure=f"Put it back; or, to begin with an empty database, remove {home.state_file}.",
        )


def is_key_to(state: State, data_dir: Path) -> bool:
    """Whether the remembered passwords belong to the cluster that lies there now."""
    return state.system_identifier == read_system_identifier(data_dir)


def read_system_identifier(data_dir: Path) -> int:
    """The number that initdb gives every cluster: the first 8 bytes of ``pg_control``."""
    with (data_dir / "global" / "pg_control").open("rb") as file:
        return int(struct.unpack("=Q", file.read(8))[0])


def check_version(data_dir: Path) -> None:
    """Compare the cluster's major version with the binaries'.

    Raises:
        EmbeddedPostgresError: They differ.
    """
    version = (data_dir / "PG_VERSION").read_text(encoding="utf-8", errors="replace").strip()
    if version != str(MAJOR_VERSION):
        raise EmbeddedPostgresError(
            f"The data in {data_dir} was made by PostgreSQL {version or '(unknown)'}; this Tahoe comes with"
            f" PostgreSQL {MAJOR_VERSION}, which cannot read it.",
            cure="Use the Tahoe version that made it and move the data with pg_dump, or set TAHOE_HOME to another"
            " directory.",
        )


def _get_owner(data_dir: Path) -> Account:
    """The account whose cluster it is, and as which it has to run."""
    owner = Account.by_owner(data_dir)
    if owner.uid == 0:
        raise EmbeddedPostgresError(
            f"The data directory {data_dir} belongs to root, and Postgres refuses to run as root.",
            cure=f"Give it back to the account that it belonged to: chown -R postgres {data_dir}",
        )
    if not owner.is_current and os.geteuid() != 0:
        raise EmbeddedPostgresError(
            f"The data directory {data_dir} belongs to {owner.name!r}.",
            cure=f"Run Tahoe as {owner.name!r} or as root, or set TAHOE_HOME to a directory of your own.",
        )
    return owner


def _create_cluster(home: Home, *, durable: bool) -> Cluster:
    """Make it aside and move it into place, so that a failure or a kill leaves nothing half-made."""
    account = choose_account(Account.current(), Account.by_owner(home.root))
    data_dir = choose_data_dir(home, account)
    for half_made in data_dir.parent.glob(f"{data_dir.name}.new-*"):
        shutil.rmtree(half_made, ignore_errors=True)
    check_space(data_dir.parent, NEEDED_TO_CREATE_BYTES)
    binaries = prepare_binaries(account, data_dir.parent)
    password = new_password()
    scratch = Path(tempfile.mkdtemp(prefix=f"{data_dir.name}.new-", dir=data_dir.parent))
    try:
        account.take(scratch)
        _run_initdb(account, binaries, scratch, password, durable=durable)
        (scratch / "data").rename(data_dir)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    sync_directory(data_dir.parent)
    state = State(superuser_password=password, system_identifier=read_system_identifier(data_dir))
    write_state(home, state)
    return Cluster(data_dir, account, binaries, state)


def _run_initdb(account: Account, binaries: Binaries, scratch: Path, password: str, *, durable: bool) -> None:
    password_file = scratch / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password, encoding="utf-8")
    account.take(password_file)
    data_dir = scratch / "data"
    for character_type in _CHARACTER_TYPES:
        done = account.run(
            [
                binaries.initdb,
                f"--pgdata={data_dir}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--data-checksums",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                f"--lc-ctype={character_type}",
                *([] if durable else ["--no-sync", "--wal-segsize=1"]),
            ],
            wait_seconds=_INITDB_SECONDS,
        )
        if done.returncode == 0:
            (data_dir / "pg_hba.conf").write_text(_ACCESS_RULES, encoding="utf-8")
            return
        if "invalid locale name" not in done.stderr:
            break
    raise explain_end("The database cluster could not be created", done.stderr, scratch).error


def _set_new_password(home: Home, data_dir: Path, account: Account, binaries: Binaries) -> State:
    """Become the superuser of a cluster whose password was lost, through a single-user backend."""
    known = find_state(home)
    state = State(
        superuser_password=new_password(),
        system_identifier=read_system_identifier(data_dir),
        port=known.port if known else None,
        role_passwords=known.role_passwords if known else {},
    )
    done = account.run(
        [binaries.postgres, "--single", "-D", data_dir, SUPERUSER],
        text_input=f"ALTER ROLE {SUPERUSER} PASSWORD '{state.superuser_password}'\n",
        wait_seconds=_RECOVERY_SECONDS,
    )
    if done.returncode != 0 or "ERROR:" in done.stderr:
        raise explain_end("The password of the database cluster could not be set", done.stderr, data_dir).error
    (data_dir / "pg_hba.conf").write_text(_ACCESS_RULES, encoding="utf-8")
    write_state(home, state)
    return state

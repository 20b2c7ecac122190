"""What `tahoe doctor` wants to know; nothing here starts or changes anything."""

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.postgres.account import Account
from tahoe_core.postgres.binaries import get_installed_binaries
from tahoe_core.postgres.cluster import NEEDED_TO_START_BYTES, check_not_lost, check_version, is_key_to
from tahoe_core.postgres.failures import find_cause, system_errors_explained
from tahoe_core.postgres.home import Home
from tahoe_core.postgres.log_file import read_log_tail
from tahoe_core.postgres.place import check_space, list_leftovers
from tahoe_core.postgres.postmaster import Answer, ask, find_postmaster
from tahoe_core.postgres.state import find_state

_LOG_BEGIN = "starting PostgreSQL"


@dataclass(frozen=True)
class EmbeddedStatus:
    """One look at a home.

    ``data_dir`` is None as long as no cluster was made; ``port`` and ``pid`` are None unless a server runs.
    ``problems`` are sentences for a person, each with its cure. ``leftovers`` are data directories outside any home
    that no home uses any more.
    """

    home: Path
    data_dir: Path | None
    account: str | None
    version: str | None
    pid: int | None
    port: int | None
    is_ready: bool
    size_bytes: int
    free_bytes: int
    log_file: Path
    problems: tuple[str, ...]
    leftovers: tuple[Path, ...]


def find_status(home: Path) -> EmbeddedStatus:
    """What runs for this home, where, and what is wrong.

    Raises:
        EmbeddedPostgresError: The home cannot be looked at.
    """
    files = Home.at(home)
    with system_errors_explained(f"The embedded Postgres in {files.root} cannot be looked at"):
        data_dir = files.find_data_dir()
        postmaster = find_postmaster(data_dir) if data_dir else None
        answer = ask(postmaster.port) if postmaster else None
        return EmbeddedStatus(
            home=files.root,
            data_dir=data_dir,
            account=Account.by_owner(data_dir).name if data_dir else None,
            version=_read_version(data_dir) if data_dir else None,
            pid=postmaster.pid if postmaster else None,
            port=postmaster.port if postmaster else None,
            is_ready=answer is Answer.READY,
            size_bytes=_measure(data_dir) if data_dir else 0,
            free_bytes=shutil.disk_usage(_nearest_existing(data_dir or files.root)).free,
            log_file=files.log_file,
            problems=tuple(_list_problems(files, data_dir, answer)),
            leftovers=tuple(list_leftovers()),
        )


def _list_problems(home: Home, data_dir: Path | None, answer: Answer | None) -> list[str]:
    state = find_state(home)
    checks: list[Callable[[], object]] = [
        get_installed_binaries,
        lambda: check_space(_nearest_existing(data_dir or home.root), NEEDED_TO_START_BYTES),
        lambda: check_not_lost(home, data_dir, state),
        lambda: check_version(data_dir) if data_dir else None,
    ]
    problems = [problem for check in checks if (problem := _find_problem(check)) is not None]
    if data_dir is not None and (state is None or not is_key_to(state, data_dir)):
        problems.append(f"{home.state_file} does not fit the data. The next start sets new passwords.")
    if answer is not None and answer is not Answer.READY:
        problems.append("The server runs but accepts no connections. It may be starting or recovering; see its log.")
    last_run = read_log_tail(home).rpartition(_LOG_BEGIN)[2]
    if data_dir is not None and answer is None and (cause := find_cause(last_run)) is not None:
        problems.append(f"The server ended, and its log says why: {cause.problem} {cause.cure}")
    return problems


def _find_problem(check: Callable[[], object]) -> str | None:
    try:
        check()
    except EmbeddedPostgresError as error:
        return str(error)
    return None


def _read_version(data_dir: Path) -> str:
    return (data_dir / "PG_VERSION").read_text(encoding="utf-8", errors="replace").strip()


def _nearest_existing(path: Path) -> Path:
    return next(candidate for candidate in (path, *path.parents) if candidate.exists())


def _measure(data_dir: Path) -> int:
    """Bytes of all files; one that a live server removes meanwhile does not count."""
    total = 0
    for folder, _, names in data_dir.walk():
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += (folder / name).lstat().st_size
    return total

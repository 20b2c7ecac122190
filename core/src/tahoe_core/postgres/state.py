"""What a home remembers of its Postgres: passwords, the last port, what was provisioned."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from tahoe_core.postgres.home import Home


@dataclass(frozen=True)
class State:
    """The content of ``postgres.json``.

    ``system_identifier`` is the number that initdb gave the cluster which the passwords belong to, so that a data
    directory put in its place is noticed. ``provisioned`` maps a schema to the fingerprint of what was set up.
    """

    superuser_password: str = field(repr=False)
    system_identifier: int
    port: int | None = None
    stopped_on_purpose: bool = False
    role_passwords: dict[str, str] = field(default_factory=dict, repr=False)
    provisioned: dict[str, str] = field(default_factory=dict)


def new_password() -> str:
    """192 random bits, safe in a URL and in SQL."""
    return secrets.token_urlsafe(24)


def find_state(home: Home) -> State | None:
    """The remembered state; None when there is none or it cannot be read as one.

    A damaged file is treated like a lost one: passwords can be set anew, data cannot.
    """
    try:
        content = json.loads(home.state_file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    match content:
        case {
            "superuser_password": str(),
            "system_identifier": int(),
            "port": int() | None,
            "stopped_on_purpose": bool(),
            "role_passwords": dict(),
            "provisioned": dict(),
        }:
            return State(**{each.name: content[each.name] for each in fields(State)})
        case _:
            return None


def write_state(home: Home, state: State) -> None:
    """Replace the file as a whole: a crash leaves the old one or the new one, never half of either.

    To be called with the home's lock held, so that one temporary name will do and none is ever left over.
    """
    temporary = home.state_file.with_name(f"{home.state_file.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        home.give_to_owner(descriptor)
        json.dump(asdict(state), file, indent=2)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(home.state_file)
    sync_directory(home.root)


def sync_directory(directory: Path) -> None:
    """Make a rename inside the directory last through a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

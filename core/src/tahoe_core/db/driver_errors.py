"""Errors of asyncpg and the network, said in Tahoe's words.

Messages name tables, constraints and `host:port`; never a password, and no value, since values carry what people said.
"""

import asyncpg  # type: ignore[import-untyped]  # it ships no types

from tahoe_core.errors import (
    ConflictError,
    InvalidInputError,
    PayloadTooLargeError,
    TahoeError,
    UnavailableError,
)

_CHECK_DATABASE = "Check that Postgres runs there and that DATABASE_URL is right; `tahoe doctor` says what is wrong."
_MIGRATE = "Run `tahoe db upgrade`."

_UNAVAILABLE = {
    "57014": ("a statement took too long and was stopped", "Ask for less at a time, or look at the database's load."),
    "55P03": ("a lock was held for too long by somebody else", "Try again."),
    "42P01": ("a table is missing", _MIGRATE),
    "42703": ("a column is missing", _MIGRATE),
    "3F000": ("the schema is missing", _MIGRATE),
    "3D000": ("there is no such database", "Create it, or mend the name in DATABASE_URL."),
    "28P01": ("user name or password is wrong", "Mend them in DATABASE_URL."),
    "28000": ("the user may not connect", "Look at pg_hba.conf, and at the user in DATABASE_URL."),
    "42501": (
        "the database's role lacks a privilege",
        "Run `tahoe db upgrade` as the owner; it grants what is needed.",
    ),
    "53100": ("the disk is full", "Free some space."),
    "25006": ("the database is read-only", "Point DATABASE_URL at the primary server."),
    "53300": ("all connections are taken", "Raise max_connections, or lower DATABASE_POOL_SIZE."),
}
_UNAVAILABLE_CLASSES = ("08", "53", "57P", "58")
_UNSTORABLE_TEXT = ("22021", "22P05")


def find_sqlstate(error: BaseException | None) -> str | None:
    """Returns Postgres's five letters for what went wrong, looked for along the chain of causes."""
    while error is not None:
        state = getattr(error, "sqlstate", None)
        if isinstance(state, str):
            return state
        error = error.__cause__
    return None


def translate(error: BaseException, place: str) -> TahoeError | None:
    """Returns what to raise instead; None where the error is no business of the database's.

    Args:
        error: As the driver or the network raised it.
        place: `host:port` of the database.
    """
    state = find_sqlstate(error)
    if state is not None:
        return _translate_state(state, error, place)
    if isinstance(error, asyncpg.exceptions.DataError | UnicodeEncodeError):
        return InvalidInputError("A value cannot be stored: it does not fit its column's type.")
    if isinstance(error, TimeoutError):
        return UnavailableError(f"Postgres at {place} does not answer in time.", cure=_CHECK_DATABASE)
    if isinstance(error, OSError):
        why = error.strerror or type(error).__name__
        return UnavailableError(f"Postgres at {place} cannot be reached: {why}.", cure=_CHECK_DATABASE)
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        return UnavailableError(f"The connection to Postgres at {place} was lost.", cure="Try again.")
    return None


def _translate_state(state: str, error: BaseException, place: str) -> TahoeError | None:
    if state in _UNAVAILABLE:
        what, cure = _UNAVAILABLE[state]
        return UnavailableError(f"Postgres at {place}: {what}.", cure=cure)
    if state.startswith(_UNAVAILABLE_CLASSES):
        return UnavailableError(f"Postgres at {place} does not serve us at the moment.", cure=_CHECK_DATABASE)
    if state in {"40001", "40P01"}:
        return ConflictError("Somebody else changed the same rows at the same moment.", cure="Try again.")
    if state in _UNSTORABLE_TEXT:
        return InvalidInputError("A text holds a character that cannot be stored, for instance a null byte.")
    if state.startswith("22"):
        return InvalidInputError("A value cannot be stored: it does not fit its column's type.")
    if state.startswith("54"):
        return PayloadTooLargeError("A value is larger than the database can keep.")
    return _translate_constraint(state, error)


def _translate_constraint(state: str, error: BaseException) -> TahoeError | None:
    table, constraint = _find_attribute(error, "table_name"), _find_attribute(error, "constraint_name")
    match state:
        case "23505":
            return ConflictError(f"There is such a row in {table} already ({constraint}).")
        case "23503":
            return InvalidInputError(
                f"A row of {table} would name something that this team does not have ({constraint})."
            )
        case "23514" | "23502":
            return InvalidInputError(f"A row of {table} would break the rule {constraint or 'that a value is needed'}.")
    return None


def _find_attribute(error: BaseException | None, name: str) -> str | None:
    while error is not None:
        value = getattr(error, name, None)
        if isinstance(value, str):
            return value
        error = error.__cause__
    return None

"""Errors of asyncpg and the network, said in Tahoe's words.

Messages name tables, constraints and `host:port`; never a password, and no value, since values carry what people said.
"""

from typing import NamedTuple

import asyncpg

from tahoe_core.errors import (
    CollisionError,
    ConflictError,
    InvalidInputError,
    PayloadTooLargeError,
    TahoeError,
    UnavailableError,
)

_CHECK_DATABASE = "Check that Postgres runs there and that DATABASE_URL is right; `tahoe doctor` says what is wrong."
_MIGRATE = "Run `tahoe db upgrade`."
_AT = "Postgres at {place}: "


class _Rule(NamedTuple):
    """What to raise for SQLSTATEs that begin so; messages may use place, table and constraint."""

    states: tuple[str, ...]
    error: type[TahoeError]
    message: str
    cure: str = ""


# The first rule that fits holds. https://www.postgresql.org/docs/current/errcodes-appendix.html
_RULES = (
    _Rule(
        ("22021", "22P05"), InvalidInputError, "A text holds a character that cannot be stored, such as a null byte."
    ),
    _Rule(("22",), InvalidInputError, "A value cannot be stored: it does not fit its column's type."),
    _Rule(("23505",), ConflictError, "There is such a row in {table} already ({constraint})."),
    _Rule(
        ("23503",), InvalidInputError, "A row of {table} names something that this team does not have ({constraint})."
    ),
    _Rule(("23502", "23514"), InvalidInputError, "A row of {table} breaks the rule {constraint}."),
    _Rule(("40001", "40P01"), CollisionError, "Somebody else changed the same rows at the same moment.", "Try again."),
    _Rule(("54",), PayloadTooLargeError, "A value is larger than the database can keep."),
    _Rule(("57014",), UnavailableError, _AT + "a statement took too long and was stopped.", "Ask for less at a time."),
    _Rule(("55P03",), UnavailableError, _AT + "somebody else held a lock for too long.", "Try again."),
    _Rule(("42P01",), UnavailableError, _AT + "a table is missing.", _MIGRATE),
    _Rule(("42703",), UnavailableError, _AT + "a column is missing.", _MIGRATE),
    _Rule(("3F000",), UnavailableError, _AT + "the schema is missing.", _MIGRATE),
    _Rule(("3D000",), UnavailableError, _AT + "there is no such database.", "Create it, or mend DATABASE_URL."),
    _Rule(("28P01",), UnavailableError, _AT + "user name or password is wrong.", "Mend them in DATABASE_URL."),
    _Rule(("28",), UnavailableError, _AT + "the user may not connect.", "Look at DATABASE_URL and at pg_hba.conf."),
    _Rule(("42501",), UnavailableError, _AT + "our role lacks a privilege.", "Run `tahoe db upgrade` as the owner."),
    _Rule(("53100",), UnavailableError, _AT + "the disk is full.", "Free some space."),
    _Rule(("53300",), UnavailableError, _AT + "all connections are taken.", "Lower DATABASE_POOL_SIZE."),
    _Rule(("25006",), UnavailableError, _AT + "it is read-only.", "Point DATABASE_URL at the primary server."),
    _Rule(("08", "53", "57P", "58"), UnavailableError, _AT + "it does not serve us just now.", _CHECK_DATABASE),
)


def find_sqlstate(error: BaseException | None) -> str | None:
    """Returns Postgres's five letters for what went wrong, looked for along the chain of causes."""
    return _find_attribute(error, "sqlstate")


def translate(error: BaseException, place: str) -> TahoeError | None:
    """Returns what to raise instead; None where the error is no business of the database's.

    Args:
        error: As the driver or the network raised it.
        place: `host:port` of the database.
    """
    state = find_sqlstate(error)
    if state is not None:
        return _translate_state(state, error, place)
    if isinstance(error, TimeoutError):
        return UnavailableError(f"Postgres at {place} does not answer in time.", cure=_CHECK_DATABASE)
    if isinstance(error, OSError):
        why = error.strerror or type(error).__name__
        return UnavailableError(f"Postgres at {place} cannot be reached: {why}.", cure=_CHECK_DATABASE)
    if isinstance(error.__cause__ or error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        return UnavailableError(f"The connection to Postgres at {place} was lost.", cure="Try again.")
    return None


def _translate_state(state: str, error: BaseException, place: str) -> TahoeError | None:
    rule = next((rule for rule in _RULES if state.startswith(rule.states)), None)
    if rule is None:
        return None
    message = rule.message.format(
        place=place,
        table=_find_attribute(error, "table_name") or "a table",
        constraint=_find_attribute(error, "constraint_name") or "that a value is needed",
    )
    return rule.error(message, cure=rule.cure)


def _find_attribute(error: BaseException | None, name: str) -> str | None:
    while error is not None:
        value = getattr(error, name, None)
        if isinstance(value, str):
            return value
        error = error.__cause__
    return None

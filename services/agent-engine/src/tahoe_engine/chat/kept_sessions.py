"""Sessions of programs on ADK, kept as conversations: an event is a message, state stands in the metadata."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.escaped_json import from_escaped_json, to_escaped_json
from tahoe_core.db.session import run_again, team_session
from tahoe_core.db.storable import refuse_unstorable, replace_unstorable
from tahoe_core.errors import InvalidInputError, PayloadTooLargeError
from tahoe_engine.db.models.conversation import ConversationORM
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.db.repositories.session import SESSION, SessionRepository
from tahoe_engine.db.repositories.session_event import EVENT, SessionEventRepository
from tahoe_engine.memory.session_memory import to_user_id
from tahoe_engine.memory.session_names import SESSION_PLACE, to_app_state_id, to_session_id, to_user_state_id
from tahoe_engine.models.conversation_models import EVENT_DOCUMENT, SESSION_STATE, ConversationStatus
from tahoe_engine.runtime.session_port import (
    EventFilter,
    KeptSession,
    NewEvent,
    SeenSession,
    SessionMissingError,
    SessionName,
    SessionStaleError,
    SessionState,
    SessionTakenError,
)

MAX_EVENT_BYTES = 8_000_000
MAX_STATE_BYTES = 1_000_000
MAX_NAME_CHARACTERS = 200
_MAX_TITLE_CHARACTERS = 200
_NAMES = {"app", "user", "session", "updated_at"}


class KeptSessions:
    """Fulfils `tahoe_engine.runtime.session_port.SessionStore` for one team.

    What the sessions of an application or of a user share is kept by a conversation of its own, closed from the start.
    Whoever writes locks the session first, then the application's state, then the user's.

    Args:
        sessions: Of the application's role.
        team_id: Whose sessions they are.
    """

    def __init__(self, sessions: async_sessionmaker[AsyncSession], team_id: UUID) -> None:
        self._sessions = sessions
        self._team_id = team_id

    @run_again
    async def create(self, name: SessionName, state: SessionState, at: float) -> KeptSession:
        """Begins a session.

        Raises:
            SessionTakenError: There is one of that id, or there was one.
            InvalidInputError: The name cannot be stored.
            PayloadTooLargeError: The state is too large.
        """
        _check_name(name)
        external_id = _call(name)
        names = {"app": name.app, "user": name.user, "session": name.id, "updated_at": at}
        metadata = {SESSION: names, SESSION_STATE: _write_state(state.session)}
        async with self._open(name.app) as transaction:
            repository = SessionRepository(transaction)
            values = {"user_id": to_user_id(name.user), "metadata_json": metadata}
            if not await repository.add_once(external_id, values):
                taken = (await repository.find_many([external_id])).get(external_id)
                raise _taken(name, was_deleted=taken is None or taken.status is ConversationStatus.CLOSED)
            await _change_shared(repository, name, state)
            found = await repository.find_many([external_id, *_list_shared(name)])
        return _to_session(name, found[external_id], found)

    async def find(self, name: SessionName, which: EventFilter) -> KeptSession | None:
        """Returns a session with some of its events, if there is one."""
        external_id = _call(name)
        async with self._open(name.app) as transaction:
            found = await SessionRepository(transaction).find_many([external_id, *_list_shared(name)])
            row = found.get(external_id)
            if row is None or not _is_open(row):
                return None
            events: Sequence[str] = ()
            if which.most != 0:
                # What is written from now on is not read: revision and events are those of one moment.
                events = await SessionEventRepository(transaction).list_documents(
                    row.id, row.message_count, most=which.most, since=which.since
                )
        return _to_session(name, row, found, events)

    async def list_sessions(self, app: str, user: str | None) -> Sequence[KeptSession]:
        """Returns the sessions of a user, or of everybody, without events; what was written to last comes last."""
        if any(replace_unstorable(name) != name for name in (app, user or "")):
            return ()
        who = None if user is None else (user, to_user_id(user))
        async with self._open(app) as transaction:
            repository = SessionRepository(transaction)
            found = await repository.list_open(SESSION_PLACE, app, who)
            rows = [(_read_name(row), row) for row in found if _is_open(row)]
            shared = await repository.find_many({place for name, _ in rows for place in _list_shared(name)})
        listed = [_to_session(name, row, shared) for name, row in rows]
        return sorted(listed, key=lambda one: (one.at, one.name.user, one.name.id))

    async def close(self, name: SessionName) -> None:
        """Closes a session for good, if there is one: it is not found any more, and its id is not free again."""
        async with self._open(name.app) as transaction:
            repository = SessionRepository(transaction)
            row = await repository.find_locked(_call(name))
            if row is not None and _is_open(row):
                row.status, row.closed_at = ConversationStatus.CLOSED, datetime.now(UTC)
                await repository.change(row)

    async def find_user_state(self, app: str, user: str) -> Mapping[str, Any]:
        """Returns what the sessions of a user share; nothing where there is nothing."""
        place = to_user_state_id(app, user)
        async with self._open(app) as transaction:
            return _read_state((await SessionRepository(transaction).find_many([place])).get(place))

    @run_again
    async def append(self, name: SessionName, event: NewEvent, seen: SeenSession) -> str:
        """Writes an event with its changes of state, and returns the revision that the session has now.

        Raises:
            SessionMissingError: There is no such session.
            SessionStaleError: The writer does not know the newest event.
            PayloadTooLargeError: The event or the state is too large.
        """
        _check_size("event", event.document, MAX_EVENT_BYTES, "Keep large files as artifacts.")
        async with self._open(name.app) as transaction:
            repository = SessionRepository(transaction)
            row = await repository.find_locked(_call(name))
            if row is None or not _is_open(row):
                raise SessionMissingError(f"There is no session {name.id} of this user, or it was deleted.")
            await _refuse_stale(transaction, row, seen)
            await _change_shared(repository, name, event.changes)
            written = row.message_count
            state = row.metadata_json[SESSION_STATE]
            if event.changes.session:
                state = _write_state({**_read_state(row), **event.changes.session})
            names = {**_read_names(row), "updated_at": event.at}
            row.metadata_json = {**row.metadata_json, SESSION: names, SESSION_STATE: state}
            await repository.change(row)
            message = event.message.model_copy(update={"metadata": _describe(event)})
            await MessageRepository(transaction).append(row.id, None, message)
        return str(written + 1)

    def _open(self, app: str) -> AbstractAsyncContextManager[AsyncSession]:
        return team_session(self._sessions, self._team_id, replace_unstorable(f"app:{app}"))


async def _refuse_stale(transaction: AsyncSession, row: ConversationORM, seen: SeenSession) -> None:
    if seen.revision is not None:
        is_fresh = seen.revision == str(row.message_count)
    elif _read_names(row)["updated_at"] <= seen.at:
        is_fresh = True
    else:  # a session that was not read from here is known by its last event
        last = await SessionEventRepository(transaction).find_last_id(row.id)
        is_fresh = last == (seen.last_event_id and replace_unstorable(seen.last_event_id))
    if not is_fresh:
        raise SessionStaleError(
            "Somebody else has written to the session since it was read.", cure="Read it again before writing to it."
        )


async def _change_shared(repository: SessionRepository, name: SessionName, changes: SessionState) -> None:
    user_title = f"State of the user {name.user} of {name.app}"
    for place, title, changed, user_id in (
        (to_app_state_id(name.app), f"State of {name.app}", changes.app, None),
        (to_user_state_id(name.app, name.user), user_title, changes.user, to_user_id(name.user)),
    ):
        if not changed:
            continue
        row = await repository.find_locked(place)
        if row is None:
            values = {
                "title": title[:_MAX_TITLE_CHARACTERS].strip(),
                "user_id": user_id,
                "status": ConversationStatus.CLOSED,
                "closed_at": datetime.now(UTC),
            }
            await repository.add_once(place, values)
            row = await repository.find_locked(place)
        assert row is not None  # noqa: S101 - nothing is ever deleted
        row.metadata_json = {**row.metadata_json, SESSION_STATE: _write_state({**_read_state(row), **changed})}
        await repository.change(row)


def _call(name: SessionName) -> str:
    return to_session_id(name.app, name.user, name.id)


def _list_shared(name: SessionName) -> tuple[str, str]:
    return to_app_state_id(name.app), to_user_state_id(name.app, name.user)


def _is_open(row: ConversationORM) -> bool:
    # Whoever makes conversations may call one as a session is called: it is none.
    is_session = SESSION_STATE in row.metadata_json and _read_names(row).keys() >= _NAMES
    return is_session and row.status is not ConversationStatus.CLOSED


def _read_names(row: ConversationORM) -> dict[str, Any]:
    names = row.metadata_json.get(SESSION)
    return dict(names) if isinstance(names, Mapping) else {}


def _read_name(row: ConversationORM) -> SessionName:
    names = _read_names(row)
    return SessionName(names["app"], names["user"], names["session"])


def _read_state(row: ConversationORM | None) -> dict[str, Any]:
    text = row.metadata_json.get(SESSION_STATE) if row is not None else None
    state = from_escaped_json(text) if isinstance(text, str) else {}
    return dict(state) if isinstance(state, Mapping) else {}


def _write_state(state: Mapping[str, Any]) -> str:
    text = to_escaped_json(state)
    _check_size("state", text, MAX_STATE_BYTES, "Keep large values as artifacts, and their names in the state.")
    return text


def _to_session(
    name: SessionName, row: ConversationORM, found: Mapping[str, ConversationORM], events: Sequence[str] = ()
) -> KeptSession:
    app, user = (_read_state(found.get(place)) for place in _list_shared(name))
    return KeptSession(
        name=name,
        revision=str(row.message_count),
        at=float(_read_names(row)["updated_at"]),
        state=SessionState(app, user, _read_state(row)),
        events=events,
    )


def _describe(event: NewEvent) -> dict[str, Any]:
    described = {"event_id": event.id, "author": event.author, "invocation_id": event.invocation_id}
    shown = {key: replace_unstorable(value) for key, value in described.items()}
    return {EVENT: {**shown, "timestamp": event.at}, EVENT_DOCUMENT: event.document}


def _taken(name: SessionName, *, was_deleted: bool) -> SessionTakenError:
    if was_deleted:
        return SessionTakenError(
            f"A session {name.id} of this user was deleted; what it said is kept, so its id may not be used again.",
            cure="Choose another id.",
        )
    return SessionTakenError(f"This user has a session {name.id} already.")


def _check_name(name: SessionName) -> None:
    for field, value in (("app_name", name.app), ("user_id", name.user), ("session_id", name.id)):
        refuse_unstorable(value, field)
        if len(value) > MAX_NAME_CHARACTERS:
            raise InvalidInputError(f"{field} is longer than {MAX_NAME_CHARACTERS} characters.", field=field)


def _check_size(what: str, text: str, most: int, cure: str) -> None:
    size = len(text.encode())
    if size > most:
        raise PayloadTooLargeError(f"The {what} takes {size} bytes as JSON, more than {most}.", cure=cure)

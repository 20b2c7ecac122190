"""Tahoe's conversations as the sessions of any program on Google ADK."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, override
from weakref import WeakValueDictionary

from google.adk.errors import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events.event import Event
from google.adk.platform import time as platform_time
from google.adk.platform import uuid as platform_uuid
from google.adk.sessions.base_session_service import BaseSessionService, GetSessionConfig, ListSessionsResponse
from google.adk.sessions.session import Session
from google.adk.sessions.state import State
from pydantic_core import to_jsonable_python

from tahoe_core.db.escaped_json import refuse_broken_names
from tahoe_core.errors import InvalidInputError
from tahoe_engine.runtime.session_event import read_event, to_message, write_event
from tahoe_engine.runtime.session_port import (
    EventFilter,
    KeptSession,
    NewEvent,
    SeenSession,
    SessionMissingError,
    SessionName,
    SessionStaleError,
    SessionState,
    SessionStore,
    SessionTakenError,
)

log = logging.getLogger(__name__)


class TahoeSessionService(BaseSessionService):
    """ADK's session service on Tahoe's conversations: durable, each event a message, nothing ever deleted.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._locks: WeakValueDictionary[SessionName, asyncio.Lock] = WeakValueDictionary()

    @override
    async def create_session(
        self, *, app_name: str, user_id: str, state: dict[str, Any] | None = None, session_id: str | None = None
    ) -> Session:
        """Begins a session.

        Raises:
            AlreadyExistsError: There is one of that id, or one was deleted: its id may not be used again.
        """
        name = _name(app_name, user_id, session_id or "")
        if not name.id:
            name = SessionName(app_name, user_id, platform_uuid.new_uuid())
        try:
            return _to_session(await self._store.create(name, _split(state or {}), platform_time.get_time()))
        except SessionTakenError as error:
            raise AlreadyExistsError(str(error)) from error

    @override
    async def get_session(
        self, *, app_name: str, user_id: str, session_id: str, config: GetSessionConfig | None = None
    ) -> Session | None:
        """Returns a session with its events, oldest first; None where there is none, or it was deleted."""
        which = EventFilter(config.num_recent_events, config.after_timestamp) if config else EventFilter()
        found = await self._store.find(_name(app_name, user_id, session_id), which)
        return None if found is None else _to_session(found)

    @override
    async def list_sessions(self, *, app_name: str, user_id: str | None = None) -> ListSessionsResponse:
        """Lists sessions with their state and without events; what was written to last comes last."""
        found = await self._store.list_sessions(app_name, user_id)
        return ListSessionsResponse(sessions=[_to_session(one) for one in found])

    @override
    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        """Closes a session for good: it is found no more, what it said is kept, and its id may not be used again."""
        await self._store.close(_name(app_name, user_id, session_id))

    @override
    async def get_user_state(self, *, app_name: str, user_id: str) -> dict[str, Any]:
        """Returns what the sessions of a user share, by names without the prefix."""
        return dict(await self._store.find_user_state(app_name, user_id))

    @override
    async def append_event(self, session: Session, event: Event) -> Event:
        """Writes an event and what it changes of the state, or neither.

        Raises:
            SessionNotFoundError: There is no such session.
            StaleSessionError: Somebody else has written to the session since it was read.
            InvalidInputError: Something in the event is no JSON.
            PayloadTooLargeError: The event or the state is too large.
        """
        if event.partial:
            return event
        name = SessionName(session.app_name, session.user_id, session.id)
        # Branches of one run share the session: each writes once the one before has told it the revision.
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            self._apply_temp_state(session, event)
            event = self._trim_temp_delta_state(event)
            try:
                revision = await self._store.append(name, _to_new(event), _to_seen(session))
            except SessionMissingError as error:
                raise SessionNotFoundError(str(error)) from error
            except SessionStaleError as error:
                raise StaleSessionError(str(error)) from error
            session.last_update_time = event.timestamp
            session._storage_update_marker = revision  # noqa: SLF001 - the place that ADK has for it
            return self._commit_event_to_session(session, event)


def _name(app: str, user: str, session: str) -> SessionName:
    return SessionName(app, user, session.strip())  # as ADK's own service in memory has it


def _to_new(event: Event) -> NewEvent:
    return NewEvent(
        id=event.id,
        author=event.author,
        invocation_id=event.invocation_id,
        at=event.timestamp,
        document=write_event(event),
        message=to_message(event),
        changes=_split(event.actions.state_delta),
    )


def _to_seen(session: Session) -> SeenSession:
    return SeenSession(
        revision=session._storage_update_marker,  # noqa: SLF001 - as above
        at=session.last_update_time,
        last_event_id=session.events[-1].id if session.events else None,
    )


def _to_session(kept: KeptSession) -> Session:
    state = dict(kept.state.session)
    state |= {State.APP_PREFIX + key: value for key, value in kept.state.app.items()}
    state |= {State.USER_PREFIX + key: value for key, value in kept.state.user.items()}
    session = Session(
        id=kept.name.id,
        app_name=kept.name.app,
        user_id=kept.name.user,
        state=state,
        events=[read_event(document) for document in kept.events],
        last_update_time=kept.at,
    )
    session._storage_update_marker = kept.revision  # noqa: SLF001 - as above
    return session


def _split(state: Mapping[str, Any]) -> SessionState:
    """Returns state by who shares it; what lasts for one run is left out."""
    app: dict[str, Any] = {}
    user: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for key, value in _to_plain(state).items():
        if key.startswith(State.APP_PREFIX):
            app[key.removeprefix(State.APP_PREFIX)] = value
        elif key.startswith(State.USER_PREFIX):
            user[key.removeprefix(State.USER_PREFIX)] = value
        elif not key.startswith(State.TEMP_PREFIX):
            own[key] = value
    return SessionState(app, user, own)


def _to_plain(state: Mapping[str, Any]) -> dict[str, Any]:
    refuse_broken_names(state)
    try:
        plain: dict[str, Any] = to_jsonable_python(dict(state))
    except ValueError:
        # ADK's own services do the same, and say so as loudly.
        log.warning("state holds values that are no JSON; their descriptions are kept in their place")
        try:
            plain = to_jsonable_python(dict(state), serialize_unknown=True)
        except ValueError as error:
            raise InvalidInputError("The state holds something that cannot be written as JSON.") from error
    return plain

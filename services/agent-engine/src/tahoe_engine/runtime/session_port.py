"""What the runtime needs to keep the sessions of programs on ADK; `tahoe_engine.chat.kept_sessions` has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tahoe_core.errors import ConflictError, NotFoundError
from tahoe_engine.models.conversation_models import MessageCreate


class SessionTakenError(ConflictError):
    """There is a session of that id, or there was one."""


class SessionStaleError(ConflictError):
    """Somebody else has written to the session since it was read."""


class SessionMissingError(NotFoundError):
    """There is no such session, or it was deleted."""


@dataclass(frozen=True, slots=True)
class SessionName:
    """A session as its program calls it; the id is unique among one user's of one application."""

    app: str
    user: str
    id: str


@dataclass(frozen=True, slots=True)
class SessionState:
    """State, or what is to change of it, by who shares it; of values that JSON knows, by names without a prefix.

    Attributes:
        app: Of all sessions of the application.
        user: Of all sessions of the user in the application.
        session: Of this session alone.
    """

    app: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] = field(default_factory=dict)
    session: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are read.

    Attributes:
        most: The newest of those that fit; None: all.
        since: Not before, in seconds since 1970; None: from the beginning.
    """

    most: int | None = None
    since: float | None = None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to write.

    Attributes:
        at: Seconds since 1970, by the program's clock.
        document: All of it as JSON; it is given back to the letter.
        message: What the rest of Tahoe reads of it.
        changes: Of state, written with it or not at all.
    """

    id: str
    author: str
    invocation_id: str
    at: float
    document: str
    message: MessageCreate
    changes: SessionState


@dataclass(frozen=True, slots=True)
class SeenSession:
    """What a writer knows of a session.

    Attributes:
        revision: Which it was read at; None: it was not read from here.
        at: When it was last written to, in seconds since 1970, as far as the writer knows.
        last_event_id: Of the events that the writer has; None: it has none.
    """

    revision: str | None
    at: float
    last_event_id: str | None


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A session that is kept.

    Attributes:
        revision: Another one after each event.
        at: When it was last written to, in seconds since 1970.
        events: The documents of those that were asked for, in the order in which they were written.
    """

    name: SessionName
    revision: str
    at: float
    state: SessionState
    events: Sequence[str] = ()


class SessionStore(Protocol):
    """Keeps sessions. Each call is all or nothing, and two writers to one session take turns."""

    async def create(self, name: SessionName, state: SessionState, at: float) -> KeptSession:
        """Begins a session.

        Raises:
            SessionTakenError: There is one of that id, or there was one.
            InvalidInputError: The name cannot be stored.
            PayloadTooLargeError: The state is too large.
        """
        ...

    async def find(self, name: SessionName, which: EventFilter) -> KeptSession | None:
        """Returns a session with some of its events, if there is one."""
        ...

    async def list_sessions(self, app: str, user: str | None) -> Sequence[KeptSession]:
        """Returns the sessions of a user, or of everybody, without events; what was written to last comes last."""
        ...

    async def close(self, name: SessionName) -> None:
        """Closes a session for good, if there is one: it is not found any more, and its id is not free again."""
        ...

    async def find_user_state(self, app: str, user: str) -> Mapping[str, Any]:
        """Returns what the sessions of a user share; nothing where there is nothing."""
        ...

    async def append(self, name: SessionName, event: NewEvent, seen: SeenSession) -> str:
        """Writes an event with its changes of state, and returns the revision that the session has now.

        Raises:
            SessionMissingError: There is no such session.
            SessionStaleError: The writer does not know the newest event.
            PayloadTooLargeError: The event or the state is too large.
        """
        ...

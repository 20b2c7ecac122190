"""Tahoe's memory for any program on Google ADK."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import override
from uuid import uuid4

from google.adk.events.event import Event
from google.adk.memory.base_memory_service import BaseMemoryService, SearchMemoryResponse
from google.adk.memory.memory_entry import MemoryEntry
from google.adk.sessions.session import Session
from google.genai import types

from tahoe_core.errors import InvalidInputError
from tahoe_engine.runtime.memory_port import Found, SessionMemory, Spoken


class TahoeMemoryService(BaseMemoryService):
    """ADK's memory service on Tahoe's memory: durable, searched by meaning and words, with a history.

    Args:
        memory: Where it is kept.
    """

    def __init__(self, memory: SessionMemory) -> None:
        self._memory = memory

    @override
    async def add_session_to_memory(self, session: Session) -> None:
        """Remembers every text of a session; one that was added before is added on to."""
        await self._memory.remember(session.app_name, session.user_id, session.id, _list_spoken(session.events))

    @override
    async def add_events_to_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        events: Sequence[Event],
        session_id: str | None = None,
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Remembers the texts of some events."""
        await self._memory.remember(app_name, user_id, session_id, _list_spoken(events))

    @override
    async def add_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        memories: Sequence[MemoryEntry],
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Remembers statements, each for itself."""
        said = [
            Spoken(entry.id or str(uuid4()), entry.author or "", text, _read_moment(entry.timestamp))
            for entry in memories
            if (text := _text_of(entry.content))
        ]
        await self._memory.remember(app_name, user_id, None, said)

    @override
    async def search_memory(self, *, app_name: str, user_id: str, query: str) -> SearchMemoryResponse:
        """Finds what matters to a question, best first."""
        if not query.strip():
            return SearchMemoryResponse()
        found = await self._memory.find(app_name, user_id, query)
        return SearchMemoryResponse(memories=[_to_entry(one) for one in found])

    @override
    async def delete_memory(self, *, app_name: str, user_id: str, memory_id: str | None = None) -> None:
        """Erases what a memory says, for data protection; that there was one stays on record.

        Raises:
            InvalidInputError: No memory is named: everything of a user is never erased by leaving something out.
        """
        if memory_id is None:
            raise InvalidInputError("No memory is named.", cure="Give the id that search_memory returned.")
        await self._memory.erase(app_name, user_id, memory_id)


def _list_spoken(events: Sequence[Event]) -> list[Spoken]:
    return [
        Spoken(event.id, event.author, text, datetime.fromtimestamp(event.timestamp, UTC))
        for event in events
        if (text := _text_of(event.content)) and not event.partial
    ]


def _text_of(content: types.Content | None) -> str:
    parts = content.parts if content and content.parts else []
    return " ".join(part.text.strip() for part in parts if part.text and not part.thought).strip()


def _read_moment(timestamp: str | None) -> datetime | None:
    if timestamp is None:
        return None
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _to_entry(found: Found) -> MemoryEntry:
    return MemoryEntry(
        id=found.id,
        author=found.author,
        timestamp=found.at.isoformat(),
        content=types.Content(role="user", parts=[types.Part(text=found.text)]),
    )

"""What the runtime needs of a memory; `tahoe_engine.memory.session_memory` has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something that was said in a session.

    Attributes:
        id: What the source calls it; the same one is remembered once.
    """

    id: str
    author: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Something that was remembered, and found."""

    id: str
    author: str | None
    text: str
    at: datetime


class SessionMemory(Protocol):
    """Remembers what is said to an application's agent, user by user."""

    async def remember(self, app: str, user: str, session: str | None, said: Sequence[Spoken]) -> None:
        """Remembers what was said; told again, it changes nothing.

        Args:
            app: The application.
            user: The user, as the application calls them.
            session: Whose order counts; None: each stands for itself.
            said: In its order.
        """
        ...

    async def find(self, app: str, user: str, query: str) -> Sequence[Found]:
        """Finds what matters to a question, best first."""
        ...

    async def erase(self, app: str, user: str, memory_id: str) -> None:
        """Erases what a memory says.

        Raises:
            NotFoundError: This user's application has no such memory.
        """
        ...

"""A team's memory on the real Postgres, with an embedder that computes nothing."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.session import team_session
from tahoe_core.errors import UnavailableError
from tahoe_engine.db.models import AgentORM, ConversationORM
from tahoe_engine.db.repositories.agent import AgentRepository
from tahoe_engine.db.repositories.conversation import ConversationRepository
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.memory_models import MemoryCreate


class HashedEmbedder:
    """Sums of vectors that are hashes of the words: what shares words is near, and nothing is learned or computed.

    What stands in parentheses does not count, so that texts can be near without being the same.

    Attributes:
        is_down: Whether it answers no more.
        embedded: How many texts it has seen.
    """

    def __init__(self, model: str = "hashed", dimensions: int = 32) -> None:
        self.model = model
        self.dimensions = dimensions
        self.is_down = False
        self.embedded = 0
        self._hashes: dict[str, NDArray[np.float32]] = {}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.is_down:
            raise UnavailableError("The embedder is down.")
        self.embedded += len(texts)
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for row, words in zip(vectors, texts, strict=True):
            row[:] = sum(self._hash(word) for word in words.split("(")[0].lower().split() or [words])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def _hash(self, word: str) -> NDArray[np.float32]:
        if word not in self._hashes:
            self._hashes[word] = self._make(word)
        return self._hashes[word]

    def _make(self, word: str) -> NDArray[np.float32]:
        seed = hashlib.blake2b(f"{self.model} {word.strip('.,!?')}".encode(), digest_size=8).digest()
        return np.random.default_rng(int.from_bytes(seed)).standard_normal(self.dimensions, dtype=np.float32)


class Team(Protocol):
    """A team's memory, and what tests need around it."""

    id: UUID
    memories: Memories
    sessions: async_sessionmaker[AsyncSession]

    async def add(self, content: str, **fields: Any) -> UUID: ...  # noqa: ANN401 - fields of MemoryCreate

    async def make_agent(self, slug: str = "ada") -> UUID: ...

    async def make_conversation(self, external_id: str | None = None) -> UUID: ...

    async def read_clock(self) -> datetime: ...


class OneTeam:
    """Fulfils `Team`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], team_id: UUID, embedder: HashedEmbedder) -> None:
        self.id = team_id
        self.sessions = sessions
        self.memories = Memories(sessions, team_id, MemoryEmbedding(embedder, embedder), actor="tester")

    async def add(self, content: str, **fields: Any) -> UUID:  # noqa: ANN401 - fields of MemoryCreate
        """Adds a memory and returns its id."""
        return (await self.memories.add(MemoryCreate.model_validate({"content": content, **fields}))).memory.id

    async def make_agent(self, slug: str = "ada") -> UUID:
        async with team_session(self.sessions, self.id) as session:
            return (await AgentRepository(session).add(AgentORM(slug=slug, name=slug))).id

    async def make_conversation(self, external_id: str | None = None) -> UUID:
        async with team_session(self.sessions, self.id) as session:
            return (await ConversationRepository(session).add(ConversationORM(external_id=external_id))).id

    async def read_clock(self) -> datetime:
        """The database's time, which is the one that the log goes by."""
        async with team_session(self.sessions, self.id) as session:
            moment = await session.scalar(text("SELECT clock_timestamp()"))
        assert isinstance(moment, datetime)
        return moment


@pytest.fixture
def hashed() -> HashedEmbedder:
    return HashedEmbedder()


@pytest.fixture
def make_embedder() -> Callable[..., HashedEmbedder]:
    return HashedEmbedder


@pytest.fixture
def make_team(engine: AsyncEngine, hashed: HashedEmbedder) -> Callable[[UUID], Team]:
    """Makes a team's memory; what it commits stays, so every test has teams of its own."""
    return lambda team_id: OneTeam(get_session_factory(engine), team_id, hashed)


@pytest.fixture
def team(make_team: Callable[[UUID], Team], team_id: UUID) -> Team:
    return make_team(team_id)


@pytest.fixture
def memories(team: Team) -> Memories:
    return team.memories

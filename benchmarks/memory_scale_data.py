"""Made-up memories for `memory_scale.py`: 100 teams whose sizes follow Zipf's law, clustered vectors, Zipfian words."""

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from tahoe_engine.models.memory_models import NEEDS_AGENT, MemoryCreate, MemorySource, MemoryType

TEAMS = 100
DIMENSIONS = 384
MODEL = "benchmark"
TURNS = 25
BATCH = 500
_CLUSTERS = 400
_NOISE = 0.8
_VOCABULARY = 20_000
_WORDS = 12
_COMMON = 20
_TYPES = tuple(MemoryType)

type Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """Memories of one team, `TURNS` a conversation, as they arrive.

    Attributes:
        first: The number of the first among the team's memories.
    """

    team: int
    first: int
    size: int


class MadeUp:
    """A data set of so many memories; the same every time."""

    def __init__(self, memories: int) -> None:
        shares = 1 / np.arange(1, TEAMS + 1)
        self.sizes = [max(1, int(size)) for size in np.round(memories * shares / shares.sum())]
        self._random = np.random.default_rng(memories)
        self._centres = self._random.normal(size=(_CLUSTERS, DIMENSIONS)).astype(np.float32)
        frequencies = 1 / np.arange(1, _VOCABULARY + 1)
        self._frequencies = frequencies / frequencies.sum()
        rare = frequencies[_COMMON:]
        self._rare = rare / rare.sum()

    def list_batches(self) -> list[Batch]:
        """Lists what arrives, in the order of arrival: the teams take turns at random."""
        batches = [
            Batch(team, first, min(BATCH, size - first))
            for team, size in enumerate(self.sizes)
            for first in range(0, size, BATCH)
        ]
        self._random.shuffle(batches)
        return batches

    def make_vectors(self, count: int) -> Vectors:
        """Makes vectors of length 1, each near one of the centres."""
        centres = self._centres[self._random.integers(0, _CLUSTERS, count)]
        noise = self._random.standard_normal(size=(count, DIMENSIONS), dtype=np.float32)
        vectors: Vectors = centres + np.float32(_NOISE) * noise
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def make_contents(self, count: int) -> list[str]:
        """Makes texts of a dozen words, common ones more often than rare ones."""
        words = self._random.choice(_VOCABULARY, size=(count, _WORDS), p=self._frequencies)
        return [" ".join(f"word{word}" for word in line) for line in words.tolist()]

    def make_queries(self, count: int) -> list[str]:
        """Makes questions of six words, none of them among the most common."""
        words = self._random.choice(_VOCABULARY - _COMMON, size=(count, 6), p=self._rare) + _COMMON
        return [" ".join(f"word{word}" for word in line) for line in words.tolist()]

    def make_types(self, count: int) -> list[MemoryType]:
        """Draws types, each as often as the others."""
        return [_TYPES[number] for number in self._random.integers(0, len(_TYPES), count)]

    def make_memories(self, count: int, agent_id: UUID, conversations: list[UUID] | None = None) -> list[MemoryCreate]:
        """Makes memories; with conversations each is a turn of one, `TURNS` a conversation."""
        made = zip(self.make_contents(count), self.make_types(count), self.make_vectors(count).tolist(), strict=True)
        return [
            MemoryCreate(
                content=content,
                memory_type=kind,
                agent_id=agent_id if kind in NEEDS_AGENT else None,
                author=f"Author{number % 2}",
                source=MemorySource.EXTRACTION,
                source_conversation_id=conversations[number // TURNS] if conversations else None,
                position=number % TURNS if conversations else None,
                embedding=vector,
                embedding_model=MODEL,
            )
            for number, (content, kind, vector) in enumerate(made)
        ]


def count_conversations(size: int) -> int:
    """Returns how many conversations a batch of this size has."""
    return -(-size // TURNS)

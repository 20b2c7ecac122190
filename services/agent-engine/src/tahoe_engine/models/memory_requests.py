"""What is sent and answered around memories, beyond what the memory itself speaks of."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.memory_models import MemoryChange, MemoryCreate, MemorySearchResult, Tag, UsedMemory

MAX_BATCH = 500
"""What is written by one transaction, so that a request is done or not done; the library takes more at once."""
Reason = Annotated[
    str, Field(min_length=1, max_length=500, description="For the log, which keeps it for ever: no personal data.")
]


class MemoryBatch(StrictModel):
    """Memories to be added, in their order."""

    memories: list[MemoryCreate] = Field(min_length=1, max_length=MAX_BATCH)


class FoundMemories(StrictModel):
    """What a search found, best first."""

    results: list[MemorySearchResult]


class Because(StrictModel):
    """Why something is done."""

    reason: Reason


class Supersession(MemoryChange):
    """What the next version says, and why; what is left out stays as it is."""

    reason: Reason = "changed"


class TagList(StrictModel):
    """The tags that a memory has from now on, and no others."""

    tags: list[Tag] = Field(max_length=50)


class ErasedMemories(StrictModel):
    """The versions that were erased now, those of memories that were made of them included."""

    erased: list[UUID]


class AnswerMemories(StrictModel):
    """What was put before the model for one answer, in the order in which it stood there.

    Attributes:
        memories: Empty where nothing was, or where there is no such answer.
    """

    answer_id: UUID
    memories: list[UsedMemory]

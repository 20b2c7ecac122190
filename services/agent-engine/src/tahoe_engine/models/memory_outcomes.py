"""What became of what was to be remembered."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.memory_models import MemoryRecord


class AddOutcome(StrEnum):
    """created: it is new. known: the same place of a conversation stands there already, and nothing was changed.

    merged: the same was known, in these or other words; both became a new version. superseded: it stands in the place
    of what was known of its subject. disputed: it contradicts what was known of its subject, and both are marked.
    """

    CREATED = "created"
    KNOWN = "known"
    MERGED = "merged"
    SUPERSEDED = "superseded"
    DISPUTED = "disputed"


class AddedMemory(StrictModel):
    """Where it went.

    Attributes:
        others: The memories that it was merged with, superseded or contradicts.
    """

    outcome: AddOutcome
    memory: MemoryRecord
    others: list[UUID] = Field(default_factory=list)


class BulkAdded(StrictModel):
    """What became of many, in the order of the input.

    Attributes:
        ids: Where each went.
        outcomes: What became of each.
    """

    ids: list[UUID]
    outcomes: list[AddOutcome]

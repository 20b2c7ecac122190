"""What agents remember: enums, and what goes in and out of the memory."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, JsonValue, StringConstraints, model_validator

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.retrieval_weights import RetrievalWeights

MAX_CONTENT_CHARACTERS = 32_000
"""A memory is a statement, not a document: longer texts are split by whoever writes them."""
MAX_QUERY_CHARACTERS = 4_000
MAX_DIMENSIONS = 16_000
MAX_TAGS = 50
MAX_NAMED = 1000
"""Messages that a memory says it comes from, and memories that it says it is related to."""
# The very ends of the calendar are infinite to asyncpg, which then gives them back without an offset.
_FIRST = datetime.min.replace(tzinfo=UTC) + timedelta(microseconds=1)
_LAST = datetime.max.replace(tzinfo=UTC) - timedelta(microseconds=1)


def _within_calendar(moment: datetime) -> datetime:
    """Takes a moment that lies beyond the calendar in UTC, which the database has, for the calendar's own edge."""
    return min(max(moment, _FIRST), _LAST)


class MemoryType(StrEnum):
    """What kind of memory it is.

    semantic: a fact. episodic: something that happened or was said. Both are the team's, or one agent's.
    procedural: how the agent does something. agent_private: its own notes. identity: who it is. One agent's alone.
    shared, user_profile: what every agent of the team may know, about the world and about a user.
    """

    SEMANTIC = "semantic"
    EPISODIC = "episodic"
    PROCEDURAL = "procedural"
    AGENT_PRIVATE = "agent_private"
    SHARED = "shared"
    IDENTITY = "identity"
    USER_PROFILE = "user_profile"


NEEDS_AGENT = frozenset({MemoryType.PROCEDURAL, MemoryType.AGENT_PRIVATE, MemoryType.IDENTITY})
"""Types that make no sense without the agent whose they are."""


class MemoryStatus(StrEnum):
    """Whether a memory counts.

    superseded: a later version or memory stands in its place. archived: expired, or folded into another.
    disputed: another memory says otherwise, and nobody has decided yet.
    """

    ACTIVE = "active"
    SUPERSEDED = "superseded"
    ARCHIVED = "archived"
    DISPUTED = "disputed"


class MemoryTier(StrEnum):
    """How near at hand a memory is, by use and age."""

    HOT = "hot"
    WARM = "warm"
    COLD = "cold"


class MemorySource(StrEnum):
    """Where a memory comes from."""

    EXTRACTION = "extraction"
    EXPLICIT = "explicit"
    SYSTEM = "system"
    FEEDBACK = "feedback"
    CONSOLIDATION = "consolidation"
    COMPACTION = "compaction"


class MemoryEvent(StrEnum):
    """What the log says happened to a memory."""

    CREATED = "created"
    UPDATED = "updated"
    SUPERSEDED = "superseded"
    PROMOTED = "promoted"
    DEMOTED = "demoted"
    PINNED = "pinned"
    UNPINNED = "unpinned"
    DISPUTED = "disputed"
    RESOLVED = "resolved"
    EXPIRED = "expired"
    CONSOLIDATED = "consolidated"
    ACCESSED = "accessed"
    ERASED = "erased"


# The patterns say for readers of the schema what stripping does, and mean the same to every engine, unlike \w.
_SAYS_SOMETHING = r"^[^\x00]*[^\s\x00][^\x00]*$"
_TAG = r"^[^\s\x00-\x1f\x7f-\x9f,][^\x00-\x1f\x7f-\x9f\u2028\u2029,]*$"

type Content = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_CONTENT_CHARACTERS, pattern=_SAYS_SOMETHING),
]
type Query = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUERY_CHARACTERS, pattern=_SAYS_SOMETHING),
]
type Tag = Annotated[
    str,
    StringConstraints(pattern=_TAG, max_length=64),
    Field(description="Begins with no space; holds no comma, line break or other control character."),
]
type Moment = Annotated[AwareDatetime, AfterValidator(_within_calendar)]
type Importance = Annotated[int, Field(ge=1, le=10)]
type Unit = Annotated[float, Field(ge=0, le=1)]


class MemoryCreate(StrictModel):
    """What is to be remembered.

    Attributes:
        agent_id: Whose memory it is; None: the whole team's.
        user_id: Seen only where this user is concerned; None: whoever is.
        subject: What it is about (`user.name`); two memories of one subject cannot both hold.
        author: Who said it.
        occurred_at: When what it tells of happened or was said.
        position: Place in the source conversation; makes its neighbours findable.
        embedding: Of the content alone; None: it is made here.
        embedding_model: Needed beside an embedding. Of one that nobody asks with any more, the vector is made anew.
        importance: 1 to 10.
        expires_at: From then on it is never found again.
    """

    content: Content
    memory_type: MemoryType = MemoryType.SEMANTIC
    agent_id: UUID | None = None
    user_id: UUID | None = None
    subject: str | None = Field(default=None, min_length=1, max_length=200)
    author: str | None = Field(default=None, min_length=1, max_length=200)
    occurred_at: Moment | None = None
    embedding: list[float] | None = Field(default=None, max_length=MAX_DIMENSIONS)
    embedding_model: str | None = Field(default=None, min_length=1, max_length=200)
    importance: Importance = 5
    confidence: Unit = 1.0
    is_pinned: bool = False
    source: MemorySource = MemorySource.EXPLICIT
    source_conversation_id: UUID | None = None
    source_message_ids: list[UUID] = Field(default_factory=list, max_length=MAX_NAMED)
    position: int | None = Field(default=None, ge=0, le=2**31 - 1)
    extraction_model: str | None = Field(default=None, max_length=200)
    related_to: list[UUID] = Field(default_factory=list, max_length=MAX_NAMED)
    tags: list[Tag] = Field(default_factory=list, max_length=MAX_TAGS)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    expires_at: Moment | None = None

    @model_validator(mode="after")
    def _belongs_to_somebody(self) -> Self:
        if self.agent_id is None and self.memory_type in NEEDS_AGENT:
            raise ValueError(f"a memory of type {self.memory_type} needs an agent_id")
        if (self.embedding is None) != (self.embedding_model is None):
            raise ValueError("embedding and embedding_model belong together")
        if self.position is not None and self.source_conversation_id is None:
            raise ValueError("a position needs a source_conversation_id")
        return self


class MemoryRecord(StrictModel):
    """One version of a memory, as it is stored.

    Attributes:
        root_id: The first version's id, which all versions share.
        version: Counts from 1.
        superseded_by: What stands in its place.
        contradicts: The memories that say otherwise, while it is disputed.
        is_embedded: Whether it can be found by meaning yet.
        erased_at: When its content was erased for data protection; the fact remains.
    """

    id: UUID
    root_id: UUID
    version: int
    content: str
    memory_type: MemoryType
    agent_id: UUID | None
    user_id: UUID | None
    subject: str | None
    author: str | None
    occurred_at: AwareDatetime | None
    is_embedded: bool
    embedding_model: str | None
    importance: int
    confidence: float
    access_count: int
    last_accessed_at: AwareDatetime | None
    is_pinned: bool
    source: MemorySource
    source_conversation_id: UUID | None
    source_message_ids: list[UUID]
    position: int | None
    extraction_model: str | None
    superseded_by: UUID | None
    contradicts: list[UUID]
    related_to: list[UUID]
    tags: list[str]
    metadata: dict[str, JsonValue]
    tier: MemoryTier
    status: MemoryStatus
    expires_at: AwareDatetime | None
    erased_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class MemorySearchRequest(StrictModel):
    """What is looked for, and on whose behalf.

    Attributes:
        agent_id: Who asks: memories of another agent alone are not found. None: only what belongs to no agent alone.
        user_id: Who is concerned: what belongs to another user is not found.
        types: Only these; None: all.
        tags: Only memories that have all of them.
        as_of: What could have been found at that moment; None: now.
        conversation_id: The one that goes on; weighs only with `weights`.
        weights: What counts beside relevance; None: relevance alone.
    """

    query: Query
    agent_id: UUID | None = None
    user_id: UUID | None = None
    types: list[MemoryType] | None = Field(default=None, min_length=1, max_length=len(MemoryType))
    tags: list[Tag] = Field(default_factory=list, max_length=20)
    limit: int = Field(default=10, ge=1, le=100)
    as_of: Moment | None = None
    conversation_id: UUID | None = None
    weights: RetrievalWeights | None = None


class MemorySearchResult(StrictModel):
    """A memory that was found.

    Attributes:
        rank: From 1.
        score: Larger is better; comparable within one search alone.
    """

    rank: int
    score: float
    memory: MemoryRecord


class UsedMemory(StrictModel):
    """A memory that was put before a model.

    Attributes:
        version: Of the memory, at that moment.
        rank: From 1, as it stood there.
        score: Of the search that found it; None where it comes with every answer.
    """

    memory_id: UUID
    version: int
    rank: int
    score: float | None


class MemoryLogEntry(StrictModel):
    """Something that happened to a memory, with its state after it; never what it says.

    Attributes:
        id: Counts in the order in which things happened.
        memory_id: The version it happened to; None for an access, which names all of its memories in `memory_ids`.
        actor: Who did it.
        reason: Why.
    """

    id: int
    memory_id: UUID | None
    memory_ids: list[UUID] | None
    event: MemoryEvent
    version: int | None
    status: MemoryStatus | None
    tier: MemoryTier | None
    importance: int | None
    confidence: float | None
    is_pinned: bool | None
    expires_at: AwareDatetime | None
    superseded_by: UUID | None
    actor: str | None
    reason: str | None
    logged_at: AwareDatetime


class MemoryHistory(StrictModel):
    """Everything about a memory: its versions, oldest first, and what happened to them."""

    versions: list[MemoryRecord]
    events: list[MemoryLogEntry]


class MemoryChange(StrictModel):
    """What the next version of a memory says; what is left out stays as it is."""

    content: Content
    importance: Importance | None = None
    confidence: Unit | None = None
    occurred_at: Moment | None = None
    expires_at: Moment | None = None
    metadata: dict[str, JsonValue] | None = None

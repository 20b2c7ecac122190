"""Interactions and analyses as the database gives them back."""

from uuid import UUID

from pydantic import AwareDatetime, Field

from tahoe_engine.models.analysis import AnalysisStatus, ScorecardRef, Verdict
from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.interaction import Interaction, InteractionType


class SavedInteraction(StrictModel):
    """Where an interaction went.

    Attributes:
        version: Counts the contents that came under its external id.
        created: Whether it is new; False when the same content stood there already.
    """

    id: UUID
    version: int
    created: bool


class InteractionSummary(StrictModel):
    """A stored interaction, as lists show it."""

    id: UUID
    external_id: str | None
    version: int
    type: InteractionType
    language: str | None
    occurred_at: AwareDatetime | None
    created_at: AwareDatetime


class StoredInteraction(StrictModel):
    """A stored interaction with its content.

    Attributes:
        content_hash: SHA-256 of the content, in hexadecimal.
    """

    id: UUID
    version: int
    content_hash: str
    created_at: AwareDatetime
    interaction: Interaction


class AnalysisSummary(StrictModel):
    """A stored analysis without its findings, as lists show it."""

    analysis_id: UUID
    interaction_id: UUID
    scorecard: ScorecardRef
    status: AnalysisStatus
    verdict: Verdict | None
    overall_score: float | None
    coverage: float | None
    confidence: float | None
    created_at: AwareDatetime
    completed_at: AwareDatetime | None


class AnalysisFilter(StrictModel):
    """Which analyses a list shows; what is left out does not matter.

    Attributes:
        scorecard: Name, whatever the version.
        created_from: From this moment on.
        created_before: Before this moment.
    """

    interaction_id: UUID | None = None
    scorecard: str | None = None
    scorecard_version: int | None = Field(default=None, ge=1, le=2**31 - 1)
    verdict: Verdict | None = None
    status: AnalysisStatus | None = None
    created_from: AwareDatetime | None = None
    created_before: AwareDatetime | None = None


class InteractionFilter(StrictModel):
    """Which interactions a list shows; what is left out does not matter."""

    external_id: str | None = None
    type: InteractionType | None = None
    created_from: AwareDatetime | None = None
    created_before: AwareDatetime | None = None

"""What a check says of one requirement."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.interaction import Turn


class Outcome(StrEnum):
    """How a requirement came out; `not_run` is never counted as met."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_APPLICABLE = "not_applicable"
    NOT_RUN = "not_run"


class Severity(StrEnum):
    """How bad it is when a requirement is not met, mildest first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Evidence(StrictModel):
    """Words that stand in the interaction: `quote` is exactly `turns[turn].text[start:end]`.

    Attributes:
        turn: 0-based index of the turn in the source.
        start: First code point.
        end: One past the last code point.
    """

    turn: int = Field(ge=0)
    start: int = Field(ge=0)
    end: int = Field(gt=0)
    quote: str = Field(min_length=1)

    @classmethod
    def of(cls, index: int, turn: Turn, start: int, end: int) -> Self:
        """Quotes `turn`, which is number `index`."""
        return cls(turn=index, start=start, end=end, quote=turn.text[start:end])

    @model_validator(mode="after")
    def _quote_fills_the_span(self) -> Self:
        if len(self.quote) != self.end - self.start:
            raise ValueError("the quote is not as long as its span")
        return self


class CheckResult(StrictModel):
    """What one check found, before a requirement gives it a name and a severity.

    Attributes:
        confidence: 0 to 1; None when the check did not run or does not apply.
    """

    outcome: Outcome
    confidence: float | None = Field(default=None, ge=0, le=1)
    evidence: tuple[Evidence, ...] = ()
    explanation: str


class Finding(StrictModel):
    """One check's answer to one requirement.

    Attributes:
        requirement: Id of the requirement.
        check: Type of the check, for instance `pattern`.
        agent: Name of the agent template that judged.
    """

    requirement: str
    check: str
    agent: str
    outcome: Outcome
    severity: Severity
    confidence: float | None = Field(default=None, ge=0, le=1)
    evidence: tuple[Evidence, ...] = ()
    explanation: str

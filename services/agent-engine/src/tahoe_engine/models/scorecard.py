"""A scorecard as people write it, and as the scorer reads it."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Discriminator, Field, Tag, model_validator

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.check_specs import CheckSpec
from tahoe_engine.models.conditions import Condition
from tahoe_engine.models.finding import Severity

Slug = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9_.-]*$",
        max_length=100,
        description="A name in lower-case letters, digits, dot, dash and underscore.",
    ),
]
Weight = Annotated[float, Field(gt=0, le=1000, description="How much it counts beside its neighbours.")]


class Category(StrictModel):
    """A group of requirements with a score of its own."""

    title: str = ""
    weight: Weight = 1


class CheckReference(StrictModel):
    """A check of an agent template that stands on its own, so that several scorecards can share it."""

    agent: Slug
    check: Slug


def _check_kind(value: object) -> str:
    if isinstance(value, dict):
        return "reference" if "agent" in value else "inline"
    return "reference" if isinstance(value, CheckReference) else "inline"


RequirementCheck = Annotated[
    Annotated[CheckSpec, Tag("inline")] | Annotated[CheckReference, Tag("reference")], Discriminator(_check_kind)
]


class Requirement(StrictModel):
    """One thing that is asked of an interaction."""

    id: Slug
    title: str = Field(min_length=1, max_length=200, description="One line, as a reader of the report sees it.")
    category: Slug
    weight: Weight = 1
    severity: Severity = Severity.MEDIUM
    required: bool = Field(default=False, description="When it could not be evaluated, the verdict is review.")
    applies_when: Condition | None = None
    checks: tuple[RequirementCheck, ...] = Field(
        min_length=1, description="What judges it; when several disagree, the conflict rule decides."
    )
    recommendation: str = Field(default="", description="What to do better when it is not met.")


class Thresholds(StrictModel):
    """Where the verdicts begin; scores run from 0 to 100, coverage from 0 to 1."""

    pass_: float = Field(default=80, alias="pass", ge=0, le=100, description="From this score on: pass.")
    review: float = Field(default=60, ge=0, le=100, description="From this score on: review; below: high_risk.")
    min_coverage: float = Field(default=0.5, ge=0, le=1, description="Below this coverage a pass becomes review.")

    @model_validator(mode="after")
    def _review_comes_before_pass(self) -> Self:
        if self.review > self.pass_:
            raise ValueError("review is above pass")
        return self


class AggregationRules(StrictModel):
    """How findings become a score."""

    conflict: Literal["lowest", "highest", "weighted"] = Field(
        default="lowest",
        description="When checks of one requirement disagree: the lowest, the highest, or their mean by agent weight "
        "and confidence.",
    )
    caps: dict[Severity, Annotated[float, Field(ge=0, le=100)]] = Field(
        default_factory=lambda: {Severity.CRITICAL: 40.0},
        description="The score is at most this when a requirement of that severity is not met.",
    )


class ScorecardAgent(StrictModel):
    """How one specialist takes part in the scorecard."""

    weight: Weight = 1
    is_required: bool = False
    execution_order: int = Field(default=0, ge=0, le=1000, description="0 runs first; equal numbers run in parallel.")


class ScorecardDefinition(StrictModel):
    """A scorecard as a YAML file holds it.

    Checks that are written inline belong to a specialist that is named after scorecard and category,
    `<scorecard>.<category>`; a reference names a check of an agent template that was applied before.
    """

    name: Slug
    description: str = ""
    portfolio: Slug = "default"
    thresholds: Thresholds = Thresholds()
    aggregation: AggregationRules = AggregationRules()
    categories: dict[Slug, Category] = Field(min_length=1)
    agents: dict[Slug, ScorecardAgent] = Field(
        default_factory=dict, description="Specialist → how it takes part; those left out take the defaults."
    )
    requirements: tuple[Requirement, ...] = Field(min_length=1)


class BoundCheck(StrictModel):
    """A check together with the specialist that runs it."""

    agent: str
    spec: CheckSpec


class BoundRequirement(StrictModel):
    """A requirement whose references have been followed."""

    id: str
    title: str
    category: str
    weight: float
    severity: Severity
    required: bool
    applies_when: Condition | None
    checks: tuple[BoundCheck, ...]
    recommendation: str


class BoundScorecard(StrictModel):
    """One version of a scorecard, ready to score with.

    Attributes:
        id: Row of this version; None for one that is not stored.
        template_versions: Specialist → version of its agent template.
    """

    id: UUID | None = None
    portfolio_id: UUID | None = None
    name: str
    description: str = ""
    version: int
    thresholds: Thresholds
    aggregation: AggregationRules
    categories: Mapping[str, Category]
    agents: Mapping[str, ScorecardAgent]
    requirements: tuple[BoundRequirement, ...]
    template_versions: Mapping[str, int]

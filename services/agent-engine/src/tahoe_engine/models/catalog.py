"""What the catalogs take and give: agent templates, tools, model providers, portfolios and lists of scorecards.

An `…Input` is what a person writes, all of it: an update replaces the whole. Without `Input` it is what is stored.
"""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.check_specs import CheckSpec
from tahoe_engine.models.finding import Severity
from tahoe_engine.models.scorecard import BoundScorecard, Slug, Weight

Description = Annotated[str, Field(max_length=10_000)]
Name = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$",
        max_length=100,
        description="Letters, digits, dot, dash, underscore and colon.",
    ),
]
TemplateName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9_.-]*$",
        max_length=201,
        description="Like a scorecard's name, with room for `<scorecard>.<category>`.",
    ),
]
JsonObject = dict[str, JsonValue]


class AgentTemplateType(StrEnum):
    """What part an agent plays."""

    SPECIALIST = "specialist"
    COORDINATOR = "coordinator"
    AGGREGATOR = "aggregator"


class ToolType(StrEnum):
    """How a tool is reached."""

    FUNCTION = "function"
    API = "api"
    DATABASE = "database"


class Stored(StrictModel):
    """What every row has.

    Attributes:
        created_at: UTC.
        updated_at: UTC.
    """

    id: UUID
    is_active: bool
    created_at: AwareDatetime
    updated_at: AwareDatetime


class NamedInput(StrictModel):
    """Something that its team calls by name."""

    name: str


class TemplateCheck(StrictModel):
    """A check with a name, by which scorecards refer to it."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=110)]
    spec: CheckSpec


class AgentTemplateInput(NamedInput):
    """A specialist's blueprint.

    Attributes:
        model: None: it has no model, its checks run natively.
        settings: What the model is given beside the prompts (`model_config` to the outside, a name that Pydantic
            keeps to itself).
        trigger_rules: When the specialist is called in.
    """

    name: TemplateName
    description: Description = ""
    type: AgentTemplateType = AgentTemplateType.SPECIALIST
    model: str | None = Field(default=None, min_length=1, max_length=200)
    settings: JsonObject = Field(default_factory=dict, alias="model_config")
    capabilities: tuple[str, ...] = ()
    tools: tuple[Name, ...] = ()
    trigger_rules: JsonObject = Field(default_factory=dict)
    system_prompt: str = ""
    user_prompt: str = ""
    checks: tuple[TemplateCheck, ...] = ()


class AgentTemplate(AgentTemplateInput, Stored):
    """One version of a template."""

    version: int


class ToolInput(NamedInput):
    """Something that an agent can use."""

    name: Name
    description: Description = ""
    type: ToolType
    configuration: JsonObject = Field(default_factory=dict)


class Tool(ToolInput, Stored):
    """A stored tool."""


class ModelProviderInput(NamedInput):
    """Where models answer."""

    name: Name
    base_url: str | None = Field(
        default=None,
        pattern=r"^https?://[A-Za-z0-9._~:\[\]-]+(/[A-Za-z0-9._~!$&'()*+,;=:@/%-]*)?$",
        max_length=500,
        description="A URL without user, password or query; left out: the provider's own.",
    )
    api_key_env_var: str | None = Field(
        default=None,
        pattern=r"^[A-Z][A-Z0-9_]*$",
        max_length=100,
        description="Name of the environment variable that holds the key, which has to end in _API_KEY to be used;"
        " the key itself is never stored.",
    )
    models: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = ()


class ModelProvider(ModelProviderInput, Stored):
    """A stored provider."""


class OfferedModels(StrictModel):
    """The names of the models that a provider offers, in its order."""

    models: tuple[str, ...]


class ThresholdSettings(StrictModel):
    """Some of a scorecard's thresholds; what is left out stays as it is."""

    pass_: float | None = Field(default=None, alias="pass", ge=0, le=100)
    review: float | None = Field(default=None, ge=0, le=100)
    min_coverage: float | None = Field(default=None, ge=0, le=1)


class AggregationSettings(StrictModel):
    """Some of a scorecard's aggregation rules; caps that are given replace all caps."""

    conflict: Literal["lowest", "highest", "weighted"] | None = None
    caps: dict[Severity, Annotated[float, Field(ge=0, le=100)]] | None = None


class ScorecardSettings(StrictModel):
    """What a portfolio says about its scorecards.

    Attributes:
        weights: Category → weight; scorecards without that category take no notice.
    """

    thresholds: ThresholdSettings = ThresholdSettings()
    aggregation: AggregationSettings = AggregationSettings()
    weights: dict[Slug, Weight] = Field(default_factory=dict)


class PortfolioConfiguration(StrictModel):
    """Defaults and overrides for the scorecards of a portfolio.

    Where several say something: `defaults`, then what the scorecard's author wrote, then `overrides`; the later wins.
    They hold from the next analysis on, without a new version of the scorecard.
    """

    defaults: ScorecardSettings = ScorecardSettings()
    overrides: ScorecardSettings = ScorecardSettings()


class PortfolioInput(NamedInput):
    """A group of scorecards with settings in common."""

    name: Slug
    description: Description = ""
    configuration: PortfolioConfiguration = PortfolioConfiguration()


class Portfolio(PortfolioInput, Stored):
    """A stored portfolio."""


class ScorecardSummary(Stored):
    """One version of a scorecard, as lists show it."""

    name: str
    description: str
    version: int
    portfolio: str


class AppliedScorecard(StrictModel):
    """What applying a definition came to.

    Attributes:
        created: Whether it made a new version; False when the same stood there already.
    """

    bound: BoundScorecard
    created: bool


class SeedReport(StrictModel):
    """What seeding added; nothing on a second run.

    Attributes:
        kept: Example scorecards of which the team has another version, which stays.
    """

    portfolios: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    model_providers: tuple[str, ...] = ()
    scorecards: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

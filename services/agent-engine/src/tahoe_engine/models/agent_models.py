"""Who an agent is: its DNA, and the parts of it."""

import re
import unicodedata
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.catalog import Description, Name
from tahoe_engine.models.memory_models import MemoryType
from tahoe_engine.models.retrieval_weights import RetrievalWeights
from tahoe_engine.models.scorecard import Slug

__all__ = [
    "AgentDNA",
    "AgentStatus",
    "Autonomy",
    "Boundaries",
    "ContextShares",
    "MemoryConfig",
    "ModelChoice",
    "ModelConfig",
    "Personality",
    "RetrievalWeights",
    "VoiceExample",
    "to_slug",
]

MAX_SLUG_CHARACTERS = 100
_SLUG_GAPS = re.compile(r"[^a-z0-9]+")
_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
# The same, with something other than spaces: what stripping them would leave empty is refused by the schema already.
_SOME_LINE = (
    r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*[^\s\x00-\x1f\x7f-\x9f\u2028\u2029][^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
)
_AMOUNT = re.compile(r"(1000000(\.0{1,6})?|[0-9]{1,6}(\.[0-9]{1,6})?)")
_HOST = r"^(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"

OneLine = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_SOME_LINE)]
AgentName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_SOME_LINE)]
LongText = Annotated[str, Field(max_length=20_000)]
ModelName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_SOME_LINE)]
SkillName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=64,
        description="As the Agent Skills specification has it: lower-case letters, digits and single dashes.",
    ),
]
Skills = Annotated[tuple[SkillName, ...], Field(max_length=200)]
AllowedDomain = Annotated[
    str,
    StringConstraints(to_lower=True, max_length=253, pattern=_HOST),
    Field(description="A host such as example.com, or *.example.com for all below it; no scheme, port or address."),
]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def _read_amount(value: object) -> object:
    """Refuses texts that the schema refuses: what it says of numbers it cannot say of the decimals in them."""
    if isinstance(value, str) and not _AMOUNT.fullmatch(value):
        raise PydanticCustomError("amount", "Input should be an amount like 12.50, up to 1000000 and with 6 decimals")
    # A validator makes a number of Python out of one of JSON, which strictness would refuse for a decimal.
    return Decimal(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else value


def _in_millionths(amount: Decimal) -> Decimal:
    if amount != round(amount, 6):
        raise ValueError("has more than 6 decimals")
    return amount


Dollars = Annotated[
    Decimal,
    BeforeValidator(_read_amount),
    Field(ge=0, le=1_000_000, allow_inf_nan=False),
    AfterValidator(_in_millionths),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 1_000_000},
                {"type": "string", "pattern": f"^{_AMOUNT.pattern}$"},
            ]
        }
    ),
]


def _each_once[T](items: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))


MemoryTypes = Annotated[tuple[MemoryType, ...], AfterValidator(_each_once)]


class AgentStatus(StrEnum):
    """Where an agent stands in its life; only an active one answers."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


class Autonomy(StrEnum):
    """How far an agent may go by itself when a tool would change something outside.

    `none`: it has no such tools. `suggest`: it says what it would do, and a person does it. `ask`: it does it once a
    person has approved. `auto`: it does it.
    """

    NONE = "none"
    SUGGEST = "suggest"
    ASK = "ask"
    AUTO = "auto"


class Personality(StrictModel):
    """How it comes across.

    Attributes:
        tone: How it sounds, in a few words.
        language: BCP 47 tag of the language it answers in; None: the language it is spoken to in.
        instructions: What it always keeps to, as its model is told.
    """

    traits: tuple[OneLine, ...] = Field(default=(), max_length=20)
    tone: OneLine = "clear and friendly"
    language: str | None = Field(default=None, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=35)
    instructions: LongText = ""


class VoiceExample(StrictModel):
    """One exchange that shows how it speaks.

    Attributes:
        note: What the example is to show.
    """

    heard: str = Field(min_length=1, max_length=4000)
    said: str = Field(min_length=1, max_length=4000)
    note: OneLine | None = None


class ModelChoice(StrictModel):
    """A model of a provider.

    Attributes:
        provider: Name of a model provider of the team; None: the configured one.
        model: The provider's name for it; None: the provider's first, or the configured one.
    """

    provider: Name | None = None
    model: ModelName | None = None


class ModelConfig(ModelChoice):
    """What it thinks with.

    Attributes:
        temperature: None: the provider's own, as some models refuse to be told.
        max_output_tokens: For one answer.
        fallbacks: Tried in order when the model does not answer.
    """

    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    max_output_tokens: int = Field(default=4096, ge=1, le=1_000_000)
    fallbacks: tuple[ModelChoice, ...] = Field(default=(), max_length=10)

    @property
    def choices(self) -> tuple[ModelChoice, ...]:
        """What is tried, in order, each once."""
        return _each_once((ModelChoice(provider=self.provider, model=self.model), *self.fallbacks))


class ContextShares(StrictModel):
    """How the context block's tokens are shared out.

    Each section may take its share and what the sections before it left; the memories found for the question take all
    that remains, `1 - identity - pinned - user_profile` at least.
    """

    identity: Share = 0.3
    pinned: Share = 0.3
    user_profile: Share = 0.2

    @model_validator(mode="after")
    def _no_more_than_all(self) -> Self:
        # A little above 1 is rounding: 0.6 + 0.3 + 0.1 is one of many sums that miss it.
        if self.identity + self.pinned + self.user_profile > 1 + 1e-9:
            raise ValueError("the shares of identity, pinned and user_profile come to more than 1")
        return self


class MemoryConfig(StrictModel):
    """What it may remember, and how much of it a model is shown.

    Attributes:
        reads: Types of memory that it is given; of these, identity and pinned ones always.
        writes: Types that may be made of what it hears. Its identity is set by people, unless named here.
        context_tokens: The most that the context block takes; 0: none is made.
        extracts: Whether memories are made of what is said, beside those that it is asked to keep.
        extractor: The model that reads what was said for this, beside rules that need none; None: rules alone.
        retention_days: When a memory that it makes expires; None: never. Expired is not deleted.
    """

    reads: MemoryTypes = tuple(MemoryType)
    writes: MemoryTypes = tuple(kind for kind in MemoryType if kind is not MemoryType.IDENTITY)
    context_tokens: int = Field(default=2000, ge=0, le=200_000)
    shares: ContextShares = ContextShares()
    extracts: bool = True
    extractor: ModelChoice | None = None
    retention_days: int | None = Field(default=None, ge=1, le=36_500)

    def find_expiry(self, now: datetime) -> datetime | None:
        """Returns when a memory that is made now expires; None: never."""
        return None if self.retention_days is None else now + timedelta(days=self.retention_days)


class Boundaries(StrictModel):
    """How far it may go: in what it does, and in what one run may cost.

    Attributes:
        allowed_domains: Hosts that its HTTP tools may reach; none when empty.
        max_turns: Model calls of one run.
        max_tokens: Input and output of all model calls of one run.
        max_seconds: From the question to the end of the answer, waiting for approval not counted.
        max_spend_usd: For one run, in US dollars; None: money is not limited, and a model without a known price may
            be used.
    """

    autonomy: Autonomy = Autonomy.ASK
    allowed_domains: Annotated[tuple[AllowedDomain, ...], AfterValidator(_each_once)] = Field(
        default=(), max_length=100
    )
    max_turns: int = Field(default=20, ge=1, le=1000)
    max_tool_calls: int = Field(default=50, ge=0, le=10_000)
    max_tokens: int = Field(default=200_000, ge=1, le=100_000_000)
    max_seconds: int = Field(default=300, ge=1, le=86_400)
    max_spend_usd: Dollars | None = None


class AgentDNA(StrictModel):
    """All that makes an agent who it is.

    Attributes:
        slug: What it is called in URLs and as OpenAI's `model`; left out: made of the name.
        role: What it is for, in one line.
        shared_skills: Skills of the team that it has.
        custom_skills: Skills of its own.
        disabled_skills: Those of either that it shall not use for now.
    """

    name: AgentName
    slug: Slug = Field(default_factory=str, validate_default=True)
    role: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=_LINE)] = ""
    description: Description = ""
    status: AgentStatus = AgentStatus.DRAFT
    personality: Personality = Personality()
    voice_examples: tuple[VoiceExample, ...] = Field(default=(), max_length=20)
    shared_skills: Skills = ()
    custom_skills: Skills = ()
    disabled_skills: Skills = ()
    model: ModelConfig = ModelConfig()
    memory: MemoryConfig = MemoryConfig()
    boundaries: Boundaries = Boundaries()
    retrieval_weights: RetrievalWeights = RetrievalWeights()

    @field_validator("slug", mode="before")
    @classmethod
    def _slug_of_name(cls, slug: object, info: ValidationInfo) -> object:
        # Not in the default's factory, where what is raised would be no ValidationError.
        return to_slug(info.data["name"]) if slug == "" and info.data.get("name") else slug

    @property
    def effective_skills(self) -> tuple[str, ...]:
        """Shared ones, then its own, without the disabled ones, each once."""
        disabled = set(self.disabled_skills)
        return _each_once(tuple(name for name in (*self.shared_skills, *self.custom_skills) if name not in disabled))


def to_slug(name: str) -> str:
    """Returns the name in lower-case ASCII letters, digits and dashes, without accents.

    Raises:
        ValueError: Nothing is left of it, as of a name in Hebrew or Chinese.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = _SLUG_GAPS.sub("-", plain)[:MAX_SLUG_CHARACTERS].strip("-")
    if not slug:
        raise ValueError("no slug can be made of a name without Latin letters or digits: give one as `slug`")
    return slug

"""The checks that a scorecard can name, one model a type; `scoring/checks/` runs them.

The models are the YAML format: their docstrings and field descriptions are what editors show.
"""

from datetime import time
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, WithJsonSchema, model_validator

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.interaction import Role

Speakers = Annotated[
    Role | tuple[Role, ...] | None,
    Field(description="Whose turns are searched: a role or a list of them; left out: everybody's."),
]


class Window(StrictModel):
    """Which of the speaker's turns are searched; with both, either will do."""

    first: int | None = Field(default=None, ge=1, description="The first so many turns of the speaker.")
    last: int | None = Field(default=None, ge=1, description="The last so many turns of the speaker.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.first is None and self.last is None:
            raise ValueError("a window needs first, last or both")
        return self


class PatternCheck(StrictModel):
    """Met when a regular expression is found."""

    type: Literal["pattern"]
    patterns: tuple[str, ...] = Field(min_length=1, description="Regular expressions; any of them will do.")
    speaker: Speakers = None
    window: Window | None = None
    ignore_case: bool = True
    min_matches: int = Field(default=1, ge=1, description="In how many turns at least.")


class PhraseCheck(StrictModel):
    """Met when something is said that means the same as an example."""

    type: Literal["phrase"]
    examples: tuple[str, ...] = Field(min_length=1, description="Ways to say it; any of them will do.")
    threshold: float = Field(default=0.6, gt=0, le=1, description="Cosine similarity from which it counts as said.")
    speaker: Speakers = None
    window: Window | None = None


PersonalDataKind = Literal["card", "email", "phone", "national_id", "iban"]


class PersonalDataCheck(StrictModel):
    """Met when no personal data stands in the searched turns."""

    type: Literal["personal_data"]
    kinds: tuple[PersonalDataKind, ...] = Field(
        default=("card", "email", "phone", "national_id", "iban"), min_length=1, description="What to look for."
    )
    regions: tuple[str, ...] = Field(
        default=("US", "GB"), description="Countries (ISO 3166) whose phone numbers are known without a country code."
    )
    speaker: Speakers = None
    window: Window | None = None


class ToolUse(StrictModel):
    """Something done rather than said: a tool call by name, or an action turn by its words."""

    type: Literal["tool"]
    tools: tuple[str, ...] = Field(min_length=1, description="Tool names; * stands for any characters.")


Matcher = Annotated[PatternCheck | PhraseCheck | PersonalDataCheck | ToolUse, Field(discriminator="type")]


class AbsenceCheck(StrictModel):
    """Met when a thing is nowhere found; what was found is the evidence."""

    type: Literal["absence"]
    of: Matcher


class OrderCheck(StrictModel):
    """Met when `before` is found earlier than the first `after`; does not apply when `after` never occurs."""

    type: Literal["order"]
    before: Matcher
    after: Matcher


TimeOfDay = Annotated[
    time,
    # As people write it; the format `time` would ask for seconds and a zone.
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:00)?$"}),
]


class LocalHours(StrictModel):
    """The hours in which contact is allowed, on the clock of the person contacted."""

    earliest: TimeOfDay = Field(description="From this minute on, for instance 08:00.")
    latest: TimeOfDay = Field(description="Up to and including this minute, for instance 21:00.")
    time_zone: str | None = Field(
        default=None, description="IANA zone; left out: the customer's, or else the interaction's own."
    )


class ResponseTime(StrictModel):
    """How long somebody may keep the other side waiting."""

    speaker: Role = Role.AGENT
    max_seconds: float = Field(gt=0)


class TimingCheck(StrictModel):
    """Met when the contact's local hour or the response times are within limits."""

    type: Literal["timing"]
    local_hours: LocalHours | None = None
    response_time: ResponseTime | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.local_hours is None) == (self.response_time is None):
            raise ValueError("timing needs exactly one of local_hours and response_time")
        return self


class RatioCheck(StrictModel):
    """Met when a measure of the conversation lies between two limits."""

    type: Literal["ratio"]
    measure: Literal["talk_share", "questions", "questions_per_turn"] = Field(
        description="talk_share: the speaker's part of all words of agent and customer, 0 to 1; "
        "questions: how many the speaker asked; questions_per_turn: per turn of the speaker."
    )
    speaker: Role = Role.AGENT
    min: float | None = Field(default=None, ge=0)
    max: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _limits_make_sense(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("ratio needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max")
        return self


class GroundedArgumentsCheck(StrictModel):
    """Met when every value in every tool call comes from the conversation or an earlier tool result.

    Dates, times, true and false are not judged, nor are arguments that steer a call or word a text (`limit`, `sort_by`,
    `summary`, `message` and the like).
    """

    type: Literal["grounded_arguments"]
    tools: tuple[str, ...] = Field(default=("*",), min_length=1, description="Tool names; * stands for any characters.")
    ignore_arguments: tuple[str, ...] = Field(default=(), description="Arguments that the agent may choose freely.")
    implied_values: tuple[str, ...] = Field(
        default=("0", "1"), description="Values that need no source, for instance a quantity of 1 or a currency."
    )
    support: float = Field(
        default=0.5, gt=0, le=1, description="The share of a text's words that must have been said; 1 asks for all."
    )
    choices: bool = Field(
        default=True,
        description="What a tool listed as one of several must have been asked for; false where the agent may choose.",
    )


class ToolSequenceCheck(StrictModel):
    """Met when each tool call fits its moment; a check has at least one rule."""

    type: Literal["tool_sequence"]
    required: tuple[str, ...] = Field(
        default=(), description="Tools that must all be called, in this order; * stands for any characters."
    )
    forbidden: tuple[str, ...] = Field(default=(), description="Tools that must not be called.")
    needs: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Tool → tools, each of which must have been called before it."
    )
    no_repeats: bool = Field(default=False, description="The same call with the same arguments is made only once.")
    no_repeats_in_a_row: bool = Field(
        default=False,
        description="The same call is not made again while the customer says nothing and nothing else is called.",
    )
    confirm: bool | tuple[str, ...] = Field(
        default=False,
        description="Tools to which the customer's latest words must agree, by a yes or by naming the act; true: all "
        "whose name says that they settle something (submit, place, pay, book, send, cancel, delete …). English only.",
    )
    complete: bool = Field(
        default=False,
        description="What the customer asked for and a tool just offered is in the call that acts on that answer.",
    )
    no_placeholders: bool = Field(
        default=False, description="No argument is empty or a stand-in such as null, unknown or TODO."
    )
    declared: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="The agent's tools → the arguments that each must be given. Other tools must not be called.",
    )

    @model_validator(mode="after")
    def _has_a_rule(self) -> Self:
        if not any(getattr(self, name) for name in type(self).model_fields if name != "type"):
            raise ValueError("tool_sequence needs at least one rule, for instance no_repeats or required")
        return self


class JsonSchemaCheck(StrictModel):
    """Met when what was written is JSON that fits a schema."""

    type: Literal["json_schema"]
    target: Literal["arguments", "result", "message"] = Field(
        description="arguments or results of tool calls, or a turn's own text"
    )
    tools: tuple[str, ...] = Field(default=("*",), min_length=1, description="Which tools, for arguments and result.")
    speaker: Speakers = Role.AGENT
    window: Window | None = None
    json_schema: dict[str, JsonValue] | bool = Field(alias="schema", description="JSON Schema, draft 2020-12.")


class JudgeCheck(StrictModel):
    """A question for a model; not run while no model is configured."""

    type: Literal["judge"]
    question: str = Field(min_length=1)


CheckSpec = Annotated[
    PatternCheck
    | PhraseCheck
    | AbsenceCheck
    | OrderCheck
    | TimingCheck
    | RatioCheck
    | GroundedArgumentsCheck
    | ToolSequenceCheck
    | JsonSchemaCheck
    | PersonalDataCheck
    | JudgeCheck,
    Field(discriminator="type"),
]

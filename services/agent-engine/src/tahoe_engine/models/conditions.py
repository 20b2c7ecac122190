"""When a requirement applies; `scoring/conditions.py` decides it."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, JsonValue, Tag, model_validator

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.check_specs import Matcher
from tahoe_engine.models.finding import Outcome
from tahoe_engine.models.interaction import InteractionType


class RequirementCondition(StrictModel):
    """Holds when another requirement came out so."""

    requirement: str = Field(description="Id of another requirement of this scorecard.")
    outcome: Literal[Outcome.MET, Outcome.NOT_MET] = Outcome.MET


class InteractionCondition(StrictModel):
    """Holds when every part that is given fits the interaction."""

    types: tuple[InteractionType, ...] = Field(default=(), description="One of these types.")
    languages: tuple[str, ...] = Field(default=(), description="One of these languages; `en` covers `en-GB`.")
    metadata: dict[str, JsonValue] = Field(default_factory=dict, description="These entries stand in the metadata.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.types or self.languages or self.metadata):
            raise ValueError("a condition on the interaction needs types, languages or metadata")
        return self


class FoundCondition(StrictModel):
    """Holds when something is found in the interaction."""

    found: Matcher


class AllOf(StrictModel):
    """Holds when each condition holds."""

    all: tuple["Condition", ...] = Field(min_length=1)


class AnyOf(StrictModel):
    """Holds when one condition holds."""

    any: tuple["Condition", ...] = Field(min_length=1)


class NotThis(StrictModel):
    """Holds when the condition does not."""

    not_: "Condition" = Field(alias="not")


_KEYS = {"requirement": "requirement", "found": "found", "all": "all", "any": "any", "not": "not", "not_": "not"}


def _kind(value: object) -> str:
    """Names the condition by the key that only it has, so that an error speaks of that kind alone."""
    keys = value if isinstance(value, dict) else type(value).model_fields if isinstance(value, StrictModel) else ()
    return next((kind for key, kind in _KEYS.items() if key in keys), "interaction")


Condition = Annotated[
    Annotated[RequirementCondition, Tag("requirement")]
    | Annotated[InteractionCondition, Tag("interaction")]
    | Annotated[FoundCondition, Tag("found")]
    | Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[NotThis, Tag("not")],
    Discriminator(_kind),
    Field(description="When the requirement applies; left out: always."),
]

AllOf.model_rebuild()
AnyOf.model_rebuild()
NotThis.model_rebuild()

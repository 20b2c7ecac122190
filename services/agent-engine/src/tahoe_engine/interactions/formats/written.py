"""Tahoe's own JSON, as people write it and as the API returns it.

The field descriptions are what editors show: `docs/schemas/interaction.schema.json` is made from these models.
"""

from typing import Self

from pydantic import Field, JsonValue, model_validator

from tahoe_engine.interactions.formats.draft import MOST_TURNS
from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.interaction import InteractionType, Participant, Role


class WrittenCall(StrictModel):
    """A tool call of a turn."""

    id: str | None = Field(default=None, description="The call's own id, which a later tool turn may refer to.")
    name: str = Field(min_length=1)
    arguments: dict[str, JsonValue] | str | None = Field(
        default=None, description="The arguments, as an object or as the text that the agent wrote."
    )
    result: str | dict[str, JsonValue] | list[JsonValue] | None = Field(
        default=None, description="What the tool answered; leave it out when the answer is a turn of its own."
    )
    arguments_text: str | None = Field(default=None, description="As the API returns it; wins over arguments.")
    start: int | None = Field(default=None, ge=0, description="As the API returns it; worked out anew.")


class WrittenTurn(StrictModel):
    """One entry of the conversation, in its order; role, speaker or both."""

    role: Role | None = Field(default=None, description="Left out: told from the speaker's name where it can be.")
    speaker: str | None = Field(default=None, description="The name; left out: the role.")
    text: str = Field(default="", description="What was said, exactly. Evidence quotes it.")
    at: str | None = Field(default=None, description="When the turn began, ISO 8601.")
    offset_seconds: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="Seconds from the start of the interaction."
    )
    tool_calls: tuple[WrittenCall, ...] = ()
    tool_call_id: str | None = Field(default=None, description="For a turn of role tool: the call that it answers.")
    spoken: int | None = Field(
        default=None,
        ge=0,
        description="As the API returns it: how many characters of text were said; the rest "
        "renders the tool calls and is worked out anew.",
    )

    @model_validator(mode="after")
    def _somebody_speaks(self) -> Self:
        if self.role is None and self.speaker is None:
            raise ValueError("a turn needs a speaker or a role")
        return self


class WrittenInteraction(StrictModel):
    """Something that happened and can be scored by Tahoe: a call, a chat, an e-mail thread, an agent's trajectory."""

    external_id: str | None = Field(
        default=None, description="Your own id. The same id with other content is a new version."
    )
    type: InteractionType | None = Field(default=None, description="Left out: trajectory with tool calls, else chat.")
    language: str | None = Field(default=None, description="BCP 47 tag, for instance en or pt-BR.")
    occurred_at: str | None = Field(
        default=None,
        description="When it began, ISO 8601. Without an offset it is read on the clock of time_zone; "
        "left out: when the first turn began.",
    )
    time_zone: str | None = Field(
        default=None, description="IANA name or offset. Left out: the offset of occurred_at, unless that ends in Z."
    )
    participants: tuple[Participant, ...] = Field(default=(), description="Who took part, and as what.")
    turns: tuple[WrittenTurn, ...] = Field(min_length=1, max_length=MOST_TURNS)
    metadata: dict[str, JsonValue] = Field(default_factory=dict, description="Anything else that is worth keeping.")


def interaction_schema() -> dict[str, JsonValue]:
    """Returns the JSON Schema that editors complete and check by."""
    schema = WrittenInteraction.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Tahoe interaction",
        "properties": {"$schema": {"type": "string"}, **schema["properties"]},
    }

"""An interaction as a format found it: nothing inferred yet, the source's own words throughout."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from tahoe_core.errors import ReadError
from tahoe_engine.models.interaction import InteractionType, Participant, Role

type JsonObject = dict[str, JsonValue]

# A day on the phone is some ten thousand; far beyond, memory for one interaction would no longer be bounded.
MOST_TURNS = 200_000


def refuse_too_many(turns: int) -> None:
    """Raises when one interaction would have more turns than any real one.

    Raises:
        ReadError: There are more than `MOST_TURNS`.
    """
    if turns > MOST_TURNS:
        raise ReadError(
            f"More than {MOST_TURNS:,} turns in one interaction.",
            cure="Split it: one file, or one record, for each conversation.",
        )


@dataclass(slots=True)
class CallDraft:
    """A tool call; `arguments` is the source's own text, or the JSON value that stood in its place."""

    name: str
    arguments: JsonValue = ""
    id: str | None = None
    result: str | None = None


@dataclass(slots=True)
class TurnDraft:
    """One entry of the source's list.

    Attributes:
        said: Exactly what the source says was said.
        role: Role that the source states in our own words; None: to be found from `role_name` and `speaker`.
        role_name: What the source calls the speaker's part, where it keeps that beside the name.
        time: Aware, or naive when the source gives no zone.
        offset_seconds: From the start of the interaction.
    """

    speaker: str
    said: str
    role: Role | None = None
    role_name: str | None = None
    time: datetime | None = None
    offset_seconds: float | None = None
    calls: list[CallDraft] = field(default_factory=list)
    tool_call_id: str | None = None


@dataclass(slots=True)
class InteractionDraft:
    """One interaction of a source.

    Attributes:
        type: What the source says it is.
        usual_type: What this format holds when nothing else is known.
        occurred_at: As the source writes it: text, or seconds or milliseconds since 1970.
        time_zone: A zone that `times.find_zone` knows.
        start_from_turns: The first turn's time stands for `occurred_at` when none is given.
        zone_from_offset: The offset of `occurred_at` stands for the time zone when none is given.
        notes: What the reader should know about how the source was read.
    """

    turns: list[TurnDraft]
    external_id: str | None = None
    type: InteractionType | None = None
    usual_type: InteractionType = InteractionType.CHAT
    language: str | None = None
    occurred_at: JsonValue = None
    time_zone: str | None = None
    start_from_turns: bool = True
    zone_from_offset: bool = True
    participants: tuple[Participant, ...] = ()
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

"""Tahoe's own JSON to a draft: strict, since whoever writes it wants to hear of a mistyped key."""

from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails

from tahoe_core.errors import ReadError
from tahoe_core.near_names import did_you_mean
from tahoe_engine.interactions.formats.draft import CallDraft, InteractionDraft, JsonObject, TurnDraft, refuse_too_many
from tahoe_engine.interactions.formats.times import check_zone, read_time
from tahoe_engine.interactions.formats.tool_calls import as_text
from tahoe_engine.interactions.formats.written import WrittenCall, WrittenInteraction, WrittenTurn
from tahoe_engine.models.interaction import Participant, Role

_RECORD_KEYS = frozenset({*WrittenInteraction.model_fields, "$schema"})
_TURN_KEYS = frozenset(WrittenTurn.model_fields)
_ROLES = frozenset(Role)
_MODELS = (WrittenInteraction, WrittenTurn, WrittenCall, Participant)
_SHOWN_ERRORS = 3


def looks_like_tahoe(record: JsonObject) -> bool:
    """Tells Tahoe's own shape: it has no key that the format does not know, and states roles in its words."""
    turns = record.get("turns")
    return (
        isinstance(turns, list)
        and bool(turns)
        and record.keys() <= _RECORD_KEYS
        and all(isinstance(turn, dict) and turn.keys() <= _TURN_KEYS and _role_is_ours(turn) for turn in turns)
    )


def read_tahoe(record: JsonValue) -> InteractionDraft:
    """Reads one interaction.

    Raises:
        ReadError: It does not keep to the schema; the message names the field.
    """
    fields = {key: value for key, value in record.items() if key != "$schema"} if isinstance(record, dict) else record
    turns = fields.get("turns") if isinstance(fields, dict) else None
    refuse_too_many(len(turns) if isinstance(turns, list) else 0)
    try:
        written = WrittenInteraction.model_validate(fields)
    except ValidationError as error:
        raise _refuse(error.errors(include_url=False)) from None
    return draft_written(written)


def draft_written(written: WrittenInteraction) -> InteractionDraft:
    """Makes a draft of what keeps to the schema.

    Raises:
        ReadError: A time or a time zone is none; the message names the field.
    """
    for place, time in (("occurred_at", written.occurred_at), *_turn_times(written)):
        if time is not None and read_time(time) is None:
            raise ReadError(
                f"{place}: {time!r} is no date with a time.", cure="Write it like 2026-11-03T10:02:00-05:00."
            )
    zones = (written.time_zone, *(person.time_zone for person in written.participants))
    for zone in filter(None, zones):
        check_zone(zone)
    return InteractionDraft(
        turns=[_read_turn(turn) for turn in written.turns],
        external_id=written.external_id,
        type=written.type,
        language=written.language,
        occurred_at=written.occurred_at,
        time_zone=written.time_zone or None,
        start_from_turns="occurred_at" not in written.model_fields_set,
        zone_from_offset="time_zone" not in written.model_fields_set,
        participants=written.participants,
        metadata=written.metadata,
    )


def _role_is_ours(turn: JsonObject) -> bool:
    role = turn.get("role")
    return role is None or (isinstance(role, str) and role in _ROLES)


def _read_turn(turn: WrittenTurn) -> TurnDraft:
    return TurnDraft(
        speaker=turn.speaker if turn.speaker is not None else str(turn.role),
        role=turn.role,
        said=turn.text if turn.spoken is None else turn.text[: turn.spoken],
        time=None if turn.at is None else read_time(turn.at),
        offset_seconds=turn.offset_seconds,
        calls=[_read_call(call) for call in turn.tool_calls],
        tool_call_id=turn.tool_call_id,
    )


def _read_call(call: WrittenCall) -> CallDraft:
    return CallDraft(
        name=call.name,
        arguments=call.arguments if call.arguments_text is None else call.arguments_text,
        id=call.id,
        result=None if call.result is None else as_text(call.result),
    )


def _turn_times(written: WrittenInteraction) -> list[tuple[str, str | None]]:
    return [(f"turns.{index}.at", turn.at) for index, turn in enumerate(written.turns) if turn.at is not None]


def _refuse(errors: list[ErrorDetails]) -> ReadError:
    shown = "; ".join(_describe(error) for error in errors[:_SHOWN_ERRORS])
    more = f"; and {len(errors) - _SHOWN_ERRORS} more" if len(errors) > _SHOWN_ERRORS else ""
    return ReadError(
        f"Not Tahoe's own JSON: {shown}{more}.",
        cure="docs/guides/interactions.md describes the format; leave --format out to read other shapes.",
    )


def _describe(error: ErrorDetails) -> str:
    place = ".".join(str(part) for part in error["loc"]) or "the document"
    if error["type"] == "extra_forbidden":
        known = {name for model in _MODELS for name in model.model_fields}
        return f"{place} is an unknown key.{did_you_mean(str(error['loc'][-1]), known).rstrip('?')}"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"

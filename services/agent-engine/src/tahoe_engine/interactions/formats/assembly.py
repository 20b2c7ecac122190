"""From what a format found to the model: who is who, when it was, what kind of thing it is."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from pydantic import JsonValue, ValidationError

from tahoe_core.errors import ReadError
from tahoe_engine.interactions.formats.draft import InteractionDraft, TurnDraft, refuse_too_many
from tahoe_engine.interactions.formats.field_map import FieldMap
from tahoe_engine.interactions.formats.options import ReadOptions
from tahoe_engine.interactions.formats.roles import find_role, other_side
from tahoe_engine.interactions.formats.storable import refuse_unstorable_json, refuse_unstorable_text
from tahoe_engine.interactions.formats.times import find_zone, read_time, written_offset
from tahoe_engine.interactions.formats.turns import build_turn
from tahoe_engine.models.interaction import Interaction, InteractionType, Role, Turn

type _Name = tuple[str, str | None]  # speaker, and what the source calls the speaker's part

_SIDES = (Role.AGENT, Role.CUSTOMER)
_SHOWN_NAMES = 6


def assemble(draft: InteractionDraft, options: ReadOptions) -> tuple[Interaction, tuple[str, ...]]:
    """Returns the interaction, and notes on what could not be known for certain.

    Raises:
        ReadError: It cannot be kept as it is.
    """
    if not draft.turns:
        raise ReadError("There are no turns in it.", cure="An interaction needs at least one turn.")
    refuse_too_many(len(draft.turns))
    notes = list(draft.notes)
    metadata = dict(draft.metadata)
    written = draft.occurred_at
    first = next((turn.time for turn in draft.turns if turn.time is not None), None)
    if written is None and first is not None and draft.start_from_turns:
        written = first.isoformat().replace("+00:00", "Z")
    zone = draft.time_zone or (written_offset(written) if draft.zone_from_offset else None)
    zone = zone or options.time_zone
    occurred_at = _settle_start(written, zone, metadata, notes)
    roles = _settle_roles(draft, options.field_map, notes)
    turns = _build_turns(draft.turns, roles, zone, notes)
    for text, where in ((draft.external_id, "the id"), (draft.language, "the language")):
        refuse_unstorable_text(text or "", where)
    for participant in draft.participants:
        refuse_unstorable_text(participant.name, "a participant's name")
    if metadata:
        refuse_unstorable_json(metadata, "metadata")
    try:
        interaction = Interaction(
            external_id=draft.external_id,
            type=draft.type or _recognise_type(draft, turns),
            language=draft.language,
            occurred_at=occurred_at,
            time_zone=zone,
            participants=draft.participants,
            turns=turns,
            metadata=metadata,
        )
    except ValidationError as error:
        wrong = error.errors()[0]
        raise ReadError(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}.") from None
    return interaction, tuple(notes)


def _settle_start(
    written: JsonValue, zone: str | None, metadata: dict[str, JsonValue], notes: list[str]
) -> datetime | None:
    """Returns the moment; one that is not certain stays in the metadata as it was written."""
    if written is None:
        return None
    moment = read_time(written)
    if moment is not None:
        moment = _with_zone(moment, zone)
    if moment is None or moment.tzinfo is None:
        metadata.setdefault("occurred_at", written)
        why = "is no time of day that can be read" if moment is None else "names no time zone (give time_zone)"
        notes.append(f"When it happened is unknown: {written!r} {why}.")
        return None
    return moment


def _with_zone(moment: datetime, zone: str | None) -> datetime | None:
    """Reads a naive time on the clock of `zone`; None where that leaves the calendar (the year 1 or 9999)."""
    try:
        if moment.tzinfo is None and zone is not None:
            local = moment.replace(tzinfo=find_zone(zone))
            # A fixed offset: a time in the hour that comes twice is unequal even to itself in another zone (PEP 495).
            moment = local.astimezone(timezone(local.utcoffset() or timedelta()))
        moment.utctimetuple()
    except OverflowError:
        return None
    return moment


def _settle_roles(draft: InteractionDraft, field_map: FieldMap, notes: list[str]) -> list[Role]:
    known = {participant.name.strip().casefold(): participant.role for participant in draft.participants}
    found: dict[_Name, Role | None] = {
        key: _find_role(*key, field_map, known)
        for key in {(turn.speaker, turn.role_name) for turn in draft.turns if turn.role is None}
    }
    system = [key for key, role in found.items() if role is Role.SYSTEM]
    if system and _system_is_the_agent(draft.turns, found):
        found.update(dict.fromkeys(system, Role.AGENT))
    _settle_unknown(found, draft.turns, notes)
    return [turn.role or found[turn.speaker, turn.role_name] or Role.OTHER for turn in draft.turns]


def _settle_unknown(found: dict[_Name, Role | None], turns: list[TurnDraft], notes: list[str]) -> None:
    """Gives the one person without a part the side that is missing; otherwise says who has none."""
    without_role = {(speaker, part) for (speaker, part), role in found.items() if role is None}
    unknown = sorted({speaker for speaker, part in without_role if speaker and part is None})
    taken = {turn.role or found[turn.speaker, turn.role_name] for turn in turns}
    sides = [side for side in _SIDES if side in taken]
    if len(unknown) == 1 and len(sides) == 1:
        found[unknown[0], None] = side = other_side(sides[0])
        notes.append(f"{unknown[0]!r} is taken for the {side}, since the other side is the {sides[0]}.")
    elif None in taken and len(sides) < len(_SIDES):
        shown = ", ".join(unknown[:_SHOWN_NAMES]) + (", …" if len(unknown) > _SHOWN_NAMES else "")
        notes.append(
            f"Nobody is known as the {' or the '.join(side for side in _SIDES if side not in sides)}; without a role: "
            f"{shown or 'unnamed speakers'}. Say who is who with --map agent=NAME,customer=NAME."
        )


def _find_role(speaker: str, role_name: str | None, field_map: FieldMap, known: Mapping[str, Role]) -> Role | None:
    mapped = field_map.find_role(speaker) or field_map.find_role(role_name or "")
    told = find_role(role_name) if role_name else None
    return mapped or told or known.get(speaker.strip().casefold()) or find_role(speaker)


def _system_is_the_agent(turns: list[TurnDraft], found: Mapping[_Name, Role | None]) -> bool:
    """Tells the corpora in which `USER` talks to `SYSTEM`: no agent anywhere, and the system answers a customer."""
    roles = [turn.role or found[turn.speaker, turn.role_name] for turn in turns]
    if Role.AGENT in roles or Role.CUSTOMER not in roles:
        return False
    return Role.SYSTEM in roles[roles.index(Role.CUSTOMER) :]


def _build_turns(drafts: list[TurnDraft], roles: list[Role], zone: str | None, notes: list[str]) -> tuple[Turn, ...]:
    """Builds the turns; times without a zone still say how many seconds lie between turns."""
    first = next((draft.time for draft in drafts if draft.time is not None), None)
    relative = first is not None and first.tzinfo is None and zone is None
    if relative:
        notes.append("The times of the turns name no time zone: only the seconds between them are kept.")
    turns = []
    for index, (draft, role) in enumerate(zip(drafts, roles, strict=True)):
        at, offset = draft.time, draft.offset_seconds
        if at is not None:
            at = _with_zone(at, zone)
        if at is not None and at.tzinfo is None:
            seconds = (at - first).total_seconds() if relative and first is not None else -1.0
            offset = seconds if offset is None and seconds >= 0 else offset
            at = None
        turns.append(build_turn(draft, index, role, at, offset))
    return tuple(turns)


def _recognise_type(draft: InteractionDraft, turns: tuple[Turn, ...]) -> InteractionType:
    """Calls of tools make a trajectory of it; without them it is what the format usually holds."""
    if any(turn.tool_calls or turn.role is Role.TOOL for turn in turns):
        return InteractionType.TRAJECTORY
    return draft.usual_type

"""One record of any JSON to a draft: its turns under a usual name, and what it says about itself."""

import difflib
from functools import lru_cache

from pydantic import JsonValue

from tahoe_core.errors import ReadError
from tahoe_core.near_names import did_you_mean
from tahoe_engine.interactions.formats.draft import InteractionDraft, JsonObject, TurnDraft
from tahoe_engine.interactions.formats.field_map import FieldMap
from tahoe_engine.interactions.formats.generic_turns import is_turn_list, read_turns
from tahoe_engine.interactions.formats.json_text import json_size
from tahoe_engine.interactions.formats.lines import split_lines
from tahoe_engine.interactions.formats.openai import check_messages
from tahoe_engine.interactions.formats.options import Format, ReadOptions
from tahoe_engine.interactions.formats.plain_text import read_labelled_lines
from tahoe_engine.interactions.formats.records import Record
from tahoe_engine.interactions.formats.roles import find_role
from tahoe_engine.interactions.formats.tahoe import looks_like_tahoe, read_tahoe
from tahoe_engine.interactions.formats.times import find_zone, read_time
from tahoe_engine.interactions.formats.tool_calls import as_text
from tahoe_engine.interactions.formats.turn_lists import TurnList, get_turns
from tahoe_engine.models.interaction import InteractionType, Participant

_IDS = (
    "external_id", "interaction_id", "conversation_id", "convo_id", "dialogue_id", "dialog_id", "call_id",
    "chat_id", "session_id", "thread_id", "ticket_id", "task_id", "trace_id", "run_id", "uuid", "id",
)  # fmt: skip
_TIMES = (
    "occurred_at", "started_at", "start_time", "start_timestamp", "timestamp", "created_at", "datetime",
    "date", "time", "created",
)  # fmt: skip
_LANGUAGES = ("language", "lang", "locale")
_ZONES = ("time_zone", "timezone", "tz")
_OUR_KEYS = ("external_id", "type", "language", "occurred_at", "time_zone", "participants", "metadata", "turns")
_LARGEST_EXTRA = 16 * 1024


def read_record(record: Record, options: ReadOptions) -> InteractionDraft:
    """Reads one record in Tahoe's own shape, as OpenAI messages, or as whatever turns it holds.

    Raises:
        ReadError: It holds no turns, or one that cannot be read.
    """
    value, field_map = record.value, options.field_map
    draft = _read_own(value, options)
    if draft is None:
        found = get_turns(value, field_map)
        draft = InteractionDraft(turns=_read_turns(found, options))
        if isinstance(value, dict):
            _Fields(value, found, field_map).apply(draft)
    if draft.external_id is None:
        draft.external_id = record.key
    return draft


def _read_own(value: JsonValue, options: ReadOptions) -> InteractionDraft | None:
    if options.format is Format.TAHOE:
        return read_tahoe(value)
    if options.format is Format.OPENAI or options.field_map.names_fields or not isinstance(value, dict):
        return None
    return read_tahoe(value) if looks_like_tahoe(value) else None


def _read_turns(found: TurnList, options: ReadOptions) -> list[TurnDraft]:
    if isinstance(found.value, str):
        return read_labelled_lines(split_lines(found.value), options.field_map)[0]
    if options.format is Format.OPENAI:
        check_messages(found.value)
    return read_turns(found.value, options.field_map)


class _Fields:
    """What a record says beside its turns; whatever nobody asks for becomes metadata."""

    def __init__(self, record: JsonObject, found: TurnList, field_map: FieldMap) -> None:
        self._record = record
        self._found = found
        self._map = field_map
        self._used = set(found.path[:1])
        self._notes: list[str] = []

    def apply(self, draft: InteractionDraft) -> None:
        """Fills the draft."""
        draft.external_id = self._take_id()
        draft.type = self._take_type()
        draft.language = self._take_text(_LANGUAGES)
        draft.time_zone = self._take_zone()
        draft.occurred_at = self._take_time()
        draft.participants = self._take_participants()
        draft.usual_type = InteractionType.EMAIL if self._is_mail() else InteractionType.CHAT
        draft.metadata = self._rest()
        draft.notes.extend(self._notes)

    def _take(self, key: str) -> JsonValue:
        self._used.add(key)
        return self._record[key]

    def _take_text(self, keys: tuple[str, ...]) -> str | None:
        key = next((key for key in keys if isinstance(self._record.get(key), str) and self._record[key]), None)
        return None if key is None else as_text(self._take(key))

    def _take_id(self) -> str | None:
        mapped = self._map.id
        if mapped is not None and mapped not in self._record:
            raise ReadError(
                f"--map id={mapped}: there is no such field.{did_you_mean(mapped, self._record)}", cure="Correct --map."
            )
        for key in (mapped,) if mapped else _IDS:
            value = self._record.get(key)
            if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                return as_text(self._take(key))
        return None

    def _take_type(self) -> InteractionType | None:
        value = self._record.get("type")
        if isinstance(value, str) and value.lower() in InteractionType:
            return InteractionType(as_text(self._take("type")).lower())
        return None

    def _take_zone(self) -> str | None:
        key = next((key for key in _ZONES if isinstance(self._record.get(key), str)), None)
        if key is None:
            return None
        zone = as_text(self._record[key])
        if find_zone(zone) is None:
            self._notes.append(f"{key} {zone!r} is no IANA time zone, so it is kept as metadata only.")
            return None
        self._used.add(key)
        return zone

    def _take_time(self) -> JsonValue:
        keys = [self._map.time] if self._map.time in self._record else [key for key in _TIMES if key in self._record]
        readable = next((key for key in keys if read_time(self._record[key]) is not None), None)
        written = next((key for key in keys if isinstance(self._record[key], str) and self._record[key]), None)
        key = readable or written
        return None if key is None else self._take(key)

    def _take_participants(self) -> tuple[Participant, ...]:
        value = self._record.get("participants")
        people = [_find_participant(item) for item in value] if isinstance(value, list) else []
        known = tuple(person for person in people if person is not None)
        if known and len(known) == len(people):
            self._used.add("participants")
            return known
        return ()

    def _is_mail(self) -> bool:
        turns = self._found.value
        first = turns[0] if isinstance(turns, list) and turns else None
        return _has_mail_keys(self._record) or (isinstance(first, dict) and _has_mail_keys(first))

    def _rest(self) -> JsonObject:
        own = self._record.get("metadata")
        metadata: JsonObject = dict(own) if isinstance(own, dict) else {}
        left_out: list[JsonValue] = list(self._found.left_out)
        for key, value in self._record.items():
            if key in self._used or (key == "metadata" and isinstance(own, dict)):
                continue
            if key in metadata or is_turn_list(value, self._map) or _size(value) > _LARGEST_EXTRA:
                left_out.append(key)
                continue
            metadata[key] = value
            meant = _mistyped(key)
            if meant is not None and meant not in self._record:
                self._notes.append(f"{key!r} is kept as metadata; did you mean {meant!r}?")
        if left_out:
            metadata.setdefault("left_out", left_out)
            self._notes.append(f"Left out: {', '.join(map(str, left_out))}.")
        return metadata


def _find_participant(item: JsonValue) -> Participant | None:
    if not isinstance(item, dict):
        return None
    name, role, zone = item.get("name"), item.get("role"), item.get("time_zone", item.get("timezone"))
    if not isinstance(name, str) or not isinstance(role, str) or (told := find_role(role)) is None:
        return None
    return Participant(name=name, role=told, time_zone=zone if isinstance(zone, str) and find_zone(zone) else None)


def _has_mail_keys(item: JsonObject) -> bool:
    return "subject" in item or ("from" in item and "to" in item)


def _size(value: JsonValue) -> int:
    """Returns the length as JSON; 0 for what cannot be written, which is refused with its place later."""
    try:
        return json_size(value)
    except ReadError:
        return 0


@lru_cache(maxsize=1024)
def _mistyped(key: str) -> str | None:
    """Returns the one of our own keys that this one nearly is."""
    return next(iter(difflib.get_close_matches(key, _OUR_KEYS, n=1, cutoff=0.85)), None)

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tahoe_engine.interactions.formats.draft import CallDraft, TurnDraft
from tahoe_engine.interactions.formats.turns import build_turn
from tahoe_engine.interactions.formats.written import interaction_schema
from tahoe_engine.interactions.reading import ReadFailure, ReadInteraction, read_document
from tahoe_engine.models.interaction import Interaction, InteractionType, Participant, Role, Turn

type ReadOne = Callable[..., ReadInteraction]
type RefuseOne = Callable[..., ReadFailure]


REPOSITORY = Path(__file__).parents[4]
OWN: dict[str, Any] = {
    "external_id": "chat-1",
    "type": "chat",
    "language": "en",
    "occurred_at": "2026-11-03T10:02:00-05:00",
    "time_zone": "America/New_York",
    "participants": [{"name": "Tom", "role": "customer", "time_zone": "America/Denver"}],
    "turns": [
        {"speaker": "Dana", "role": "agent", "text": "Hello", "at": "2026-11-03T10:02:00-05:00"},
        {"speaker": "Tom", "text": "Hi", "offset_seconds": 4},
        {
            "role": "agent",
            "text": "Wait.",
            "tool_calls": [{"name": "find", "arguments": {"q": "é"}, "result": {"n": 1}}],
        },
    ],
    "metadata": {"queue": "billing"},
}


def test_what_a_person_writes_is_read(read_one: ReadOne) -> None:
    interaction = read_one(OWN).interaction
    assert interaction.external_id == "chat-1"
    assert interaction.participants[0].time_zone == "America/Denver"
    assert [(turn.role, turn.speaker) for turn in interaction.turns] == [
        (Role.AGENT, "Dana"),
        (Role.CUSTOMER, "Tom"),
        (Role.AGENT, "agent"),
    ]
    assert interaction.turns[2].text == 'Wait.\nfind({"q": "é"})'
    assert interaction.turns[2].tool_calls[0].result == '{"n": 1}'
    assert interaction.metadata == {"queue": "billing"}


def test_the_published_schema_is_made_from_the_models() -> None:
    published = REPOSITORY / "docs/schemas/interaction.schema.json"
    made = json.dumps(interaction_schema(), indent=2, ensure_ascii=False) + "\n"
    assert published.read_text() == made, (
        "Write it anew: uv run python -c 'import json; from tahoe_engine.interactions.formats.written import *; "
        "print(json.dumps(interaction_schema(), indent=2, ensure_ascii=False))' > docs/schemas/interaction.schema.json"
    )


def test_the_schema_takes_what_a_person_writes_and_what_the_api_returns(read_one: ReadOne) -> None:
    validator = jsonschema.Draft202012Validator(interaction_schema())
    validator.validate(OWN)
    validator.validate(read_one(OWN).interaction.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"occured_at": "x"}, "occured_at is an unknown key. Did you mean occurred_at"),
        ({"type": "fax"}, "type: Input should be 'call', 'chat', 'email' or 'trajectory'"),
        ({"turns": []}, "turns: Tuple should have at least 1 item"),
        ({"turns": [{"text": "x"}]}, "turns.0: a turn needs a speaker or a role"),
        ({"turns": [{"role": "agnet", "text": "x"}]}, "turns.0.role"),
        ({"turns": [{"role": "agent", "txt": "x"}]}, "turns.0.txt is an unknown key. Did you mean text"),
        ({"occurred_at": "tomorrow"}, "occurred_at: 'tomorrow' is no date with a time"),
        ({"time_zone": "New York"}, "'New York' is no time zone. Did you mean America/New_York?"),
        ({"participants": [{"name": "Tom", "role": "customer", "time_zone": "EDT"}]}, "'EDT' is no time zone"),
        ({"turns": [{"role": "agent", "at": "noon"}]}, "turns.0.at: 'noon'"),
    ],
)
def test_mistakes_are_named_when_the_format_is_insisted_on(
    refuse_one: RefuseOne, change: dict[str, Any], says: str
) -> None:
    assert says in refuse_one({**OWN, **change}, format="tahoe").message


def test_a_mistyped_key_is_noticed_without_insisting_too(read_one: ReadOne) -> None:
    document = {key: value for key, value in OWN.items() if key != "occurred_at"}
    item = read_one({**document, "occured_at": "2026-11-03T10:02:00-05:00"})
    assert any("did you mean 'occurred_at'?" in note for note in item.notes)


def test_the_offset_of_the_start_stands_for_the_zone_unless_one_is_given(read_one: ReadOne) -> None:
    without = {key: value for key, value in OWN.items() if key != "time_zone"}
    assert read_one(without).interaction.time_zone == "-05:00"
    assert read_one({**without, "time_zone": None}).interaction.time_zone is None


_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
_names = _texts.filter(bool)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
_zones = st.integers(-1400, 1400).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_moments = st.datetimes(datetime(1980, 1, 1), datetime(9990, 1, 1), timezones=_zones)  # noqa: DTZ001  # the zone is drawn
_calls = st.builds(
    CallDraft,
    name=_names,
    arguments=st.dictionaries(_texts, _json, max_size=3) | _texts,
    id=st.none() | _texts,
    result=st.none() | _texts,
)


@st.composite
def _turns(draw: st.DrawFn) -> Turn:
    draft = TurnDraft(
        speaker=draw(_texts),
        said=draw(_texts),
        calls=draw(st.lists(_calls, max_size=2)),
        tool_call_id=draw(st.none() | _texts),
    )
    role = draw(st.sampled_from(Role))
    offset = draw(st.none() | st.floats(0, 1e6))
    return build_turn(draft, 0, role, draw(st.none() | _moments), offset)


_interactions = st.builds(
    Interaction,
    external_id=st.none() | _texts,
    type=st.sampled_from(InteractionType),
    language=st.none() | st.sampled_from(["en", "pt-BR"]),
    occurred_at=st.none() | _moments,
    time_zone=st.none() | st.sampled_from(["Europe/Paris", "America/New_York", "-03:00"]),
    participants=st.lists(
        st.builds(Participant, name=_texts, role=st.sampled_from(Role), time_zone=st.none()), max_size=2
    ),
    turns=st.lists(_turns(), min_size=1, max_size=4),
    metadata=st.dictionaries(_texts, _json, max_size=3),
)


@settings(max_examples=100, deadline=None)
@given(_interactions)
def test_what_the_api_writes_reads_back_the_same(interaction: Interaction) -> None:
    (item,) = read_document(interaction.model_dump_json(), "x.json")
    assert isinstance(item, ReadInteraction), str(item)
    assert item.interaction == interaction


@settings(max_examples=40, deadline=None)
@given(st.lists(_interactions, min_size=1, max_size=4))
def test_json_lines_read_back_the_same(interactions: list[Interaction]) -> None:
    lines = "\n".join(interaction.model_dump_json() for interaction in interactions)
    items = read_document(lines, "x.jsonl")
    assert [item.interaction for item in items if isinstance(item, ReadInteraction)] == interactions


@settings(max_examples=100, deadline=None)
@given(_turns())
def test_arguments_stand_where_the_call_says(turn: Turn) -> None:
    for call in turn.tool_calls:
        assert turn.text[call.start : call.start + len(call.arguments_text)] == call.arguments_text
    assert turn.text.startswith(turn.spoken_text)

import json
from collections.abc import Callable
from typing import Any

import pytest

from tahoe_engine.interactions.reading import FieldMap, ReadFailure, ReadInteraction, ReadOptions, read_document
from tahoe_engine.models.interaction import InteractionType, Role

type ReadOne = Callable[..., ReadInteraction]


PAIRS = [["agent", "Hello"], ["customer", "Hi"], ["action", "Account opened."]]
OBJECTS = [{"speaker": "agent", "text": "Hello"}, {"speaker": "customer", "text": "Hi"}]


def _ids(items: list[ReadInteraction]) -> list[str | None]:
    return [item.interaction.external_id for item in items]


def _read(document: object) -> list[ReadInteraction]:
    items = read_document(json.dumps(document), "x.json")
    assert all(isinstance(item, ReadInteraction) for item in items), [str(item) for item in items]
    return [item for item in items if isinstance(item, ReadInteraction)]


@pytest.mark.parametrize(
    "key", ["turns", "messages", "utterances", "original", "conversation", "conversations", "transcript", "dialogue"]
)
@pytest.mark.parametrize("turns", [PAIRS, OBJECTS])
def test_turns_stand_under_a_usual_name(read_one: ReadOne, key: str, turns: list[Any]) -> None:
    item = read_one({key: turns, "note": 1})
    assert [turn.text for turn in item.interaction.turns][:2] == ["Hello", "Hi"]
    assert item.interaction.metadata == {"note": 1}


@pytest.mark.parametrize("speaker", ["speaker", "role", "from", "author", "sender"])
@pytest.mark.parametrize("text", ["text", "content", "value", "utterance", "message"])
def test_a_turn_may_be_an_object_with_usual_names(read_one: ReadOne, speaker: str, text: str) -> None:
    item = read_one({"turns": [{speaker: "human", text: "Hi"}, {speaker: "gpt", text: "Hello", "score": 1}]})
    assert [turn.role for turn in item.interaction.turns] == [Role.CUSTOMER, Role.AGENT]
    assert [turn.speaker for turn in item.interaction.turns] == ["human", "gpt"]


def test_the_index_of_a_turn_is_its_index_in_the_source(read_one: ReadOne) -> None:
    item = read_one({"original": [["agent", ""], *PAIRS, ["customer", "  "]]})
    assert [turn.text for turn in item.interaction.turns] == ["", "Hello", "Hi", "Account opened.", "  "]
    assert item.interaction.turns[3].role is Role.ACTION


def test_a_bare_list_of_turns_is_one_interaction(read_one: ReadOne) -> None:
    assert len(read_one(PAIRS).interaction.turns) == 3
    assert len(read_one(OBJECTS).interaction.turns) == 2


def test_a_list_of_interactions_is_read_one_by_one() -> None:
    items = _read([{"convo_id": 7, "original": PAIRS}, {"convo_id": 8, "original": PAIRS}, PAIRS])
    assert _ids(items) == ["7", "8", None]
    assert [item.source.position for item in items] == ["[0]", "[1]", "[2]"]


def test_an_object_may_hold_lists_of_interactions() -> None:
    items = _read({"version": 1, "train": [{"id": "a", "turns": PAIRS}], "test": [{"id": "b", "turns": OBJECTS}]})
    assert _ids(items) == ["a", "b"]
    assert [str(item.source) for item in items] == ["x.json.train[0]", "x.json.test[0]"]


def test_an_object_may_name_each_interaction() -> None:
    items = _read({"MUL1.json": {"turns": OBJECTS}, "MUL2.json": {"turns": OBJECTS}})
    assert _ids(items) == ["MUL1.json", "MUL2.json"]
    assert _ids(_read({"data": {"dialogs": {"d-1": PAIRS, "d-2": PAIRS}}})) == ["d-1", "d-2"]


def test_lists_are_found_deeper_down() -> None:
    assert _ids(
        _read({"data": {"conversations": [{"id": "a", "messages": OBJECTS}, {"id": "b", "messages": OBJECTS}]}})
    ) == [
        "a",
        "b",
    ]


def test_turns_inside_an_envelope_belong_to_the_whole_record(read_one: ReadOne) -> None:
    run = {"id": "run-1", "inputs": {"messages": [{"role": "user", "content": "Hi"}]}, "outputs": {"messages": OBJECTS}}
    item = read_one(run)
    assert item.interaction.external_id == "run-1"
    assert len(item.interaction.turns) == 2
    assert item.interaction.metadata["left_out"] == ["inputs.messages"]
    assert any("inputs.messages" in note for note in item.notes)


def test_a_table_of_turns_is_taken_apart_by_its_conversation() -> None:
    rows = [
        {"conversation_id": "c1", "speaker": "agent", "text": "Hello"},
        {"conversation_id": "c2", "speaker": "agent", "text": "Hey"},
        {"conversation_id": "c1", "speaker": "customer", "text": "Hi"},
    ]
    items = _read(rows)
    assert _ids(items) == ["c1", "c2"]
    assert [len(item.interaction.turns) for item in items] == [2, 1]


def test_a_transcript_in_one_text_is_read_like_plain_text(read_one: ReadOne) -> None:
    item = read_one({"id": 5, "transcript": "Agent: Hello\nCustomer: Hi\nthere"})
    assert [turn.text for turn in item.interaction.turns] == ["Hello", "Hi\nthere"]
    assert item.interaction.external_id == "5"


def test_texts_with_labels_are_turns(read_one: ReadOne) -> None:
    item = read_one({"dialogue": ["Agent: Hello", "Customer: Hi", "Agent: one: two"]})
    assert [turn.text for turn in item.interaction.turns] == ["Hello", "Hi", "one: two"]


def test_sharegpt_is_read(read_one: ReadOne) -> None:
    item = read_one({"id": "s", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hey"}]})
    assert [turn.role for turn in item.interaction.turns] == [Role.CUSTOMER, Role.AGENT]
    assert item.interaction.type is InteractionType.CHAT


def test_sharegpt_function_calls_become_tool_calls(read_one: ReadOne) -> None:
    item = read_one(
        {
            "conversations": [
                {"from": "human", "value": "Weather?"},
                {"from": "function_call", "value": '{"name": "weather", "arguments": {"city": "Oslo"}}'},
                {"from": "observation", "value": '{"degrees": 3}'},
            ]
        }
    )
    call = item.interaction.turns[1].tool_calls[0]
    assert item.interaction.turns[1].text == 'weather({"city": "Oslo"})'
    assert call.arguments == {"city": "Oslo"}
    assert [turn.role for turn in item.interaction.turns] == [Role.CUSTOMER, Role.AGENT, Role.TOOL]


def test_where_user_talks_to_system_the_system_is_the_agent(read_one: ReadOne) -> None:
    turns = [{"speaker": "USER", "utterance": "A taxi"}, {"speaker": "SYSTEM", "utterance": "Where to?"}]
    item = read_one({"dialogue_id": "MUL1", "services": ["taxi"], "turns": turns})
    assert [turn.role for turn in item.interaction.turns] == [Role.CUSTOMER, Role.AGENT]
    assert item.interaction.external_id == "MUL1"


def test_taskmaster_annotations_become_calls_with_their_results(read_one: ReadOne) -> None:
    def note(name: str, value: object) -> dict[str, Any]:
        return {"name": name, "value": value}

    annotations = [
        note("api_call", "menu"),
        note("request", '{"q": "tea"}'),
        note("api_response", "menu"),
        note("response", '{"items": []}'),
        note("api_call", "hours"),
        note("api_response", "hours"),
        note("response", '{"open": true}'),
    ]
    item = read_one(
        {"conversation_id": "d", "utterances": [{"speaker": "user", "text": "Tea?", "annotations": annotations}]}
    )
    turn = item.interaction.turns[0]
    assert turn.text == 'Tea?\nmenu({"q": "tea"})\nhours()'
    assert turn.spoken_text == "Tea?"
    assert [(call.name, call.arguments, call.result) for call in turn.tool_calls] == [
        ("menu", {"q": "tea"}, '{"items": []}'),
        ("hours", {}, '{"open": true}'),
    ]
    assert item.interaction.type is InteractionType.TRAJECTORY


def test_calls_keyed_by_their_name_and_answers_of_the_api_are_read(read_one: ReadOne) -> None:
    item = read_one(
        {
            "turns": [
                {"role": "user", "text": "tea"},
                {"role": "agent", "api": {"menu": {"query": "tea"}}},
                {"role": "api", "response": {"menu": ["green"]}},
            ]
        }
    )
    assert item.interaction.turns[1].text == 'menu({"query": "tea"})'
    assert item.interaction.turns[2].role is Role.TOOL
    assert item.interaction.turns[2].text == '{"menu": ["green"]}'


def test_what_a_record_says_beside_its_turns_is_kept(read_one: ReadOne) -> None:
    item = read_one(
        {
            "call_id": "c-9",
            "type": "Call",
            "lang": "en-GB",
            "timezone": "Europe/London",
            "started_at": "2026-06-01 21:30:00",
            "participants": [{"name": "Dana", "role": "advisor"}, {"name": "Tom", "role": "caller"}],
            "utterances": [["Dana", "Hello"], ["Tom", "Hi"]],
            "queue": {"name": "billing"},
        }
    )
    interaction = item.interaction
    assert interaction.external_id == "c-9"
    assert interaction.type is InteractionType.CALL
    assert interaction.language == "en-GB"
    assert interaction.occurred_at is not None
    assert interaction.occurred_at.isoformat() == "2026-06-01T21:30:00+01:00"
    assert [turn.role for turn in interaction.turns] == [Role.AGENT, Role.CUSTOMER]
    assert interaction.metadata == {"queue": {"name": "billing"}}
    assert item.notes == ()


def test_other_lists_of_turns_and_large_parts_are_left_out_and_named(read_one: ReadOne) -> None:
    item = read_one({"original": PAIRS, "delexed": OBJECTS, "blob": "x" * 20_000, "small": [1, 2]})
    assert item.interaction.metadata == {"small": [1, 2], "left_out": ["delexed", "blob"]}
    assert item.notes == ("Left out: delexed, blob.",)


def test_subject_or_sender_and_receiver_make_an_email(read_one: ReadOne) -> None:
    item = read_one(
        {"emails": [{"from": "support@example.com", "to": "t@example.com", "subject": "Hi", "body": "Text"}]}
    )
    assert item.interaction.type is InteractionType.EMAIL
    assert item.interaction.turns[0].text == "Text"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-03T10:02:00Z", "2026-11-03T10:02:00+00:00"),
        (1793700120, "2026-11-03T10:02:00+00:00"),
        (1793700120000, "2026-11-03T10:02:00+00:00"),
        ("1793700120.000200", "2026-11-03T10:02:00.000200+00:00"),
        ("Tue, 03 Nov 2026 10:02:00 +0000", "2026-11-03T10:02:00+00:00"),
        ("2026-11-03 10:02:00 UTC", "2026-11-03T10:02:00+00:00"),
    ],
)
def test_times_of_turns_are_read_as_sources_write_them(read_one: ReadOne, value: str | int, expected: str) -> None:
    item = read_one({"messages": [{"role": "user", "content": "Hi", "timestamp": value}]})
    at = item.interaction.turns[0].at
    assert at is not None
    assert at.isoformat() == expected


@pytest.mark.parametrize(("value", "seconds"), [(12.5, 12.5), ("00:01:02", 62), ("01:02.5", 62.5), ("7", None)])
def test_small_numbers_are_seconds_from_the_start(read_one: ReadOne, value: str | float, seconds: float | None) -> None:
    item = read_one({"segments": [{"speaker": "agent", "text": "Hi", "start": value}]})
    assert item.interaction.turns[0].offset_seconds == seconds


def test_times_without_a_zone_only_say_what_lies_between(read_one: ReadOne) -> None:
    turns = [["agent", "Hi", "2026-11-03 10:02:00"], ["customer", "Hello", "2026-11-03 10:02:45"]]
    item = read_one({"turns": turns})
    assert [turn.at for turn in item.interaction.turns] == [None, None]
    assert [turn.offset_seconds for turn in item.interaction.turns] == [0, 45]
    assert item.interaction.occurred_at is None
    assert any("no time zone" in note for note in item.notes)
    zoned = read_one({"turns": turns}, time_zone="America/Chicago")
    assert zoned.interaction.occurred_at is not None
    assert zoned.interaction.occurred_at.isoformat() == "2026-11-03T10:02:00-06:00"
    assert zoned.interaction.time_zone == "America/Chicago"


@pytest.mark.parametrize("written", ["2026-11-03", "yesterday", "2026-11-03T10:02:00", "11/03/2026 10:02"])
def test_a_start_that_is_not_certain_stays_as_it_was_written(read_one: ReadOne, written: str) -> None:
    item = read_one({"turns": PAIRS, "occurred_at": written})
    assert item.interaction.occurred_at is None
    assert item.interaction.metadata["occurred_at"] == written
    assert any("When it happened is unknown" in note for note in item.notes)


def test_z_names_a_moment_but_no_zone(read_one: ReadOne) -> None:
    item = read_one({"turns": PAIRS, "occurred_at": "2026-11-03T10:02:00Z"})
    assert item.interaction.occurred_at is not None
    assert item.interaction.time_zone is None


def test_fields_can_be_named(read_one: ReadOne) -> None:
    record = {"meta": {"nr": 4}, "nr": 4, "data": {"log": [{"who_said": "Dana", "words": "Hello", "t": 3}]}}
    item = read_one(record, map="speaker=who_said,text=words,turns=data.log,id=nr,time=t,agent=Dana")
    turn = item.interaction.turns[0]
    assert (turn.role, turn.text, turn.offset_seconds) == (Role.AGENT, "Hello", 3.0)
    assert item.interaction.external_id == "4"


def test_a_list_written_as_text_can_be_named(read_one: ReadOne) -> None:
    item = read_one([{"context": '[{"role": "user", "text": "Hi"}]'}], map="turns=context")
    assert item.interaction.turns[0].text == "Hi"


@pytest.mark.parametrize(
    ("mapping", "hint"),
    [
        ("speaker=speakr", "Did you mean speaker?"),
        ("turns=data.trns", "Did you mean turns?"),
        ("id=nmber", "Did you mean number?"),
    ],
)
def test_a_field_that_is_not_there_is_an_error_with_near_names(mapping: str, hint: str) -> None:
    options = ReadOptions(field_map=FieldMap.parse(mapping))
    document = (
        '{"number": 1, "turns": [{"speaker": "a", "text": "b"}], "data": {"turns": [{"speaker": "a", "text": "b"}]}}'
    )
    (item,) = read_document(document, "x.json", options)
    assert isinstance(item, ReadFailure)
    assert hint in item.message

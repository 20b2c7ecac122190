from collections.abc import Callable

import pytest

from tahoe_engine.interactions.reading import ReadFailure, ReadInteraction
from tahoe_engine.models.interaction import InteractionType, Role

type ReadOne = Callable[..., ReadInteraction]
type RefuseOne = Callable[..., ReadFailure]


def _turns(item: ReadInteraction) -> list[tuple[Role, str, str]]:
    return [(turn.role, turn.speaker, turn.text) for turn in item.interaction.turns]


def test_a_label_names_the_speaker_and_lines_without_one_continue_the_turn(read_one: ReadOne) -> None:
    item = read_one("Agent: Hello.\nHow can I help?\n\nCustomer: My order\n\nis late.\n")
    assert item.format == "text"
    assert _turns(item) == [
        (Role.AGENT, "Agent", "Hello.\nHow can I help?"),
        (Role.CUSTOMER, "Customer", "My order\n\nis late."),
    ]


def test_what_was_said_is_kept_to_the_blank(read_one: ReadOne) -> None:
    item = read_one("Agent:  two blanks before, two after  \nCustomer:none\nAgent:\n")
    assert [turn.text for turn in item.interaction.turns] == [" two blanks before, two after  ", "none", ""]


@pytest.mark.parametrize(
    "line",
    [
        "[00:01:02] Agent: Hi",
        "(00:01:02) Agent: Hi",
        "00:01:02 Agent: Hi",
        "00:01:02 - Agent: Hi",
        "Agent (00:01:02): Hi",
        "Agent [00:01:02]: Hi",
        "[01:02] Agent: Hi",
    ],
)
def test_a_time_in_the_first_hour_counts_from_the_start(read_one: ReadOne, line: str) -> None:
    item = read_one(f"[00:00:00] Customer: Hello?\n{line}\n" if "[01:02]" not in line else f"[00:00] User: x\n{line}\n")
    assert item.interaction.turns[1].offset_seconds == 62
    assert item.interaction.turns[1].text == "Hi"


def test_a_time_of_day_gives_the_seconds_between_turns(read_one: ReadOne) -> None:
    item = read_one("Agent (10:02): Hi\nCustomer (10:05): Hello\nAgent (10:04): sent late\n")
    assert [turn.offset_seconds for turn in item.interaction.turns] == [0, 180, 120]


def test_a_clock_that_runs_backwards_has_passed_midnight(read_one: ReadOne) -> None:
    item = read_one("[23:59:50] Agent: Hi\n[00:00:10] Customer: Late here\n")
    assert [turn.offset_seconds for turn in item.interaction.turns] == [0, 20]


def test_twelve_hour_clocks_are_understood(read_one: ReadOne) -> None:
    item = read_one("[11:59 AM] Agent: Hi\n[12:01 PM] Customer: Hello\n")
    assert [turn.offset_seconds for turn in item.interaction.turns] == [0, 120]


def test_full_times_become_moments_and_the_first_one_the_start(read_one: ReadOne) -> None:
    item = read_one("[2026-11-03T10:02:11-05:00] Agent: Hi\n[2026-11-03T10:02:31-05:00] Customer: Hello\n")
    first, second = item.interaction.turns
    assert first.at is not None
    assert second.at is not None
    assert (second.at - first.at).total_seconds() == 20
    assert item.interaction.occurred_at == first.at
    assert item.interaction.time_zone == "-05:00"


@pytest.mark.parametrize(
    "label", ["**Agent:**", "**Agent**:", "- Agent:", ">> Agent:", "  Agent:", "AGENT:", "Agent :"]
)
def test_labels_are_found_through_their_decoration(read_one: ReadOne, label: str) -> None:
    item = read_one(f"{label} Hi\nCustomer: Hello\n")
    assert item.interaction.turns[0].text == "Hi"
    assert item.interaction.turns[0].role is Role.AGENT


def test_a_line_with_a_colon_is_no_turn_in_a_labelled_conversation(read_one: ReadOne) -> None:
    item = read_one(
        "Agent: Here it is.\nOrder number: 88213\nTracking: https://example.com/t/1\nNote: two parcels\n"
        "Customer: Thanks\nhttps://example.com/x is the page\n"
    )
    assert [turn.speaker for turn in item.interaction.turns] == ["Agent", "Customer"]
    assert "Order number: 88213\nTracking: https://example.com/t/1" in item.interaction.turns[0].text


def test_names_are_speakers_too(read_one: ReadOne) -> None:
    item = read_one("Dana: Hello\nTom Okafor: Hi, where is it?\nAddress: 4 Elm Street\nDana: On its way\n")
    assert [turn.speaker for turn in item.interaction.turns] == ["Dana", "Tom Okafor", "Dana"]
    assert {turn.role for turn in item.interaction.turns} == {Role.OTHER}
    assert "--map agent=NAME,customer=NAME" in " ".join(item.notes)


def test_a_third_person_who_speaks_twice_keeps_their_turns(read_one: ReadOne) -> None:
    item = read_one("Agent: a\nCustomer: b\nSupervisor: I take over.\nCustomer: c\nSupervisor: Done.\n")
    assert [turn.speaker for turn in item.interaction.turns][2::2] == ["Supervisor", "Supervisor"]


def test_the_only_person_without_a_role_is_the_other_side(read_one: ReadOne) -> None:
    item = read_one("Agent: Hello\nTom: Hi\nAgent: Bye\n")
    assert item.interaction.turns[1].role is Role.CUSTOMER
    assert "'Tom' is taken for the customer" in item.notes[0]


def test_people_can_be_given_their_roles(read_one: ReadOne) -> None:
    item = read_one("Dana: Hello\nTom: Hi\n", map="agent=dana,customer=Tom")
    assert [turn.role for turn in item.interaction.turns] == [Role.AGENT, Role.CUSTOMER]
    assert not item.notes


def test_front_matter_says_when_and_who(read_one: ReadOne) -> None:
    item = read_one(
        "---\nexternal_id: chat-1\nlanguage: en\noccurred_at: 2026-11-03T10:02:00\ntime_zone: America/New_York\n"
        "agent: Dana\ncustomer: Tom\nscorecard: support-quality\n---\nDana: Hello\nTom: Hi\n"
    )
    interaction = item.interaction
    assert interaction.external_id == "chat-1"
    assert interaction.language == "en"
    assert interaction.occurred_at is not None
    assert interaction.occurred_at.isoformat() == "2026-11-03T10:02:00-05:00"
    assert interaction.metadata == {"scorecard": "support-quality"}
    assert [turn.role for turn in interaction.turns] == [Role.AGENT, Role.CUSTOMER]
    assert interaction.type is InteractionType.CHAT


def test_what_stands_before_the_first_turn_is_kept_as_metadata(read_one: ReadOne) -> None:
    item = read_one("Transcript of 3 November\n\nAgent: Hello\nCustomer: Hi\n")
    assert len(item.interaction.turns) == 2
    assert "Transcript of 3 November" in str(item.interaction.metadata["preamble"])


def test_windows_and_old_mac_line_ends_separate_turns_and_stay_inside_them(read_one: ReadOne) -> None:
    windows = read_one("Agent: one\r\ntwo\r\nCustomer: three\r\n")
    assert [turn.text for turn in windows.interaction.turns] == ["one\r\ntwo", "three"]
    mac = read_one("Agent: one\rCustomer: two\r", "a.txt")
    assert [turn.text for turn in mac.interaction.turns] == ["one", "two"]


def test_only_real_line_ends_end_a_line(read_one: ReadOne) -> None:
    item = read_one("Agent: a\u2028b\x0bc\x85d\nCustomer: e\n")
    assert item.interaction.turns[0].text == "a\u2028b\x0bc\x85d"


def test_emoji_and_combining_characters_count_as_code_points(read_one: ReadOne) -> None:
    said = "👩🏽‍💻 e\u0301 ﷽ ok"
    item = read_one(f"Agent: {said}\nCustomer: ok\n")
    turn = item.interaction.turns[0]
    assert turn.text == said
    assert turn.spoken == len(said)


def test_text_without_labels_is_refused_with_the_way_to_label_it(refuse_one: RefuseOne) -> None:
    refused = refuse_one("hello there\nhow are you\n", "chat.txt")
    assert "No line names its speaker" in refused.message
    assert "`Agent: …`" in refused.cure

from collections.abc import Callable

import pytest

from tahoe_engine.interactions.reading import ReadFailure, ReadInteraction
from tahoe_engine.models.interaction import InteractionType, Role

type ReadOne = Callable[..., ReadInteraction]
type RefuseOne = Callable[..., ReadFailure]


VTT = """\
WEBVTT - Call 7
Kind: captions
Language: en
occurred_at: 2026-11-03T10:02:00-05:00

NOTE recorded
with consent

STYLE
::cue { color: red }

1
00:00:01.000 --> 00:00:04.000 align:start position:0%
<v.loud Agent Dana>Hello &amp; <i>welcome</i></v>

00:04.500 --> 00:06.000
<v Tom>It is 5 < 6 &lt;b&gt; right?</v>
<v Agent Dana>Yes.

00:00:06,000 --> 00:00:07,000
[music]

last
01:00:00.000 --> 01:00:01.000

"""


def test_a_cue_is_a_turn_of_its_voice_without_markup(read_one: ReadOne) -> None:
    item = read_one(VTT)
    interaction = item.interaction
    assert item.format == "vtt"
    assert interaction.type is InteractionType.CALL
    assert interaction.language == "en"
    assert [(turn.speaker, turn.text, turn.offset_seconds) for turn in interaction.turns] == [
        ("Agent Dana", "Hello & welcome", 1.0),
        ("Tom", "It is 5 < 6 <b> right?", 4.5),
        ("Agent Dana", "Yes.", 4.5),
        ("", "[music]", 6.0),
        ("", "", 3600.0),
    ]
    assert [turn.role for turn in interaction.turns[:2]] == [Role.AGENT, Role.CUSTOMER]
    assert interaction.time_zone == "-05:00"


def test_labels_in_cues_name_the_speaker_until_the_next_one(read_one: ReadOne) -> None:
    item = read_one(
        "WEBVTT\n\n00:01.000 --> 00:02.000\nAgent: Hello, this is\n\n00:02.000 --> 00:03.000\nDana speaking.\n\n"
        "00:03.000 --> 00:04.000\n- Customer: Hi\n- Agent: Hi\n"
    )
    assert [(turn.speaker, turn.text) for turn in item.interaction.turns] == [
        ("Agent", "Hello, this is"),
        ("Agent", "Dana speaking."),
        ("Customer", "Hi"),
        ("Agent", "Hi"),
    ]


def test_subrip_is_read_with_its_commas_and_missing_blank_lines(read_one: ReadOne) -> None:
    item = read_one(
        "1\n00:00:01,250 --> 00:00:02,000\nAgent: <i>Hi</i> {\\an8}there\n2\n00:00:03,000 --> 00:00:04,000\n"
        "Customer: In\n\n2019 it worked\n\n3\n00:00:05,000 --> 00:00:06,000\nAgent: Ok\n"
    )
    assert item.format == "srt"
    assert [(turn.text, turn.offset_seconds) for turn in item.interaction.turns] == [
        ("Hi there", 1.25),
        ("In\n\n2019 it worked", 3.0),
        ("Ok", 5.0),
    ]


def test_a_cue_whose_times_cannot_be_read_is_an_error_with_its_line(refuse_one: RefuseOne) -> None:
    refused = refuse_one("WEBVTT\n\n00:01.000 --> soon\nAgent: Hi\n", "a.vtt")
    assert refused.source.line == 3
    assert "00:01.000 --> soon" in refused.message


def test_captions_that_name_nobody_are_refused(refuse_one: RefuseOne) -> None:
    refused = refuse_one("WEBVTT\n\n00:01.000 --> 00:02.000\nhello\n")
    assert "No cue names its speaker" in refused.message
    assert "<v Name>" in refused.cure


@pytest.mark.parametrize(("text", "name"), [("hello\n", "a.vtt"), ("WEBVTT\n", "a.vtt"), ("hello\n", "a.srt")])
def test_captions_without_head_or_cues_are_refused(refuse_one: RefuseOne, text: str, name: str) -> None:
    assert refuse_one(text, name).cure


def test_a_line_of_nothing_but_brackets_costs_no_more_than_its_length(read_one: ReadOne) -> None:
    line = "<b <v {\\" * 100_000
    item = read_one(f"WEBVTT\n\n00:01.000 --> 00:02.000\n<v A>{line}\n")
    assert item.interaction.turns[0].text.startswith("<b ")

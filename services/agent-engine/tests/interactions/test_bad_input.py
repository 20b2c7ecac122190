import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tahoe_core.errors import InvalidInputError, PayloadTooLargeError, ReadError
from tahoe_engine.interactions.reading import (
    FieldMap,
    Format,
    ReadFailure,
    ReadInteraction,
    ReadOptions,
    get_format,
    read_document,
)

type ReadOne = Callable[..., ReadInteraction]
type RefuseOne = Callable[..., ReadFailure]


GOOD = '{"turns": [["agent", "Hello"], ["customer", "Hi"]]}'


@pytest.mark.parametrize("data", [b"", b"  \n\n\t", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file_says_so(refuse_one: RefuseOne, data: bytes) -> None:
    assert refuse_one(data).message == "The file is empty."


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"%PDF-1.7 ...", "a PDF"),
        (b"PK\x03\x04abc", "a zip archive or an Office document"),
        (b"RIFF....WAVE", "a sound or video file"),
        (b"Agent: hi\x00\x00", "a NUL byte stands at offset 9"),
        (GOOD.encode("utf-16-le"), "a NUL byte stands at offset 1"),
    ],
)
def test_what_is_no_text_is_named(refuse_one: RefuseOne, data: bytes, says: str) -> None:
    assert says in refuse_one(data, "x.txt").message


def test_an_encoding_that_does_not_say_its_name_is_refused_with_the_offset(refuse_one: RefuseOne) -> None:
    refused = refuse_one("Agent: voilà\nCustomer: ok\n".encode("latin-1"), "x.txt")
    assert "byte 0xE0 at offset 11" in refused.message
    assert "iconv" in refused.cure
    assert refused.source.line == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("document", ["Agent: voilà 👋\nCustomer: ok\n", '[["Agent", "voilà 👋"], ["Customer", "ok"]]'])
def test_unicode_that_says_its_name_is_read(read_one: ReadOne, encoding: str, document: str) -> None:
    item = read_one(document.encode(encoding))
    assert item.interaction.turns[0].text == "voilà 👋"


def test_json_lines_in_utf16_are_read() -> None:
    items = read_document(f"{GOOD}\n{GOOD}\n".encode("utf-16"), "x.jsonl")
    assert [type(item) for item in items] == [ReadInteraction, ReadInteraction]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('{\n  "turns": [\n    ["agent" "Hi"]\n  ]\n}', 3, "line 3, column 14: expecting ',' delimiter"),
        ('{"turns": [["agent", "Hi"]', 1, "line 1, column 27"),
        ('[{"turns": [["agent", "Hi"]]},]', 1, "line 1, column 30"),
        ("{'turns': []}", 1, "line 1, column 2"),
    ],
)
def test_broken_json_is_named_with_line_and_column(refuse_one: RefuseOne, text: str, line: int, says: str) -> None:
    refused = refuse_one(text, "x.json")
    assert says in refused.message
    assert refused.source.line == line
    assert isinstance(refused.error, ReadError)
    assert (refused.error.path, refused.error.line) == ("x.json", line)


def test_a_document_that_was_cut_off_is_told_from_a_broken_one(refuse_one: RefuseOne) -> None:
    assert "cut off" in refuse_one('{"turns": [["agent", "Hi"]', "x.json").cure


def test_a_broken_line_is_a_failure_and_the_others_are_done() -> None:
    lines = [GOOD, '{"turns": [["agent", "Hi"}', "", "[]", '{"a": 1}', "\xff", GOOD]
    items = read_document("\n".join(lines).encode("latin-1"), "x.jsonl")
    assert [(type(item), item.source.line) for item in items] == [
        (ReadInteraction, 1),
        (ReadFailure, 2),
        (ReadFailure, 4),
        (ReadFailure, 5),
        (ReadFailure, 6),
        (ReadInteraction, 7),
    ]
    assert "line 2, column 26" in str(items[1])
    assert "The list is empty" in str(items[2])
    assert "No turns found: the object has a" in str(items[3])
    assert f"byte 0xFF at offset {len(chr(10).join(lines[:5])) + 1}" in str(items[4])


def test_a_broken_record_of_a_list_is_a_failure_and_the_others_are_done() -> None:
    items = read_document(f'[{GOOD}, {{"turns": []}}, 7, {GOOD}]', "x.json")
    assert [type(item) for item in items] == [ReadInteraction, ReadFailure, ReadFailure, ReadInteraction]
    assert str(items[1]).startswith("x.json[1]: The list 'turns' is empty.")
    assert str(items[2]).startswith("x.json[2]: It is a number, not an interaction.")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "The list is empty"),
        ("{}", "the object has no keys"),
        ('{"messages": []}', "The list 'messages' is empty"),
        ('"just text"', "a single value"),
        ("[1, 2]", "It is a number"),
        ('{"a": 1, "b": [1]}', "the object has a, b"),
        ('{"turns": [["agent", "Hi"], 5]}', "Turn 1 is a number"),
        ('{"turns": [["agent", "Hi"], null]}', "Turn 1 is null"),
        ('{"turns": [["agent", "Hi"], {"x": 1}]}', "Turn 1 has neither a speaker nor a text; it has x"),
        ('{"dialogue": ["Hello", "Hi"]}', "No turns found"),
    ],
)
def test_json_without_turns_says_what_it_found(text: str, says: str) -> None:
    items = read_document(text, "x.json")
    assert isinstance(items[0], ReadFailure)
    assert says in items[0].message
    assert items[0].cure


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("<html><body>hi</body></html>", "x", "it looks like XML or HTML"),
        ("a,b,c\n1,2,3\n", "x.csv", "it looks like a table (CSV)"),
        ("just some words", "x", "Tried JSON, e-mail, WebVTT, SRT and plain text"),
    ],
)
def test_an_unknown_format_says_what_was_tried(refuse_one: RefuseOne, text: str, name: str, says: str) -> None:
    refused = refuse_one(text, name)
    assert says in refused.message
    assert "speaker labels" in refused.cure


def test_an_unknown_format_name_suggests_near_ones() -> None:
    assert get_format(" VTT ") is Format.VTT
    with pytest.raises(InvalidInputError, match=r"Did you mean json or jsonl\?"):
        get_format("jsonn")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_refused(refuse_one: RefuseOne, value: str) -> None:
    refused = refuse_one(f'{{"turns": [["agent", "Hi"]],\n "score": {value}}}')
    assert refused.message.startswith(f"{value} is no JSON value: line 2, column 1")
    assert refused.source.line == 2


@pytest.mark.parametrize("digits", ["123456789012345678901234567890", "9223372036854775808", "1e999", "9" * 5000])
def test_numbers_too_large_keep_their_digits_as_text(read_one: ReadOne, digits: str) -> None:
    item = read_one(f'{{"turns": [["agent", "Hi"]], "n": {digits}}}')
    assert item.interaction.metadata["n"] == digits


@pytest.mark.parametrize("digits", ["9223372036854775807", "-9223372036854775808", "0.1"])
def test_numbers_that_fit_stay_numbers(read_one: ReadOne, digits: str) -> None:
    item = read_one(f'{{"turns": [["agent", "Hi"]], "n": {digits}}}')
    assert item.interaction.metadata["n"] == json.loads(digits)


@pytest.mark.parametrize(
    "text", ['{"turns": [["a", "b"]], "turns": [["c", "d"]]}', '[{"speaker": "agent", "text": "a", "text": "b"}]']
)
def test_a_key_that_stands_twice_is_refused(refuse_one: RefuseOne, text: str) -> None:
    assert "stands twice in one object" in refuse_one(text).message


@pytest.mark.parametrize("depth", [300, 5_000, 1_000_000])
@pytest.mark.parametrize(
    "where", ['{"turns": [["agent", "Hi"]], "x": %s}', '{"turns": [["agent", "Hi"]], "metadata": {"x": %s}}', "%s"]
)
def test_deep_nesting_is_an_error_and_no_crash(depth: int, where: str) -> None:
    (item,) = read_document(where % ("[" * depth + "]" * depth), "x.json")
    assert isinstance(item, ReadFailure)


def test_deep_arguments_are_an_error_and_no_crash() -> None:
    for depth in (300, 100_000):
        arguments = '{"a": ' + "[" * depth + "]" * depth + "}"
        call = {"function": {"name": "f", "arguments": arguments}}
        (item,) = read_document(json.dumps({"messages": [{"role": "assistant", "tool_calls": [call]}]}), "x.json")
        # Beyond the parser's depth the text is no JSON object to us; it is kept as the agent wrote it.
        assert isinstance(item, ReadFailure) or item.interaction.turns[0].tool_calls[0].arguments is None


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (
            r'{"turns": [["agent", "Hi"], ["customer", "ab\u0000c"]]}',
            "A NUL character stands in the text of turn 1 at position 2",
        ),
        (
            r'{"turns": [["agent", "👋\ud800"]]}',
            r"Half of a surrogate pair (\ud800) stands in the text of turn 0 at position 1",
        ),
        (r'{"turns": [["ag\u0000ent", "Hi"]]}', "the speaker of turn 0 at position 2"),
        (r'{"turns": [["agent", "Hi"]], "id": "\u0000"}', "the id at position 0"),
        (r'{"turns": [["agent", "Hi"]], "x": {"y": ["a", "\u0000"]}}', "metadata.x.y[1] at position 0"),
        (r'{"turns": [["agent", "Hi"]], "x": {"\udfff": 1}}', "a key of metadata.x at position 0"),
        (
            r'{"messages": [{"role": "ai", "tool_calls": [{"name": "f", "arguments": "{\"a\": \"\\u0000\"}"}]}]}',
            "the arguments of turn 0, tool call 0.a at position 0",
        ),
        (
            r'{"messages": [{"role": "assistant", "tool_calls": [{"name": "f", "result": "\ud83d"}]}]}',
            "the result of turn 0, tool call 0 at position 0",
        ),
    ],
)
def test_characters_that_cannot_be_stored_are_named_with_their_place(
    refuse_one: RefuseOne, document: str, says: str
) -> None:
    refused = refuse_one(document)
    assert says in refused.message
    assert refused.cure


def test_an_escaped_backslash_is_no_nul(read_one: ReadOne) -> None:
    item = read_one(r'{"turns": [["agent", "\\u0000"]], "x": "\\u0000"}')
    assert item.interaction.turns[0].text == r"\u0000"


class TestSizes:
    def test_a_file_above_the_limit_is_refused(self, refuse_one: RefuseOne) -> None:
        refused = refuse_one("Agent: " + "x" * 2_000, max_bytes=1_000)
        assert isinstance(refused.error, PayloadTooLargeError)
        assert "Larger than the limit" in refused.message

    def test_a_line_above_the_limit_is_refused_and_the_others_are_done(self) -> None:
        long = json.dumps({"turns": [["agent", "x" * 5_000_000]]})
        items = read_document(f"{GOOD}\n{GOOD}\n{long}\n{GOOD}", "x.jsonl", ReadOptions(max_bytes=1_000))
        assert [(type(item), item.source.line) for item in items] == [
            (ReadInteraction, 1),
            (ReadInteraction, 2),
            (ReadFailure, 3),
            (ReadInteraction, 4),
        ]

    def test_the_limit_of_json_lines_holds_for_each_line(self) -> None:
        items = read_document("\n".join([GOOD] * 100), "x.jsonl", ReadOptions(max_bytes=len(GOOD) + 1))
        assert len(items) == 100
        assert all(isinstance(item, ReadInteraction) for item in items)

    def test_a_turn_of_a_megabyte_is_fine(self, read_one: ReadOne) -> None:
        said = "é" * 1_000_000
        assert read_one({"turns": [["agent", said]]}).interaction.turns[0].text == said

    def test_a_transcript_of_fifty_megabytes_is_read(self, read_one: ReadOne) -> None:
        said = "word " * 2_000
        text = f"Agent: {said}\nCustomer: {said}\n" * 2_500
        assert len(text) > 50_000_000
        assert len(read_one(text, "x.txt").interaction.turns) == 5_000

    def test_more_turns_than_any_conversation_has_are_refused(self, refuse_one: RefuseOne) -> None:
        assert "More than 200,000 turns" in refuse_one("Agent: a\nUser: b\n" * 150_000).message
        assert "More than 200,000 turns" in refuse_one('{"turns": [' + '["a", "b"],' * 200_000 + '["a", "b"]]}').message


@pytest.mark.parametrize(
    "text",
    [
        "A" + " " * 1_000_000,
        " " * 1_000_000 + "x",
        "<" * 1_000_000,
        "(1:" * 300_000,
        "From: a\nTo: b\n\n" + "A: b\n" * 100_000,
    ],
)
def test_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    started = time.perf_counter()
    assert read_document(text, "x.txt")
    assert time.perf_counter() - started < 5


_keys = st.sampled_from(
    [
        "turns",
        "messages",
        "role",
        "speaker",
        "text",
        "content",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "annotations",
        "value",
        "type",
        "id",
        "api",
        "occurred_at",
        "time",
        "at",
        "offset_seconds",
        "participants",
        "metadata",
        "data",
        "inputs",
        "from",
        "to",
        "parts",
        "response",
        "time_zone",
    ]
)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["agent", "user", "tool", "{}"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(
    _values,
    st.sampled_from([None, *Format]),
    st.sampled_from(["", "turns=turns", "speaker=role,text=value", "agent=user"]),
)
def test_no_json_makes_the_reader_raise(value: object, format_: Format | None, mapping: str) -> None:
    options = ReadOptions(format=format_, field_map=FieldMap.parse(mapping) if mapping else FieldMap())
    for item in read_document(json.dumps(value), "x.json", options):
        assert isinstance(item, ReadInteraction | ReadFailure)
        assert isinstance(item, ReadInteraction) or item.message


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=60)
    | st.text("AgentCustomr: []()*#-\n\r\t01259<>/v{}\"'&;,.WEBVTT", max_size=120).map(str.encode),
    st.sampled_from([None, *Format]),
    st.sampled_from(["x.json", "x.jsonl", "x.txt", "x.vtt", "x.srt", "x.eml", "-"]),
)
def test_no_bytes_make_the_reader_raise(data: bytes, format_: Format | None, name: str) -> None:
    for item in read_document(data, name, ReadOptions(format=format_)):
        assert isinstance(item, ReadInteraction | ReadFailure)

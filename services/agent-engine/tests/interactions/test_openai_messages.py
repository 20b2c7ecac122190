from collections.abc import Callable
from typing import Any

import pytest

from tahoe_engine.interactions.reading import ReadFailure, ReadInteraction
from tahoe_engine.models.interaction import InteractionType, Role

type ReadOne = Callable[..., ReadInteraction]
type RefuseOne = Callable[..., ReadFailure]


def _call(identifier: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


TRAJECTORY: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You help."},
        {"role": "user", "content": "Cancel A1 and 👩🏽‍💻 B2"},
        {
            "role": "assistant",
            "content": "One é moment.",
            "tool_calls": [_call("c1", "cancel", '{"id": "A1"}'), _call("c2", "cancel", '{"id": "B2"')],
        },
        {"role": "tool", "tool_call_id": "c1", "name": "cancel", "content": '{"ok": true}'},
        {"role": "assistant", "content": None, "tool_calls": [_call("c3", "list", "")]},
        {"role": "assistant", "content": "Done."},
    ]
}


def test_calls_are_rendered_after_what_was_said(read_one: ReadOne) -> None:
    interaction = read_one(TRAJECTORY).interaction
    assert interaction.type is InteractionType.TRAJECTORY
    turn = interaction.turns[2]
    assert turn.text == 'One é moment.\ncancel({"id": "A1"})\ncancel({"id": "B2")'
    assert turn.spoken_text == "One é moment."
    for call in turn.tool_calls:
        assert turn.text[call.start : call.start + len(call.arguments_text)] == call.arguments_text
    assert [call.arguments for call in turn.tool_calls] == [{"id": "A1"}, None]


def test_a_call_without_words_has_no_leading_line_end(read_one: ReadOne) -> None:
    turn = read_one(TRAJECTORY).interaction.turns[4]
    assert turn.text == "list()"
    assert (turn.spoken, turn.tool_calls[0].start, turn.tool_calls[0].arguments) == (0, 5, {})


def test_roles_and_answers_are_told_apart(read_one: ReadOne) -> None:
    turns = read_one(TRAJECTORY).interaction.turns
    assert [turn.role for turn in turns] == [
        Role.SYSTEM,
        Role.CUSTOMER,
        Role.AGENT,
        Role.TOOL,
        Role.AGENT,
        Role.AGENT,
    ]
    assert turns[3].tool_call_id == "c1"
    assert turns[3].speaker == "cancel"


def test_parts_of_a_content_stand_on_lines_of_their_own(read_one: ReadOne) -> None:
    content = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "text", "text": "?"},
    ]
    interaction = read_one({"messages": [{"role": "user", "content": content}]}).interaction
    assert interaction.turns[0].text == "Look:\n?"


def test_a_refusal_was_said(read_one: ReadOne) -> None:
    interaction = read_one({"messages": [{"role": "assistant", "content": None, "refusal": "I cannot."}]}).interaction
    assert interaction.turns[0].text == "I cannot."


def test_the_older_function_calls_are_read(read_one: ReadOne) -> None:
    interaction = read_one(
        {
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a": 1}'}},
                {"role": "function", "name": "f", "content": "ok"},
            ]
        }
    ).interaction
    assert interaction.turns[1].text == 'f({"a": 1})'
    assert interaction.turns[2].role is Role.TOOL


def test_anthropic_parts_become_calls_and_answers(read_one: ReadOne) -> None:
    interaction = read_one(
        {
            "messages": [
                {"role": "user", "content": "Hi"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "Looking."},
                        {"type": "tool_use", "id": "t1", "name": "find", "input": {"q": "x"}},
                        {"type": "tool_use", "id": "t2", "name": "find", "input": {"q": "y"}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "one"}]},
                        {"type": "tool_result", "tool_use_id": "t2", "content": "two"},
                    ],
                },
            ]
        }
    ).interaction
    assert interaction.turns[1].text == 'Looking.\nfind({"q": "x"})\nfind({"q": "y"})'
    assert [call.result for call in interaction.turns[1].tool_calls] == ["one", "two"]
    assert (interaction.turns[2].role, interaction.turns[2].text) == (Role.TOOL, "one\ntwo")


def test_langchain_messages_are_read(read_one: ReadOne) -> None:
    interaction = read_one(
        {
            "messages": [
                {"type": "human", "content": "Hi"},
                {"type": "ai", "content": "", "tool_calls": [{"id": "1", "name": "f", "args": {"a": [1, "é"]}}]},
                {"type": "tool", "content": "ok", "tool_call_id": "1"},
            ]
        }
    ).interaction
    assert [turn.role for turn in interaction.turns] == [Role.CUSTOMER, Role.AGENT, Role.TOOL]
    assert interaction.turns[1].text == 'f({"a": [1, "é"]})'
    assert interaction.turns[2].tool_call_id == "1"


def test_items_of_the_responses_api_are_read(read_one: ReadOne) -> None:
    interaction = read_one(
        [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "42"},
        ]
    ).interaction
    assert [(turn.role, turn.text) for turn in interaction.turns] == [
        (Role.CUSTOMER, "Hi"),
        (Role.AGENT, "f({})"),
        (Role.TOOL, "42"),
    ]
    assert interaction.turns[2].tool_call_id == "c1"


def test_a_content_that_is_json_is_kept_as_json(read_one: ReadOne) -> None:
    interaction = read_one(
        {
            "messages": [
                {"role": "user", "content": "?"},
                {"role": "tool", "content": {"a": 1}},
                {"role": "tool", "content": [1]},
            ]
        }
    ).interaction
    assert [turn.text for turn in interaction.turns] == ["?", '{"a": 1}', "[1]"]


@pytest.mark.parametrize("message", [{"role": "narrator", "content": "x"}, {"content": "x"}])
def test_the_format_can_be_insisted_on(refuse_one: RefuseOne, message: dict[str, Any]) -> None:
    refused = refuse_one({"messages": [{"role": "user", "content": "Hi"}, message]}, format="openai")
    assert "Turn 1 is no OpenAI message" in refused.message


def test_a_call_without_a_name_is_an_error_with_its_place(refuse_one: RefuseOne) -> None:
    refused = refuse_one({"messages": [{"role": "assistant", "tool_calls": [{"id": "x"}]}]})
    assert "Turn 0: tool call 0 has no name" in refused.message


def test_a_key_that_an_agent_wrote_twice_stays_in_the_text(read_one: ReadOne) -> None:
    written = '{"id": "A1", "id": "A2"}'
    interaction = read_one({"messages": [{"role": "assistant", "tool_calls": [_call("c", "f", written)]}]}).interaction
    assert interaction.turns[0].tool_calls[0].arguments_text == written
    assert interaction.turns[0].tool_calls[0].arguments == {"id": "A2"}

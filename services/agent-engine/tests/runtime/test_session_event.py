"""Events as they are written, and as messages."""

import math
from typing import Any

import pytest
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.tools.tool_confirmation import ToolConfirmation
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from tahoe_core.db.storable import refuse_unstorable
from tahoe_core.errors import InvalidInputError
from tahoe_engine.models.conversation_models import MAX_CONTENT_CHARACTERS, MessageRole
from tahoe_engine.runtime.session_event import read_event, to_message, write_event

# Halves of both kinds, side by side, come back as the character that they are halves of.
texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\0\ud800 \n"), max_size=20)
names_in = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\0 \ufffd"), max_size=20)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names_in, inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(names_in, plain, max_size=3)
names = st.none() | texts
parts = st.one_of(
    st.builds(types.Part, text=texts, thought=st.none() | st.booleans(), thought_signature=st.none() | st.binary()),
    st.builds(types.Part, inline_data=st.builds(types.Blob, data=st.binary(), mime_type=texts)),
    st.builds(types.Part, file_data=st.builds(types.FileData, file_uri=texts, mime_type=names)),
    st.builds(types.Part, function_call=st.builds(types.FunctionCall, id=names, name=names, args=objects)),
    st.builds(types.Part, function_response=st.builds(types.FunctionResponse, id=names, name=names, response=objects)),
    st.builds(types.Part, executable_code=st.builds(types.ExecutableCode, code=texts, language=st.just("PYTHON"))),
)
events = st.builds(
    Event,
    author=st.just("user") | texts,
    invocation_id=texts,
    timestamp=st.floats(0, 4e9),
    content=st.none() | st.builds(types.Content, role=names, parts=st.none() | st.lists(parts, max_size=4)),
    actions=st.builds(EventActions, state_delta=objects, transfer_to_agent=names, escalate=st.none() | st.booleans()),
    long_running_tool_ids=st.none() | st.sets(texts),
    branch=names,
    error_code=names,
    error_message=names,
    interrupted=st.none() | st.booleans(),
    partial=st.none() | st.just(value=False),
    custom_metadata=st.none() | objects,
)


def make_event(*parts: types.Part, author: str = "bot", **fields: Any) -> Event:  # noqa: ANN401 - of an event
    content = types.Content(role="model", parts=list(parts)) if parts else None
    return Event(id="e1", author=author, content=content, **fields)


def call(name: str, call_id: str | None = "c1", **arguments: object) -> types.Part:
    return types.Part(function_call=types.FunctionCall(id=call_id, name=name, args=arguments))


def answer(response: dict[str, Any], call_id: str = "c1", name: str = "look_up") -> types.Part:
    return types.Part(function_response=types.FunctionResponse(id=call_id, name=name, response=response))


class TestAnyEvent:
    @given(events)
    def test_comes_back_equal_from_what_can_be_stored(self, event: Event) -> None:
        document = write_event(event)
        refuse_unstorable(document)
        assert read_event(document) == event

    @given(events)
    def test_is_a_message_that_can_be_stored(self, event: Event) -> None:
        refuse_unstorable(to_message(event).model_dump())


class TestDocument:
    def test_keeps_what_else_there_is(self) -> None:
        event = make_event(
            types.Part(text="Look."),
            usage_metadata=types.GenerateContentResponseUsageMetadata(prompt_token_count=3, total_token_count=5),
            grounding_metadata=types.GroundingMetadata(search_entry_point=types.SearchEntryPoint(sdk_blob=b"\xff\0")),
            avg_logprobs=-math.inf,
            finish_reason=types.FinishReason.MAX_TOKENS,
            actions=EventActions(
                artifact_delta={"map.png": 2},
                requested_tool_confirmations={"c1": ToolConfirmation(hint="sure?", payload={"n": None})},
            ),
        )
        assert read_event(write_event(event)) == event

    def test_of_what_is_no_moment_is_refused(self) -> None:
        with pytest.raises(InvalidInputError, match="no moment"):
            write_event(make_event(timestamp=math.nan))

    @pytest.mark.parametrize("metadata", [{"\ud800": 1}, {"list": [{"\ud800": 1}]}])
    def test_with_a_name_that_json_cannot_say_is_refused(self, metadata: dict[str, Any]) -> None:
        with pytest.raises(InvalidInputError, match=r"U\+D800"):
            write_event(make_event(custom_metadata=metadata))

    def test_of_what_is_no_json_is_refused(self) -> None:
        with pytest.raises(InvalidInputError, match="cannot be written as JSON"):
            write_event(make_event(custom_metadata={"handle": object()}))


class TestMessage:
    def test_of_a_user_is_a_users(self) -> None:
        message = to_message(make_event(types.Part(text="Hello."), author="user"))
        assert (message.role, message.content) == (MessageRole.USER, "Hello.")

    def test_of_an_agent_has_its_calls_and_not_its_thoughts(self) -> None:
        thought = types.Part(text="Hmm.", thought=True)
        message = to_message(make_event(thought, types.Part(text="I look."), call("look_up", city="Bern")))
        assert (message.role, message.content) == (MessageRole.ASSISTANT, "I look.")
        [made] = message.tool_calls
        assert (made.id, made.name, made.arguments) == ("c1", "look_up", {"city": "Bern"})

    def test_of_calls_of_one_id_tells_them_apart(self) -> None:
        message = to_message(make_event(call("a"), call("b"), call("c", None)))
        assert len({one.id for one in message.tool_calls}) == 3

    def test_of_a_tool_is_its_result(self) -> None:
        message = to_message(make_event(answer({"result": "It rains."})))
        assert (message.role, message.content) == (MessageRole.TOOL, "It rains.")
        assert message.tool_result is not None
        assert (message.tool_result.tool_call_id, message.tool_result.tool_name) == ("c1", "look_up")
        assert not message.tool_result.is_error

    def test_of_a_person_who_answers_for_a_tool_is_the_tools(self) -> None:
        assert to_message(make_event(answer({"ok": True}), author="user")).role is MessageRole.TOOL

    def test_of_a_tool_that_failed_says_so(self) -> None:
        message = to_message(make_event(answer({"error": "down"})))
        assert message.tool_result is not None
        assert message.tool_result.is_error

    def test_of_several_results_says_which_is_which(self) -> None:
        message = to_message(make_event(answer({"result": 1}, name="a"), answer({"x": 2}, "c2", name="b")))
        assert message.content == 'a: 1\nb: {"x":2}'

    def test_of_a_picture_says_that_there_is_one(self) -> None:
        part = types.Part(inline_data=types.Blob(data=b"12345", mime_type="image/png"))
        assert to_message(make_event(part, author="user")).content == "[image/png, 5 bytes]"

    def test_of_a_failure_says_what_failed(self) -> None:
        message = to_message(make_event(error_code="SAFETY", error_message="blocked"))
        assert (message.role, message.content) == (MessageRole.ASSISTANT, "[SAFETY: blocked]")

    def test_of_nobody_says_what_happened(self) -> None:
        message = to_message(make_event(author="user", actions=EventActions(state_delta={"a": 1, "app:b": 2})))
        assert (message.role, message.content) == (MessageRole.SYSTEM, "State changed: a, app:b.")
        assert to_message(make_event()).content == "Nothing was said."

    def test_of_an_answer_that_was_cut_off_is_not_complete(self) -> None:
        assert not to_message(make_event(types.Part(text="Half"), interrupted=True)).is_complete

    def test_that_is_too_long_is_cut_while_the_event_is_not(self) -> None:
        event = make_event(types.Part(text="a" * (MAX_CONTENT_CHARACTERS + 1)), call("b", text="a" * 2_000_000))
        message = to_message(event)
        assert len(message.content) == MAX_CONTENT_CHARACTERS
        assert message.tool_calls[0].arguments is None
        assert read_event(write_event(event)) == event

from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from tahoe_engine.models.conversation_models import MessageCreate, MessageRole, MessageToolCall, ToolResult
from tahoe_engine.runtime.conversation_contents import Conversation
from tahoe_engine.runtime.tool_gate import Outcome

IDS = st.sampled_from(["a", "b", "c"])


def user(text: str) -> MessageCreate:
    return MessageCreate(role=MessageRole.USER, content=text)


def calls(*ids: str) -> MessageCreate:
    asked = tuple(MessageToolCall(id=one, name=f"tool_{one}", arguments={}, arguments_text="{}") for one in ids)
    return MessageCreate(role=MessageRole.ASSISTANT, content="" if asked else "Hm.", tool_calls=asked)


def result(call_id: str, text: str = "done") -> MessageCreate:
    return MessageCreate(role=MessageRole.TOOL, content=text, tool_result=ToolResult(tool_call_id=call_id))


MESSAGES = st.one_of(
    st.just(user("Hi.")),
    st.just(MessageCreate(role=MessageRole.SYSTEM, content="Be brief.")),
    st.lists(IDS, max_size=3, unique=True).map(lambda ids: calls(*ids)),
    IDS.map(result),
)


def asked(content: types.Content) -> list[str | None]:
    return [part.function_call.id for part in content.parts or () if part.function_call]


def answered(content: types.Content) -> list[str | None]:
    return [part.function_response.id for part in content.parts or () if part.function_response]


class TestAnyHistory:
    @given(st.lists(MESSAGES, max_size=12))
    def test_becomes_one_in_which_every_call_has_its_result_behind_it(self, history: list[MessageCreate]) -> None:
        conversation = Conversation.of(history)
        conversation.say("And now?")
        contents = conversation.contents
        for place, content in enumerate(contents):
            if asked(content):
                assert answered(contents[place + 1]) == asked(content)
            if answered(content):
                assert asked(contents[place - 1]) == answered(content)
        assert not conversation.ends_with_the_agent

    @given(st.lists(MESSAGES, max_size=12))
    def test_keeps_what_people_said(self, history: list[MessageCreate]) -> None:
        conversation = Conversation.of(history)
        texts = [part.text for content in conversation.contents for part in content.parts or () if part.text == "Hi."]
        assert len(texts) == sum(message.content == "Hi." for message in history)
        assert len(conversation.instructions) == sum(message.content == "Be brief." for message in history)


class TestOpenCalls:
    def test_are_those_of_the_last_message_without_a_result(self) -> None:
        conversation = Conversation.of([user("Hi."), calls("a", "b", "c"), result("b")])
        assert [call.id for call in conversation.open_calls] == ["a", "c"]

    def test_take_their_results_in_their_order(self) -> None:
        conversation = Conversation.of([user("Hi."), calls("a", "b", "c"), result("b", "two")])
        conversation.answer([Outcome("one"), Outcome("three", is_error=True)])
        parts = conversation.contents[-1].parts or []
        responses = [part.function_response.response for part in parts if part.function_response]
        assert responses == [{"result": "one"}, {"result": "two"}, {"error": "three"}]

    def test_of_an_earlier_message_count_as_not_done(self) -> None:
        conversation = Conversation.of([calls("a"), user("Never mind.")])
        assert conversation.open_calls == []
        (part,) = conversation.contents[1].parts or []
        assert part.function_response is not None
        assert part.function_response.response == {"error": "This was not done."}

    def test_none_are_left_by_a_result_that_comes_twice(self) -> None:
        conversation = Conversation.of([calls("a"), result("a", "first"), result("a", "second")])
        (part,) = conversation.contents[-1].parts or []
        assert part.function_response is not None
        assert part.function_response.response == {"result": "first"}

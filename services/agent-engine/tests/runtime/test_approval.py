from collections.abc import Awaitable, Callable

import pytest

from tahoe_engine.models.agent_models import Autonomy
from tahoe_engine.models.conversation_models import MessageCreate, MessageRole, MessageToolCall, ToolResult
from tahoe_engine.runtime.run_events import (
    AnswerFinished,
    ApprovalRequested,
    ModelCallFinished,
    RunEvent,
    ToolCallFinished,
    ToolCallStarted,
)
from tahoe_engine.runtime.testing.replies import Reply, ScriptedCall
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel
from tahoe_engine.runtime.testing.scripted_tool import ScriptedTool
from tahoe_engine.runtime.tool_port import CallersTool, Decision

Ask = Callable[..., Awaitable[list[RunEvent]]]

LOOK = ScriptedCall("look_up", '{"city": "Paris"}', id="look")
BOOK = ScriptedCall("book", '{"city": "Rome"}', id="book")


@pytest.fixture
def look() -> ScriptedTool:
    return ScriptedTool()


@pytest.fixture
def book() -> ScriptedTool:
    return ScriptedTool("book", needs_approval=True)


def keep(question: str, events: list[RunEvent]) -> list[MessageCreate]:
    """What a conversation keeps of a run."""
    kept = [MessageCreate(role=MessageRole.USER, content=question)] if question else []
    for event in events:
        if isinstance(event, ModelCallFinished):
            kept.append(MessageCreate(role=MessageRole.ASSISTANT, content=event.text, tool_calls=event.calls))
        elif isinstance(event, ToolCallFinished):
            result = ToolResult(tool_call_id=event.call_id, tool_name=event.name, is_error=event.is_error)
            kept.append(MessageCreate(role=MessageRole.TOOL, content=event.content, tool_result=result))
    return kept


class TestAnAgentThatAsks:
    async def test_stops_before_what_a_person_has_to_decide_about(
        self, ask: Ask, model: ScriptedModel, look: ScriptedTool, book: ScriptedTool
    ) -> None:
        model.script(Reply(text="I would book it.", calls=(LOOK, BOOK)))
        events = await ask(tools=[look, book], autonomy=Autonomy.ASK)
        last = events[-1]
        assert isinstance(last, ApprovalRequested)
        assert [(call.id, call.arguments) for call in last.calls] == [("book", {"city": "Rome"})]
        assert not last.person_acts
        assert (len(look.calls), len(book.calls), len(model.chats)) == (1, 0, 1)

    async def test_goes_on_from_what_was_kept_once_it_may(
        self, ask: Ask, model: ScriptedModel, look: ScriptedTool, book: ScriptedTool
    ) -> None:
        model.script(Reply(calls=(LOOK, BOOK)), Reply(text="Booked."))
        history = keep("Book it.", await ask("Book it.", tools=[look, book]))
        events = await ask(None, history=history, decisions=[Decision("book", is_approved=True)], tools=[look, book])
        assert isinstance(events[-1], AnswerFinished)
        assert (len(look.calls), book.calls) == (1, [{"city": "Rome"}])
        assert [event.call.id for event in events if isinstance(event, ToolCallStarted)] == ["book"]
        assert [message.get("tool_call_id") for message in model.chats[1]["messages"]] == [
            None,
            None,
            None,
            "look",
            "book",
        ]

    async def test_goes_on_without_it_where_it_may_not(
        self, ask: Ask, model: ScriptedModel, book: ScriptedTool
    ) -> None:
        model.script(Reply(calls=(BOOK,)), Reply(text="Then not."))
        history = keep("Book it.", await ask("Book it.", tools=[book]))
        decision = Decision("book", is_approved=False, note="Too expensive.")
        events = await ask(None, history=history, decisions=[decision], tools=[book])
        assert isinstance(events[-1], AnswerFinished)
        assert book.calls == []
        told = model.chats[1]["messages"][-1]["content"]
        assert "decided against" in told
        assert "Too expensive." in told

    async def test_asks_again_as_long_as_nobody_decided(
        self, ask: Ask, model: ScriptedModel, book: ScriptedTool
    ) -> None:
        model.script(Reply(calls=(BOOK,)))
        history = keep("Book it.", await ask("Book it.", tools=[book]))
        (only,) = await ask(None, history=history, tools=[book])
        assert isinstance(only, ApprovalRequested)
        assert len(model.chats) == 1

    async def test_drops_what_waits_when_it_is_told_something_else(
        self, ask: Ask, model: ScriptedModel, book: ScriptedTool
    ) -> None:
        model.script(Reply(calls=(BOOK,)))
        history = keep("Book it.", await ask("Book it.", tools=[book]))
        events = await ask("Never mind.", history=history, tools=[book])
        assert isinstance(events[-1], AnswerFinished)
        assert book.calls == []
        assert [(one["role"], one["content"]) for one in model.chats[1]["messages"][-2:]] == [
            ("tool", "This was not done."),
            ("user", "Never mind."),
        ]

    async def test_takes_no_decision_for_another_call_with_the_same_id(
        self, ask: Ask, model: ScriptedModel, book: ScriptedTool
    ) -> None:
        model.script(Reply(calls=(BOOK,)), Reply(calls=(BOOK,)))
        history = keep("Book it.", await ask("Book it.", tools=[book]))
        events = await ask(None, history=history, decisions=[Decision("book", is_approved=True)], tools=[book])
        assert isinstance(events[-1], ApprovalRequested)
        assert len(book.calls) == 1


class TestAToolOfTheCaller:
    async def test_is_told_apart_from_what_a_person_decides(
        self, ask: Ask, model: ScriptedModel, book: ScriptedTool
    ) -> None:
        model.script(Reply(calls=(LOOK, BOOK)))
        last = (await ask(tools=[CallersTool("look_up", "Looks up.", look_up_schema()), book]))[-1]
        assert isinstance(last, ApprovalRequested)
        assert {call.id for call in last.calls} == {"look", "book"}
        assert last.callers == {"look"}

    async def test_has_a_result_although_it_is_not_brought_again(self, ask: Ask, model: ScriptedModel) -> None:
        model.script(Reply(calls=(LOOK,)), Reply(text="Rain."))
        first = await ask("Rain?", tools=[CallersTool("look_up", "Looks up.", look_up_schema())])
        result = Decision("look", is_approved=True, note="It rains 7 mm.", is_result=True)
        events = await ask(None, history=keep("Rain?", first), decisions=[result])
        assert isinstance(events[-1], AnswerFinished)
        assert model.chats[1]["messages"][-1]["content"] == "It rains 7 mm."

    async def test_that_is_gone_is_not_approved_by_a_person(
        self, ask: Ask, model: ScriptedModel, book: ScriptedTool
    ) -> None:
        model.script(Reply(calls=(BOOK,)), Reply(text="Then not."))
        first = await ask("Book it.", tools=[book])
        await ask(None, history=keep("Book it.", first), decisions=[Decision("book", is_approved=True, note="Done.")])
        assert "no tool of this name" in model.chats[1]["messages"][-1]["content"]


def look_up_schema() -> dict[str, object]:
    return {"type": "object", "properties": {"city": {"type": "string"}}}


class TestOtherAutonomies:
    async def test_one_that_suggests_hears_what_the_person_did(
        self, ask: Ask, model: ScriptedModel, book: ScriptedTool
    ) -> None:
        model.script(Reply(calls=(BOOK,)), Reply(text="Good."))
        first = await ask("Book it.", tools=[book], autonomy=Autonomy.SUGGEST)
        last = first[-1]
        assert isinstance(last, ApprovalRequested)
        assert last.person_acts
        done = Decision("book", is_approved=True, note="Booked, number 7.")
        events = await ask(
            None, history=keep("Book it.", first), decisions=[done], tools=[book], autonomy=Autonomy.SUGGEST
        )
        assert isinstance(events[-1], AnswerFinished)
        assert book.calls == []
        assert model.chats[1]["messages"][-1]["content"] == "Booked, number 7."

    async def test_one_that_is_free_does_it(self, ask: Ask, model: ScriptedModel, book: ScriptedTool) -> None:
        model.script(Reply(calls=(BOOK,)))
        events = await ask(tools=[book], autonomy=Autonomy.AUTO)
        assert isinstance(events[-1], AnswerFinished)
        assert len(book.calls) == 1

    async def test_one_without_any_is_not_offered_it_nor_does_it(
        self, ask: Ask, model: ScriptedModel, look: ScriptedTool, book: ScriptedTool
    ) -> None:
        model.script(Reply(calls=(BOOK,)))
        events = await ask(tools=[look, book], autonomy=Autonomy.NONE)
        assert isinstance(events[-1], AnswerFinished)
        assert book.calls == []
        assert [tool["function"]["name"] for tool in model.chats[0]["tools"]] == ["look_up"]


class TestARunThatBrokeOff:
    async def test_does_what_was_left_open_and_needs_no_approval(
        self, ask: Ask, model: ScriptedModel, look: ScriptedTool
    ) -> None:
        call = MessageToolCall(
            id="look", name="look_up", arguments={"city": "Paris"}, arguments_text='{"city": "Paris"}'
        )
        history = [
            MessageCreate(role=MessageRole.USER, content="How is the weather?"),
            MessageCreate(role=MessageRole.ASSISTANT, tool_calls=(call,)),
        ]
        events = await ask(None, history=history, tools=[look])
        assert isinstance(events[-1], AnswerFinished)
        assert len(look.calls) == 1

    async def test_in_the_middle_of_an_answer_is_told_to_go_on(self, ask: Ask, model: ScriptedModel) -> None:
        history = [
            MessageCreate(role=MessageRole.USER, content="How is the weather?"),
            MessageCreate(role=MessageRole.ASSISTANT, content="It ra", is_complete=False),
        ]
        await ask(None, history=history)
        assert [one["role"] for one in model.chats[0]["messages"]] == ["system", "user", "assistant", "user"]

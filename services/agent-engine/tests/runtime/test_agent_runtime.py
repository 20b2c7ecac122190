import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

import pytest
from pydantic import SecretStr

from tahoe_core.errors import InvalidInputError
from tahoe_engine.models.conversation_models import MessageCreate, MessageRole
from tahoe_engine.runtime.agent_blueprint import AgentBlueprint
from tahoe_engine.runtime.agent_runtime import AdkRuntime, RunRequest
from tahoe_engine.runtime.model_endpoint import ChosenModel, ModelEndpoint, WireFormat
from tahoe_engine.runtime.model_errors import (
    BrokenAnswerError,
    ContextFullError,
    ModelError,
    NoModelError,
    OutOfMoneyError,
    RateLimitedError,
    RefusalError,
    RunCancelledError,
    StreamCutError,
    UnknownModelError,
    UnreachableModelError,
    WrongKeyError,
)
from tahoe_engine.runtime.run_events import (
    AnswerFailed,
    AnswerFinished,
    ModelCallFailed,
    ModelCallFinished,
    RunEvent,
    TextDelta,
    ThoughtDelta,
    ToolCallFinished,
    ToolCallStarted,
)
from tahoe_engine.runtime.testing import replies
from tahoe_engine.runtime.testing.replies import Reply, ScriptedCall
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel
from tahoe_engine.runtime.testing.scripted_tool import ScriptedTool
from tahoe_engine.runtime.tool_port import ToolError

Ask = Callable[..., Awaitable[list[RunEvent]]]

PARIS = ScriptedCall("look_up", '{"city": "Paris"}', id="a")
ROME = ScriptedCall("look_up", '{"city": "Rome"}', id="b")


def only[Event](events: list[Any], kind: type[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


class TestAnAnswer:
    async def test_comes_in_deltas_and_then_as_a_whole(self, ask: Ask, model: ScriptedModel) -> None:
        model.script(Reply(text="It rains in Paris.", thoughts="Paris, then.", usage=(20, 4, 5)))
        events = await ask()
        assert "".join(event.text for event in only(events, TextDelta)) == "It rains in Paris."
        assert "".join(event.text for event in only(events, ThoughtDelta)) == "Paris, then."
        (call,) = only(events, ModelCallFinished)
        assert (call.provider, call.text, call.calls) == ("local", "It rains in Paris.", ())
        assert (call.usage.model, call.usage.input_tokens, call.usage.cached_tokens) == ("small", 20, 4)
        assert call.usage.output_tokens == 5
        assert not call.is_estimated
        assert 0 < (call.first_byte_ms or 0) <= call.usage.latency_ms
        last = events[-1]
        assert isinstance(last, AnswerFinished)
        assert (last.text, last.is_complete) == ("It rains in Paris.", True)
        assert (last.usage.model_calls, last.usage.input_tokens, last.usage.cost_usd) == (1, 20, None)

    async def test_of_several_calls_needs_one_connection(self, ask: Ask, model: ScriptedModel) -> None:
        model.script(Reply(calls=(PARIS,)), Reply(text="It rains."), Reply(text="It still does."))
        await ask(tools=[ScriptedTool()])
        await ask("And now?")
        assert (len(model.chats), model.connections) == (3, 1)

    async def test_is_told_who_the_agent_is_what_it_knows_and_what_was_said(
        self, ask: Ask, model: ScriptedModel
    ) -> None:
        history = [
            MessageCreate(role=MessageRole.SYSTEM, content="Be brief."),
            MessageCreate(role=MessageRole.USER, content="I live in {city}."),
            MessageCreate(role=MessageRole.ASSISTANT, content="Noted."),
        ]
        await ask("And the weather?", history=history, context="Likes the sea.")
        assert model.chats[0]["messages"] == [
            {"role": "system", "content": "You are Ada.\n\nBe brief.\n\nLikes the sea."},
            {"role": "user", "content": "I live in {city}."},
            {"role": "assistant", "content": "Noted."},
            {"role": "user", "content": "And the weather?"},
        ]

    async def test_says_when_it_was_cut_at_its_limit_of_tokens(self, ask: Ask, model: ScriptedModel) -> None:
        model.script(Reply(text="It rai", finish_reason="length"))
        last = (await ask())[-1]
        assert isinstance(last, AnswerFinished)
        assert not last.is_complete

    async def test_follows_a_schema(self, ask: Ask, model: ScriptedModel) -> None:
        model.script(Reply(text='{"rains": true}'))
        schema = {"type": "object", "properties": {"rains": {"type": "boolean"}}, "required": ["rains"]}
        last = (await ask(answer_schema=schema))[-1]
        assert isinstance(last, AnswerFinished)
        sent = model.chats[0]["response_format"]["json_schema"]
        assert sent["schema"]["properties"] == schema["properties"]
        assert sent["strict"] is True

    async def test_is_counted_by_length_where_the_server_counts_nothing(
        self, ask: Ask, model: ScriptedModel, caplog: pytest.LogCaptureFixture
    ) -> None:
        model.script(Reply(text="It rains." * 10, usage=None))
        (call,) = only(await ask("x" * 300), ModelCallFinished)
        assert caplog.text == ""
        assert call.is_estimated
        assert call.usage.input_tokens > 100
        assert call.usage.output_tokens == 30

    async def test_needs_something_to_answer(self, ask: Ask) -> None:
        last = (await ask(None))[-1]
        assert isinstance(last, AnswerFailed)
        assert isinstance(last.error, InvalidInputError)


class TestTools:
    async def test_run_in_parallel_and_their_results_are_read(self, ask: Ask, model: ScriptedModel) -> None:
        both = asyncio.Barrier(2)

        async def wait_for_the_other(arguments: Mapping[str, Any]) -> str:
            async with asyncio.timeout(1):
                await both.wait()
            return f"It rains in {arguments['city']}."

        tool = ScriptedTool(answer=wait_for_the_other)
        model.script(Reply(text="Let me see. ", calls=(PARIS, ROME)), Reply(text="It rains."))
        events = await ask(tools=[tool])
        assert [event.call.id for event in only(events, ToolCallStarted)] == ["a", "b"]
        assert {event.content for event in only(events, ToolCallFinished)} == {
            "It rains in Paris.",
            "It rains in Rome.",
        }
        assert model.chats[1]["messages"][2:] == [
            {
                "role": "assistant",
                "content": "Let me see. ",
                "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "look_up", "arguments": '{"city":"Paris"}'}},
                    {"id": "b", "type": "function", "function": {"name": "look_up", "arguments": '{"city":"Rome"}'}},
                ],
            },
            {"role": "tool", "tool_call_id": "a", "content": "It rains in Paris."},
            {"role": "tool", "tool_call_id": "b", "content": "It rains in Rome."},
        ]
        last = events[-1]
        assert isinstance(last, AnswerFinished)
        assert last.text == "It rains."
        assert (last.usage.model_calls, last.usage.tool_calls, last.usage.input_tokens) == (2, 2, 40)

    async def test_are_described_to_the_model(self, ask: Ask, model: ScriptedModel) -> None:
        tool = ScriptedTool()
        await ask(tools=[tool])
        function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
        assert model.chats[0]["tools"] == [{"type": "function", "function": function}]

    @pytest.mark.parametrize(
        ("error", "told"),
        [(ToolError("There is no such city."), "There is no such city."), (ValueError("secret"), "The tool failed.")],
    )
    async def test_that_fail_are_told_of_and_the_run_goes_on(
        self, ask: Ask, model: ScriptedModel, error: Exception, told: str
    ) -> None:
        async def fail(_: Mapping[str, Any]) -> str:
            raise error

        model.script(Reply(calls=(PARIS,)))
        events = await ask(tools=[ScriptedTool(answer=fail)])
        (finished,) = only(events, ToolCallFinished)
        assert (finished.content, finished.is_error) == (told, True)
        assert isinstance(events[-1], AnswerFinished)
        assert model.chats[1]["messages"][-1]["content"] == told

    async def test_that_do_not_exist_are_answered_with_those_that_do(self, ask: Ask, model: ScriptedModel) -> None:
        model.script(Reply(calls=(ScriptedCall("look_down"),)))
        events = await ask(tools=[ScriptedTool()])
        (finished,) = only(events, ToolCallFinished)
        assert "look_up" in finished.content
        assert finished.is_error
        assert isinstance(events[-1], AnswerFinished)

    async def test_are_not_run_with_broken_arguments_and_the_model_may_write_them_again(
        self, ask: Ask, model: ScriptedModel
    ) -> None:
        tool = ScriptedTool()
        model.script(replies.BROKEN_ARGUMENTS, Reply(calls=(PARIS,)), Reply(text="It rains."))
        events = await ask(tools=[tool])
        first = only(events, ModelCallFinished)[0].calls[0]
        assert (first.arguments, first.arguments_text) == (None, '{"city": "Par')
        assert "no JSON object" in model.chats[1]["messages"][-1]["content"]
        assert tool.calls == [{"city": "Paris"}]
        assert isinstance(events[-1], AnswerFinished)

    async def test_whose_arguments_stay_broken_end_the_run(self, ask: Ask, model: ScriptedModel) -> None:
        model.script(*[replies.BROKEN_ARGUMENTS] * 3)
        last = (await ask(tools=[ScriptedTool()]))[-1]
        assert isinstance(last, AnswerFailed)
        assert isinstance(last.error, BrokenAnswerError)


class TestAFailure:
    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (replies.WRONG_KEY, WrongKeyError),
            (replies.UNKNOWN_MODEL, UnknownModelError),
            (replies.OUT_OF_MONEY, OutOfMoneyError),
            (replies.CONTEXT_FULL, ContextFullError),
            (replies.REFUSAL, RefusalError),
            (replies.FILTERED, RefusalError),
            (replies.CUT_STREAM, StreamCutError),
            (replies.HANG, UnreachableModelError),
            (Reply(), BrokenAnswerError),
            (Reply(body=b"<html>"), BrokenAnswerError),
            (replies.fault(429, "slow_down", Retry_After="60"), RateLimitedError),
        ],
    )
    async def test_has_a_class_of_its_own_and_says_what_to_do(
        self, ask: Ask, model: ScriptedModel, reply: Reply, kind: type[ModelError]
    ) -> None:
        model.script(reply)
        last = (await ask())[-1]
        assert isinstance(last, AnswerFailed)
        assert type(last.error) is kind
        assert last.error.cure
        assert "you said" not in str(last.error)
        assert len(model.chats) == 1

    async def test_of_the_first_model_is_told_of_and_the_next_one_asked(
        self, ask: Ask, model: ScriptedModel, chosen: ChosenModel
    ) -> None:
        model.script(replies.UNKNOWN_MODEL, Reply(calls=(PARIS,)), Reply(text="It rains."))
        other = ChosenModel(chosen.endpoint, "large")
        events = await ask(models=[chosen, other], tools=[ScriptedTool()])
        (failed,) = only(events, ModelCallFailed)
        assert (failed.provider, failed.model, type(failed.error)) == ("local", "small", UnknownModelError)
        assert isinstance(events[-1], AnswerFinished)
        # Who has answered is asked from then on.
        assert [body["model"] for body in model.chats] == ["small", "large", "large"]

    async def test_of_all_models_is_that_of_the_last(self, ask: Ask, model: ScriptedModel, chosen: ChosenModel) -> None:
        model.script(replies.UNKNOWN_MODEL, replies.WRONG_KEY)
        last = (await ask(models=[chosen, ChosenModel(chosen.endpoint, "large")]))[-1]
        assert isinstance(last, AnswerFailed)
        assert isinstance(last.error, WrongKeyError)

    @pytest.mark.parametrize("reply", [replies.CUT_STREAM, replies.REFUSAL])
    async def test_after_the_first_word_and_a_refusal_are_left_as_they_are(
        self, ask: Ask, model: ScriptedModel, chosen: ChosenModel, reply: Reply
    ) -> None:
        model.script(reply)
        last = (await ask(models=[chosen, ChosenModel(chosen.endpoint, "large")]))[-1]
        assert isinstance(last, AnswerFailed)
        assert len(model.chats) == 1

    async def test_of_an_extra_that_is_not_installed_says_which(self, ask: Ask) -> None:
        claude = ChosenModel(ModelEndpoint("anthropic", speaks=WireFormat.ANTHROPIC), "claude")
        last = (await ask(models=[claude]))[-1]
        assert isinstance(last, AnswerFailed)
        assert isinstance(last.error, NoModelError)
        assert "anthropic" in last.error.cure

    async def test_names_no_key(self, ask: Ask, model: ScriptedModel, caplog: pytest.LogCaptureFixture) -> None:
        model.script(replies.WRONG_KEY)
        endpoint = ModelEndpoint("local", model.base_url, SecretStr("sk-very-secret"))
        with caplog.at_level(0):
            last = (await ask(models=[ChosenModel(endpoint, "small")]))[-1]
        assert model.requests[0].headers["authorization"] == "Bearer sk-very-secret"
        assert "sk-very-secret" not in repr(last) + repr(endpoint) + caplog.text


class TestClosing:
    async def test_stops_the_model_at_once(
        self, runtime: AdkRuntime, chosen: ChosenModel, model: ScriptedModel
    ) -> None:
        model.script(Reply(text="word " * 2000, between_s=0.01))
        request = RunRequest(AgentBlueprint("Ada", ""), [chosen], message="Talk.")
        async with aclosing(runtime.run(request)) as events:
            await anext(events)
            began = time.perf_counter()
        assert time.perf_counter() - began < 0.2
        async with asyncio.timeout(2):
            while not model.dropped:  # noqa: ASYNC110 - it is counted in another thread
                await asyncio.sleep(0.01)

    async def test_tells_the_rest_with_what_the_model_took(
        self, runtime: AdkRuntime, chosen: ChosenModel, model: ScriptedModel
    ) -> None:
        model.script(Reply(text="word " * 2000, between_s=0.01))
        rest: list[RunEvent] = []
        request = RunRequest(AgentBlueprint("Ada", ""), [chosen], message="Talk.", hear_rest=rest.append)
        async with aclosing(runtime.run(request)) as events:
            await anext(events)
        (cut,) = only(rest, ModelCallFailed)
        last = rest[-1]
        assert isinstance(last, AnswerFailed)
        assert isinstance(last.error, RunCancelledError)
        assert cut.usage is not None
        assert (last.usage.model_calls, last.usage.output_tokens) == (1, cut.usage.output_tokens)
        assert cut.usage.input_tokens > 0 < cut.usage.output_tokens

    async def test_counts_as_the_server_has_counted_and_by_length_since_then(
        self, runtime: AdkRuntime, chosen: ChosenModel, model: ScriptedModel
    ) -> None:
        said = {"choices": [{"index": 0, "delta": {"content": "One two three."}, "finish_reason": None}]}
        counted = {"prompt_tokens": 70, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 30}}
        model.script(Reply(events=[said | {"usage": counted}, said, said | {"choices": []}], between_s=0.3))
        rest: list[RunEvent] = []
        request = RunRequest(AgentBlueprint("Ada", ""), [chosen], message="Talk.", hear_rest=rest.append)
        async with aclosing(runtime.run(request)) as events:
            await anext(events)
            await anext(events)
        (cut,) = only(rest, ModelCallFailed)
        assert cut.usage is not None
        assert (cut.usage.input_tokens, cut.usage.cached_tokens, cut.usage.output_tokens) == (70, 30, 4 + 5)

    async def test_of_one_that_has_ended_has_no_rest(
        self, runtime: AdkRuntime, chosen: ChosenModel, model: ScriptedModel
    ) -> None:
        rest: list[RunEvent] = []
        request = RunRequest(AgentBlueprint("Ada", ""), [chosen], message="Talk.", hear_rest=rest.append)
        async with aclosing(runtime.run(request)) as events:
            assert isinstance([event async for event in events][-1], AnswerFinished)
        assert rest == []

    async def test_stops_a_tool(self, runtime: AdkRuntime, chosen: ChosenModel, model: ScriptedModel) -> None:
        stopped = asyncio.Event()

        async def wait(_: Mapping[str, Any]) -> str:
            try:
                await asyncio.sleep(60)
            finally:
                stopped.set()
            return ""

        model.script(Reply(calls=(PARIS,)))
        request = RunRequest(AgentBlueprint("Ada", ""), [chosen], message="Look.", tools=[ScriptedTool(answer=wait)])
        async with aclosing(runtime.run(request)) as events:
            async for event in events:
                if isinstance(event, ToolCallStarted):
                    await asyncio.sleep(0.02)
                    break
        assert stopped.is_set()

    async def test_a_slow_listener_holds_the_model_back(
        self, runtime: AdkRuntime, chosen: ChosenModel, model: ScriptedModel
    ) -> None:
        model.script(Reply(text="word " * 200_000, piece=1000))
        request = RunRequest(AgentBlueprint("Ada", ""), [chosen], message="Talk.")
        async with aclosing(runtime.run(request)) as events:
            await anext(events)
            await asyncio.sleep(0.5)  # a run that nothing held back would be long over
            kept = [task for task in asyncio.all_tasks() if task.get_name() == "agent run"]
            assert len(kept) == 1
            rest = [event async for event in events]
        assert isinstance(rest[-1], AnswerFinished)
        assert len(rest[-1].text) == 1_000_000


def test_the_application_is_imported_without_adk() -> None:
    code = (
        "import sys, tahoe_engine.app, tahoe_engine.runtime.agent_runtime;"
        "sys.exit(any(name.split('.')[0] == 'google' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_runtime_that_was_warmed_up_imports_no_more_of_adk_with_its_first_run() -> None:
    code = (
        "import asyncio, sys\n"
        "from tahoe_engine.runtime.agent_runtime import AdkRuntime\n"
        "from tahoe_engine.runtime.warm_up import _run\n"
        "async def main():\n"
        "    await AdkRuntime().warm_up()\n"
        "    known = set(sys.modules)\n"
        "    await _run()\n"
        "    sys.exit(bool(set(sys.modules) - known))\n"
        "asyncio.run(main())\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

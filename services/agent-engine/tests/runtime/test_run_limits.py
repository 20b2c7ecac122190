import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import pytest

from tahoe_core.prices import TokenUsage
from tahoe_engine.models.agent_models import Boundaries
from tahoe_engine.runtime.agent_blueprint import AgentBlueprint
from tahoe_engine.runtime.agent_runtime import AdkRuntime, RunRequest, price_call
from tahoe_engine.runtime.chat_client import Patience
from tahoe_engine.runtime.model_endpoint import ChosenModel, ModelEndpoint, WireFormat
from tahoe_engine.runtime.model_errors import RunLimitError, UnknownPriceError
from tahoe_engine.runtime.run_events import (
    AnswerFailed,
    AnswerFinished,
    ModelCallFailed,
    ModelCallFinished,
    RunEvent,
    RunUsage,
)
from tahoe_engine.runtime.testing.replies import Reply, ScriptedCall
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel
from tahoe_engine.runtime.testing.scripted_tool import ScriptedTool

Ask = Callable[..., Awaitable[list[RunEvent]]]

LOOK = ScriptedCall("look_up", '{"city": "Paris"}')
CENT_A_TOKEN = Decimal("0.01")


def stopped(events: list[RunEvent]) -> AnswerFailed:
    last = events[-1]
    assert isinstance(last, AnswerFailed)
    assert isinstance(last.error, RunLimitError)
    return last


class TestARun:
    async def test_asks_the_model_no_more_often_than_its_turns(self, ask: Ask, model: ScriptedModel) -> None:
        model.answer = lambda _: Reply(calls=(LOOK,))
        last = stopped(await ask(tools=[ScriptedTool()], max_turns=3))
        assert "max_turns" in last.error.message
        assert (len(model.chats), last.usage.model_calls, last.usage.tool_calls) == (3, 3, 3)

    async def test_calls_no_more_tools_than_it_may(self, ask: Ask, model: ScriptedModel) -> None:
        tool = ScriptedTool()
        model.answer = lambda _: Reply(calls=(LOOK, LOOK))
        last = stopped(await ask(tools=[tool], max_tool_calls=3))
        assert "max_tool_calls" in last.error.message
        assert (len(tool.calls), len(model.chats)) == (3, 2)

    async def test_takes_no_more_tokens_than_it_may(self, ask: Ask, model: ScriptedModel) -> None:
        model.answer = lambda _: Reply(calls=(LOOK,), usage=(400, 0, 100))
        last = stopped(await ask(tools=[ScriptedTool()], max_tokens=1900))
        assert "max_tokens" in last.error.message
        # What is left when the question is paid is all that the model may still write.
        first, *others = (left - body["max_tokens"] for left, body in zip((1900, 1400, 900), model.chats, strict=True))
        assert 0 < first < 200, "as its length says"
        assert all(400 < one < 900 for one in others), "as the server counts"

    async def test_asks_nothing_that_takes_more_than_it_has_left(self, ask: Ask, model: ScriptedModel) -> None:
        last = stopped(await ask("word " * 2000, max_tokens=2000))
        assert "takes about 33" in last.error.message
        assert (len(model.chats), last.usage.model_calls) == (0, 0)

    async def test_takes_no_longer_than_it_may(self, ask: Ask, model: ScriptedModel) -> None:
        async def wait(_: Mapping[str, Any]) -> str:
            await asyncio.sleep(60)
            return ""

        model.script(Reply(calls=(LOOK,)))
        last = stopped(await ask(tools=[ScriptedTool(answer=wait)], max_seconds=1))
        assert "max_seconds" in last.error.message
        assert 1 <= last.usage.seconds < 2

    async def test_counts_what_it_took_before_it_waited(self, ask: Ask, model: ScriptedModel) -> None:
        spent = RunUsage(2, 3, 30, 0, 20, 5.0, Decimal(0))
        model.answer = lambda _: Reply(calls=(LOOK,), usage=(40, 0, 10))
        for limit in ({"max_turns": 2}, {"max_tokens": 50}, {"max_tokens": 55}, {"max_seconds": 5}):
            assert next(iter(limit)) in stopped(await ask(spent=spent, **limit)).error.message
        assert not model.chats
        last = stopped(await ask(tools=[ScriptedTool()], spent=spent, max_tool_calls=3))
        assert (len(model.chats), last.usage.model_calls, last.usage.input_tokens) == (1, 1, 40)

    async def test_counts_a_model_that_was_stopped(self, ask: Ask, model: ScriptedModel) -> None:
        model.script(Reply(text="One two three four.", piece=4, between_s=0.4))
        events = await ask(max_seconds=1)
        [failed] = [event for event in events if isinstance(event, ModelCallFailed)]
        assert failed.usage is not None
        assert stopped(events).usage.input_tokens == failed.usage.input_tokens > 0

    async def test_counts_what_broken_answers_took(self, ask: Ask, model: ScriptedModel) -> None:
        model.script(Reply(text="no JSON", usage=(40, 10, 6)))
        events = await ask(answer_schema={"type": "object"})
        [failed] = [event for event in events if isinstance(event, ModelCallFailed)]
        assert failed.usage is not None
        assert (failed.usage.input_tokens, failed.usage.output_tokens) == (40, 6)
        last = events[-1]
        assert isinstance(last, AnswerFailed)
        assert (last.usage.model_calls, last.usage.input_tokens, last.usage.cached_tokens) == (1, 40, 10)

    async def test_that_stays_within_its_limits_is_not_stopped(self, ask: Ask, model: ScriptedModel) -> None:
        model.script(Reply(calls=(LOOK,)))
        events = await ask(tools=[ScriptedTool()], max_turns=2, max_tool_calls=1, max_tokens=300)
        assert isinstance(events[-1], AnswerFinished)


class TestMoney:
    @pytest.fixture
    async def priced(self, patience: Patience) -> AsyncIterator[AdkRuntime]:
        """A runtime where each token of `small` costs a cent, and nobody knows what others cost."""

        def price(chosen: ChosenModel, usage: TokenUsage) -> Decimal | None:
            tokens = usage.input_tokens + usage.output_tokens
            return CENT_A_TOKEN * tokens if chosen.model == "small" else None

        made = AdkRuntime(patience, pricing=price)
        yield made
        await made.aclose()

    async def run(
        self, runtime: AdkRuntime, chosen: list[ChosenModel], max_spend: str | None, message: str = "Look."
    ) -> list[RunEvent]:
        limit = Decimal(max_spend) if max_spend else None
        agent = AgentBlueprint("Ada", "", boundaries=Boundaries(max_spend_usd=limit))
        request = RunRequest(agent, chosen, message=message, tools=[ScriptedTool()])
        async with aclosing(runtime.run(request)) as events:
            return [event async for event in events]

    async def test_is_counted(self, priced: AdkRuntime, chosen: ChosenModel, model: ScriptedModel) -> None:
        model.script(Reply(calls=(LOOK,)))
        events = await self.run(priced, [chosen], None)
        last = events[-1]
        assert isinstance(last, AnswerFinished)
        assert [event.cost_usd for event in events if isinstance(event, ModelCallFinished)] == [Decimal("0.25")] * 2
        assert last.usage.cost_usd == Decimal("0.5")

    async def test_that_is_used_up_ends_the_run(
        self, priced: AdkRuntime, chosen: ChosenModel, model: ScriptedModel
    ) -> None:
        model.answer = lambda _: Reply(calls=(LOOK,), usage=(400, 0, 100))
        last = stopped(await self.run(priced, [chosen], "19"))
        assert "max_spend_usd" in last.error.message
        # The model may write no more than what is left when the question is paid pays for.
        first, *others = (left - body["max_tokens"] for left, body in zip((1900, 1400, 900), model.chats, strict=True))
        assert 0 < first < 200
        assert all(400 < one < 900 for one in others)

    async def test_that_the_question_alone_would_use_up_is_not_spent(
        self, priced: AdkRuntime, chosen: ChosenModel, model: ScriptedModel
    ) -> None:
        last = stopped(await self.run(priced, [chosen], "12", "word " * 2000))
        assert "costs about 34" in last.error.message
        assert model.chats == []

    async def test_that_is_limited_pays_for_no_model_without_a_price(
        self, priced: AdkRuntime, chosen: ChosenModel, model: ScriptedModel
    ) -> None:
        last = stopped(await self.run(priced, [ChosenModel(chosen.endpoint, "large")], "1"))
        assert isinstance(last.error, UnknownPriceError)
        assert model.chats == []

    async def test_that_is_limited_at_nothing_pays_for_nothing(
        self, priced: AdkRuntime, chosen: ChosenModel, model: ScriptedModel
    ) -> None:
        stopped(await self.run(priced, [chosen], "0"))
        assert model.chats == []

    async def test_is_unknown_where_one_price_is(
        self, priced: AdkRuntime, chosen: ChosenModel, model: ScriptedModel
    ) -> None:
        events = await self.run(priced, [ChosenModel(chosen.endpoint, "large")], None)
        last = events[-1]
        assert isinstance(last, AnswerFinished)
        assert last.usage.cost_usd is None


class TestThePublicPrices:
    @pytest.mark.parametrize(
        ("endpoint", "model"),
        [
            (ModelEndpoint("mine", "https://api.openai.com/v1"), "gpt-4o-mini"),
            (ModelEndpoint("gemini", speaks=WireFormat.GEMINI), "gemini-2.5-flash"),
            (ModelEndpoint("anthropic", speaks=WireFormat.ANTHROPIC), "claude-sonnet-4-5"),
            (ModelEndpoint("openrouter", "https://openrouter.ai/api/v1"), "anthropic/claude-sonnet-4"),
        ],
    )
    def test_are_found_by_who_answers(self, endpoint: ModelEndpoint, model: str) -> None:
        cost = price_call(ChosenModel(endpoint, model), TokenUsage(1000, 0, 1000))
        assert cost is not None
        assert cost > 0

    def test_say_nothing_of_a_model_at_home(self) -> None:
        chosen = ChosenModel(ModelEndpoint("ollama", "http://localhost:11434/v1"), "gpt-4o-mini")
        assert price_call(chosen, TokenUsage(1000, 0, 1000)) is None

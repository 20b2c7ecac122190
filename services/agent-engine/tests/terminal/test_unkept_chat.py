from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from itertools import count
from pathlib import Path

import pytest

from tahoe_engine.runtime.testing.replies import Reply, ScriptedCall
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel
from tahoe_engine.runtime.tool_port import Decision
from tahoe_engine.settings import load_settings
from tahoe_engine.terminal.chat_port import AnswerEnded, ScreenEvent, WaitsForPerson
from tahoe_engine.terminal.unkept_chat import UnkeptChat


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as server:
        yield server


@pytest.fixture
async def chat(model: ScriptedModel, tmp_path: Path) -> AsyncIterator[UnkeptChat]:
    settings = load_settings({"TAHOE_HOME": str(tmp_path), "LLM_MODEL": "small", "LLM_BASE_URL": model.base_url})
    async with UnkeptChat.open(settings) as chat:
        yield chat


async def hear_last(events: AsyncGenerator[ScreenEvent]) -> ScreenEvent:
    async with aclosing(events) as heard:
        return [event async for event in heard][-1]


class TestLimits:
    async def test_are_those_of_one_answer_however_often_somebody_approves(
        self, chat: UnkeptChat, model: ScriptedModel
    ) -> None:
        numbers = count()
        arguments = '{"skill": "world-clock", "path": "scripts/none.py"}'
        model.answer = lambda _: Reply(calls=(ScriptedCall("run_skill_script", arguments, id=f"c{next(numbers)}"),))
        most = chat.dna.boundaries.max_turns
        for _ in range(2):  # the next question begins anew
            model.requests.clear()
            last = await hear_last(chat.say("What time is it?"))
            while isinstance(last, WaitsForPerson):
                assert len(model.chats) <= most
                last = await hear_last(chat.decide([Decision(call.id, is_approved=True) for call in last.calls]))
            assert isinstance(last, AnswerEnded)
            assert last.error is not None
            assert "max_turns" in last.error
            assert len(model.chats) == most

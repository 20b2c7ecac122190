# mypy: ignore-errors
# The library stands in a venv of its own, where mypy does not look.
"""One run with two model calls and a tool in another library; `benchmarks/runtime.py` starts it in a venv of its own.

python benchmarks/runtime_others.py RUNS  →  CPU milliseconds a run
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, Model, ModelResponse, Runner, Usage, function_tool, set_tracing_disabled
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText


class AtOnce(Model):
    """Calls the tool, and answers when it has the result."""

    async def get_response(self, system_instructions: object, input: object, *_: object, **__: object) -> ModelResponse:  # noqa: A002, ARG002
        """Answers."""
        has_result = any(isinstance(item, dict) and item.get("type") == "function_call_output" for item in input)  # type: ignore[attr-defined]
        output: Any
        if has_result:
            text = ResponseOutputText(text="It rains.", type="output_text", annotations=[])
            output = ResponseOutputMessage(id="m", content=[text], role="assistant", status="completed", type="message")
        else:
            output = ResponseFunctionToolCall(
                call_id="c", name="look_up", arguments='{"city": "Paris"}', type="function_call"
            )
        usage = Usage(requests=1, input_tokens=20, output_tokens=5, total_tokens=25)
        return ModelResponse(output=[output], usage=usage, response_id=None)

    def stream_response(self, *_: object, **__: object) -> AsyncIterator[Any]:
        """Is not asked for."""
        raise NotImplementedError


@function_tool
async def look_up(city: str) -> str:
    """Looks up the weather in a city."""
    return f"It rains in {city}."


async def main(runs: int) -> None:
    """Prints CPU milliseconds a run."""
    set_tracing_disabled(disabled=True)
    agent = Agent(name="Ada", instructions="You are Ada.", tools=[look_up], model=AtOnce())

    async def run() -> None:
        result = await Runner.run(agent, "How is the weather?")
        if result.final_output != "It rains.":
            sys.exit("it gave another answer")

    for _ in range(runs // 5):
        await run()
    began = time.process_time()
    for _ in range(runs):
        await run()
    print((time.process_time() - began) / runs * 1000)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

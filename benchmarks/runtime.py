"""What the runtime adds to a model: time of a run, of the first byte, memory, and what is imported.

    .venv/bin/python benchmarks/runtime.py [--runs 200] [--turns 10000] [--json]

The overhead is the CPU time of one run with two model calls and a tool, in one process, the model answering at once:
ours, bare ADK's, and openai-agents' in a venv of its own (`uv` makes it; without a network its row is empty). Ours and
bare ADK's runs take turns, so that a busy machine slows both. The rest is over real HTTP, against the scripted server:
the same run as a turn of a conversation, kept in Postgres and with memories before the model, beside one that is not
kept, and what ADK's own keeping takes; the first byte of a stream; two hundred conversations at once; and thousands of
turns, one after the other.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path

import psutil
from runtime_adk import QUESTION, AtOnce, check, in_database, in_memory
from runtime_kept import KeptTalk, open_talk

from tahoe_engine.runtime.adk_run import AdkRun
from tahoe_engine.runtime.agent_blueprint import AgentBlueprint
from tahoe_engine.runtime.agent_runtime import AdkRuntime, RunRequest, price_call
from tahoe_engine.runtime.model_endpoint import ChosenModel, ModelEndpoint
from tahoe_engine.runtime.run_events import AnswerFinished, RunEvent, TextDelta
from tahoe_engine.runtime.testing.replies import Reply, ScriptedCall
from tahoe_engine.runtime.testing.scripted_model import Asked, ScriptedModel
from tahoe_engine.runtime.testing.scripted_tool import ScriptedTool

OTHER = "openai-agents"
OTHER_VERSION = "0.24.0"
AT_ONCE = 200
ROUNDS = 5
TARGETS = {
    "overhead_ratio": 1.3,
    "first_byte_ms_p95": 30.0,
    "keeping_ms_more": 15.0,
    "first_byte_kept_over_http_ms_p95": 30.0,
    "streams_dropped": 0,
    "memory_growth_mib": 10.0,
    "imports_google": 0,
}


def ours() -> Callable[[], Awaitable[None]]:
    """Makes a run of Tahoe's."""
    model = AtOnce(model="at-once")
    request = RunRequest(
        agent=AgentBlueprint("Ada", "You are Ada."),
        models=(ChosenModel(ModelEndpoint("bench"), "at-once"),),
        message=QUESTION,
        tools=(ScriptedTool(),),
    )

    async def run() -> None:
        async with aclosing(AdkRun(request, lambda _: model, price_call).events()) as events:
            async for event in events:
                last = event
        check(last.text if isinstance(last, AnswerFinished) else None)

    return run


async def cpu_ms(run: Callable[[], Awaitable[None]], runs: int) -> float:
    """Returns CPU milliseconds a run."""
    began = time.process_time()
    for _ in range(runs):
        await run()
    return (time.process_time() - began) / runs * 1000


async def measure_overhead(runs: int) -> dict[str, float | None]:
    """Measures ours and bare ADK's in turns, after a warm-up of each, and the other library's by itself."""
    cases = {"ours": ours(), "bare ADK": in_memory()}
    for run in cases.values():
        await cpu_ms(run, runs // ROUNDS)
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, run in cases.items():
            found[name].append(await cpu_ms(run, runs // ROUNDS))
    rows: dict[str, float | None] = {name: statistics.median(times) for name, times in found.items()}
    ratio = statistics.median(mine / bare for mine, bare in zip(*found.values(), strict=True))
    return rows | {OTHER: measure_other(runs), "ratio": ratio}


def measure_other(runs: int) -> float | None:
    """Returns CPU milliseconds a run of the other library; None where it cannot be had."""
    script = Path(__file__).with_name("runtime_others.py")
    command = ["uv", "run", "--no-project", "--with", f"{OTHER}=={OTHER_VERSION}", "python", str(script), str(runs)]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{OTHER} is left out: {type(error).__name__}", file=sys.stderr)
        return None
    return float(done.stdout)


class Talk:
    """Conversations over HTTP with the scripted server."""

    def __init__(self, model: ScriptedModel, runtime: AdkRuntime) -> None:
        self._runtime = runtime
        self._chosen = ChosenModel(ModelEndpoint("bench", model.base_url), "small")

    async def run(self) -> tuple[RunEvent, float]:
        """Runs once; returns the last event, and when the first byte came."""
        request = RunRequest(
            AgentBlueprint("Ada", "You are Ada."), (self._chosen,), message=QUESTION, tools=(ScriptedTool(),)
        )
        first = 0.0
        async with aclosing(self._runtime.run(request)) as events:
            async for event in events:
                if isinstance(event, TextDelta) and not first:
                    first = time.perf_counter()
        return event, first


async def measure_keeping(kept: KeptTalk, runs: int) -> dict[str, float]:
    """Returns milliseconds of a turn that is not kept, and how many more one takes that is: medians, taken in turns.

    Beside them how many more a run of bare ADK takes where ADK keeps it, remembers nothing and searches nothing.
    """
    kept.model.answer = call_and_answer
    unkept, more, adk_more = [], [], []
    bare = in_memory()
    async with in_database() as begin_adk:
        for _ in range(runs):
            conversation, run_adk = await kept.begin(), await begin_adk()
            unkept.append(await wall_ms(kept.run_unkept))
            more.append(await wall_ms(partial(kept.run, conversation)) - unkept[-1])
            adk_unkept = await wall_ms(bare)
            adk_more.append(await wall_ms(run_adk) - adk_unkept)
    return {
        "unkept_ms": statistics.median(unkept),
        "keeping_ms_more": statistics.median(more),
        "adk_keeping_ms_more": statistics.median(adk_more),
    }


async def wall_ms(run: Callable[[], Awaitable[str | None]]) -> float:
    """Returns how many milliseconds a run takes; one that returns an answer has to return the right one."""
    began = time.perf_counter()
    answer = await run()
    took = (time.perf_counter() - began) * 1000
    if answer is not None:
        check(answer)
    return took


async def measure_first_byte(talk: Talk, model: ScriptedModel, runs: int) -> list[float]:
    """Returns milliseconds from the model's first byte to ours, sorted."""
    waits: list[float] = []
    for _ in range(runs):
        model.script(Reply(text="It rains in Paris.", first_byte_s=0.02))
        _, first = await talk.run()
        waits.append((first - model.first_bytes[-1]) * 1000)
    return sorted(waits)


async def measure_streams(kept: KeptTalk) -> dict[str, float]:
    """Streams two hundred answers at once, each a second long; returns how many were not whole, and the seconds."""
    said = "It rains in Paris. " * 10
    kept.model.answer = lambda _: Reply(text=said, piece=10, between_s=0.05)
    conversations = [await kept.begin() for _ in range(AT_ONCE)]
    began = time.perf_counter()
    answers = await asyncio.gather(*map(kept.run, conversations), return_exceptions=True)
    return {"dropped": AT_ONCE - answers.count(said), "seconds": time.perf_counter() - began}


async def measure_memory(kept: KeptTalk, turns: int) -> dict[str, float]:
    """Runs many turns, each with a tool; returns MiB after a fifth of them and at the end."""
    process = psutil.Process()
    kept.model.answer = call_and_answer
    sizes = {}
    for turn in range(1, turns + 1):
        check(await kept.run(await kept.begin()))
        kept.model.requests.clear()
        if turn in {turns // 5, turns}:
            sizes[turn] = process.memory_info().rss / 1024**2
    return {"begin_mib": sizes[turns // 5], "end_mib": sizes[turns]}


def call_and_answer(asked: Asked) -> Reply:
    """Calls a tool, and answers when it has the result."""
    if asked.body["messages"][-1]["role"] == "tool":
        return Reply(text="It rains.")
    return Reply(calls=(ScriptedCall("load_skill", '{"skill": "world-clock"}'),))


def imports_google() -> bool:
    """Whether the application imports ADK as it starts."""
    code = "import sys, tahoe_engine.app; sys.exit(any(name.split('.')[0] == 'google' for name in sys.modules))"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode != 0


async def measure(runs: int, turns: int) -> dict[str, float | None]:
    """Measures everything."""
    overhead = await measure_overhead(runs)
    with ScriptedModel() as model:
        runtime = AdkRuntime()
        talk = Talk(model, runtime)
        await talk.run()
        waits = await measure_first_byte(talk, model, 100)
        async with open_talk(model) as kept:
            await kept.run(await kept.begin())
            keeping = await measure_keeping(kept, runs)
            kept_waits = await kept.measure_first_byte(100)
            streams = await measure_streams(kept)
            memory = await measure_memory(kept, turns)
        await runtime.aclose()
    return {
        "ours_cpu_ms": overhead["ours"],
        "bare_adk_cpu_ms": overhead["bare ADK"],
        "openai_agents_cpu_ms": overhead[OTHER],
        "overhead_ratio": overhead["ratio"],
        "first_byte_ms_p50": statistics.median(waits),
        "first_byte_ms_p95": waits[int(len(waits) * 0.95)],
        **keeping,
        "first_byte_kept_over_http_ms_p50": statistics.median(kept_waits),
        "first_byte_kept_over_http_ms_p95": kept_waits[int(len(kept_waits) * 0.95)],
        "streams_dropped": streams["dropped"],
        "streams_seconds": streams["seconds"],
        "memory_begin_mib": memory["begin_mib"],
        "memory_growth_mib": memory["end_mib"] - memory["begin_mib"],
        "imports_google": imports_google(),
    }


def main() -> None:
    """Prints the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="counted runs of each library (default 200)")
    parser.add_argument("--turns", type=int, default=10_000, help="turns while memory is watched (default 10000)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    found = asyncio.run(measure(options.runs, options.turns))
    if options.json:
        print(json.dumps({"measured": found, "targets": TARGETS, "turns": options.turns, "at_once": AT_ONCE}))
        return
    print("| runtime | measured | at most |\n|---|---|---|")
    for name, value in found.items():
        shown = "-" if value is None else f"{value:.2f}"
        print(f"| {name.replace('_', ' ')} | {shown} | {TARGETS.get(name, '')} |")


if __name__ == "__main__":
    main()

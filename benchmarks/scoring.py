"""How many thirty-turn interactions a second `tahoe analyze` reads, scores and stores, with Postgres on the same core.

    .venv/bin/python benchmarks/scoring.py [--json]

The command and its Postgres are pinned to one processor. The run is made with 1,000 and with 4,000 interactions: the
difference gives the rate without start-up, and the two peaks of memory say whether it is flat.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tahoe_core.postgres.testing import temporary_home

TAHOE = Path(sys.executable).with_name("tahoe")
SCORECARD = "support-quality"
SIZES = (1_000, 4_000)
TURNS = 30
TARGET_RATE = 100
TARGET_MEMORY_MIB = 300
AGENT_LINES = (
    "Hello, thank you for calling, how can I help you today?",
    "I understand, that must be frustrating. Let me check that for you.",
    "Could you please confirm your order number and the e-mail address on the account?",
    "I have updated the address, and the replacement will be sent within two days.",
    "You will receive a confirmation shortly. Is there anything else that I can do for you?",
    "One moment please, I am looking into it.",
    "Thank you for your patience. Have a great day!",
)
CUSTOMER_LINES = (
    "Hi, my order {n} has still not arrived and I am quite annoyed.",
    "The order number is {n}, and it should have come on Monday.",
    "It is the blue one, size {n}. I ordered it three weeks ago.",
    "Yes, that is correct.",
    "No, that is all. Thanks for your help.",
    "Why did nobody tell me? I have called {n} times.",
)


def write_interactions(path: Path, count: int) -> None:
    """Writes `count` different interactions of thirty turns each, as JSONL."""
    random.seed(count)
    with path.open("w") as file:
        for number in range(count):
            turns = [
                {"role": "agent", "text": random.choice(AGENT_LINES)}  # noqa: S311 - no secret
                if turn % 2 == 0
                else {"role": "customer", "text": random.choice(CUSTOMER_LINES).format(n=random.randrange(10**6))}  # noqa: S311
                for turn in range(TURNS)
            ]
            file.write(json.dumps({"external_id": f"bench-{count}-{number}", "turns": turns}) + "\n")


def run_pinned(arguments: list[str], environment: dict[str, str], cpu: int) -> tuple[float, float]:
    """Runs the command on one processor; returns wall seconds and peak memory in MiB."""
    start = time.perf_counter()
    pid = os.posix_spawn(
        "/usr/bin/taskset",
        ["taskset", "-c", str(cpu), str(TAHOE), *arguments],
        environment,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"tahoe {' '.join(arguments)} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def measure() -> dict[str, float]:
    """Measures both sizes in a home of their own."""
    cpu = max(os.sched_getaffinity(0))
    with temporary_home() as home, tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["TAHOE_HOME"] = str(home)
        run_pinned(["scorecards", "list"], environment, cpu)
        walls, peaks = [], []
        for size in SIZES:
            path = Path(folder) / f"{size}.jsonl"
            write_interactions(path, size)
            wall, peak = run_pinned(["analyze", str(path), "-s", SCORECARD, "--json"], environment, cpu)
            walls.append(wall)
            peaks.append(peak)
    return {
        "wall_s_1000": walls[0],
        "per_second_with_start": SIZES[0] / walls[0],
        "per_second": (SIZES[1] - SIZES[0]) / (walls[1] - walls[0]),
        "peak_mib_1000": peaks[0],
        "peak_mib_4000": peaks[1],
    }


def main() -> None:
    """Prints the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    figures = measure()
    if parser.parse_args().json:
        print(json.dumps(figures))
        return
    print(f"| {TURNS}-turn interactions under {SCORECARD}, one core, Postgres on it too | measured | target |")
    print("|---|---|---|")
    print(f"| 1,000 stored and scored, start-up included, a second | {figures['per_second_with_start']:.0f} | |")
    print(f"| the same without start-up, a second | {figures['per_second']:.0f} | {TARGET_RATE} or more |")
    print(f"| peak memory, 1,000 interactions, MiB | {figures['peak_mib_1000']:.0f} | under {TARGET_MEMORY_MIB} |")
    print(f"| peak memory, 4,000 interactions, MiB | {figures['peak_mib_4000']:.0f} | flat |")


if __name__ == "__main__":
    main()

"""How long the command takes from the shell: `tahoe --help`, and `tahoe analyze` with Postgres already running.

.venv/bin/python benchmarks/startup.py [--runs 10] [--json]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tahoe_core.postgres.testing import temporary_home

ROOT = Path(__file__).resolve().parents[1]
TAHOE = Path(sys.executable).with_name("tahoe")
EXAMPLE = ROOT / "examples" / "interactions" / "support-return-good.json"
CASES = {
    "tahoe --help": (["--help"], 0.4),
    "tahoe analyze, Postgres running": (["analyze", str(EXAMPLE), "--scorecard", "support-quality", "--json"], 1.5),
}


def wall_seconds(arguments: list[str], environment: dict[str, str]) -> float:
    """Runs the command once and returns the seconds it took."""
    start = time.perf_counter()
    subprocess.run([TAHOE, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(runs: int) -> list[dict[str, float | str]]:
    """Runs every case in a home of its own; the first run, which starts Postgres, is not counted."""
    with temporary_home() as home:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["TAHOE_HOME"] = str(home)
        rows: list[dict[str, float | str]] = []
        for name, (arguments, target) in CASES.items():
            wall_seconds(arguments, environment)
            walls = [wall_seconds(arguments, environment) for _ in range(runs)]
            rows.append({"case": name, "median_s": statistics.median(walls), "max_s": max(walls), "target_s": target})
    return rows


def main() -> None:
    """Prints the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10, help="counted runs of each case (default 10)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    rows = measure(options.runs)
    if options.json:
        print(json.dumps(rows))
        return
    print(f"| wall seconds, {options.runs} runs | median | max | target |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row['case']} | {row['median_s']:.2f} | {row['max_s']:.2f} | {row['target_s']} |")


if __name__ == "__main__":
    main()

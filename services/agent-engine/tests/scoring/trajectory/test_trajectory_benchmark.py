"""The benchmark runs the product's checks over rows of judged steps."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[5]
BENCHMARK = ROOT / "benchmarks" / "trajectory.py"
REWARDS = ROOT.parent / "shared" / "data" / "taskmaster4_reward_dev.json"


def benchmark(data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARK), "--data", str(data), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def row(said: str, generation: dict[str, Any], reward: float) -> dict[str, Any]:
    context = [{"role": "agent", "text": "Welcome!"}, {"role": "user", "text": said}]
    return {"context": json.dumps(context), "generation": json.dumps(generation), "reward": reward}


def call(**arguments: str) -> dict[str, Any]:
    return {"role": "agent", "api": {"search": arguments}}


GOOD = row("flights to Boston", call(city="Boston"), 1.0)
BAD = row("flights to Boston", call(city="Denver"), 0.0)
SPOKEN = row("flights to Boston", {"role": "agent", "text": "Sure."}, 0.0)


def figures(tmp_path: Path, rows: object) -> dict[str, float]:
    data = tmp_path / "rows.json"
    data.write_text(json.dumps(rows))
    done = benchmark(data, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout)
    return found


def test_json_holds_the_figures_of_the_judged_calls(tmp_path: Path) -> None:
    perfect = {"f1": 1.0, "precision": 1.0, "recall": 1.0, "naive_f1": 1.0, "rows": 2}
    assert figures(tmp_path, [GOOD, BAD, SPOKEN]) == perfect


@pytest.mark.parametrize("rows", [[], [GOOD], [SPOKEN]])
def test_a_file_without_bad_calls_gives_zeros(tmp_path: Path, rows: list[object]) -> None:
    found = figures(tmp_path, rows)
    assert (found["f1"], found["precision"], found["recall"], found["naive_f1"]) == (0, 0, 0, 0)


def test_rows_of_another_format_are_reported_and_left_out(tmp_path: Path) -> None:
    data = tmp_path / "rows.json"
    data.write_text(json.dumps([GOOD, {"reward": 1}, "row", {**BAD, "context": "{"}, {**BAD, "reward": None}]))
    done = benchmark(data, "--json")
    assert json.loads(done.stdout)["rows"] == 1
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["row 1", "row 2", "row 3", "row 4"]


def test_a_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "rows.json"
    data.write_text("[{")
    done = benchmark(data)
    assert done.returncode == 1
    assert "cannot be read as JSON" in done.stderr


def test_the_table_says_what_each_rule_adds(tmp_path: Path) -> None:
    data = tmp_path / "rows.json"
    data.write_text(json.dumps([GOOD, BAD, SPOKEN]))
    printed = benchmark(data).stdout
    assert "2 calls, 1 of them judged bad; 1 other steps left out, 0 rows not readable." in printed
    assert "| grounded_arguments: text | 1.000 | 1.000 | 1.000 | 1 | 0 | +1.000 |" in printed
    assert "| tool_sequence: dropped | 0.000 |" in printed


@pytest.mark.skipif(not REWARDS.exists(), reason=f"{REWARDS} is not here")
def test_the_checks_beat_the_naive_one_on_taskmaster() -> None:
    found = json.loads(benchmark(REWARDS, "--json").stdout)
    assert found["f1"] >= 1.1 * found["naive_f1"]
    assert found["naive_f1"] == pytest.approx(0.42, abs=0.005)

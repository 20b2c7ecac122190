"""How well the checks of tool calls find the calls that people judged bad.

.venv/bin/python benchmarks/trajectory.py --data rewards.json [--json]

The file is a list of steps as Taskmaster-4 publishes them: `context` (the turns and API calls so far), `generation`
(the agent's next step) and `reward` (1 good, 0 bad). Steps that are no API call are left out. The checks are the
product's own, with their defaults; nothing here judges a call but the naive check that they are held against.
"""

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from tahoe_engine.models.check_specs import GroundedArgumentsCheck, ToolSequenceCheck
from tahoe_engine.models.interaction import Interaction, InteractionType, Role, ToolCall, Turn
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.scoring.checks.grounded_arguments import GroundedArgumentsRunner
from tahoe_engine.scoring.checks.tool_sequence import ToolSequenceRunner
from tahoe_engine.scoring.trajectory.flaws import GroundingRule, StepRule
from tahoe_engine.scoring.trajectory.moments import calls, moments

GROUNDING: tuple[str, ...] = get_args(GroundingRule)
DECLARED = ("unknown_tool", "missing")
STEPS: tuple[str, ...] = tuple(rule for rule in get_args(StepRule) if rule not in DECLARED)

FEWEST_CALLS = 200
"""Calls in all contexts from which the agent's tools are inferred at all: fewer would not show every tool."""
FEWEST_CALLS_OF_A_TOOL = 20
SHARE_OF_CALLS = 0.98
"""An argument that so many of a tool's calls have counts as one that the tool needs."""


@dataclass(frozen=True)
class Row:
    """One judged step.

    Attributes:
        interaction: The context and, as the last turn, the step.
        context: The context as it was written, in lower case.
    """

    interaction: Interaction
    context: str
    is_bad: bool


@dataclass(frozen=True)
class Data:
    """What a file holds: judged calls, judged steps that are no call, and what could not be read."""

    rows: list[Row]
    others: list[Row]
    problems: list[str]


class RowError(Exception):
    """A row is not of the format."""


# Reading


def read(path: Path) -> Data:
    """Reads a file; a row that is not of the format is reported and left out."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(entries, list):
        raise SystemExit(f"{path} holds no list of rows.")
    data = Data([], [], [])
    for number, entry in enumerate(entries):
        try:
            row = read_row(entry)
        except RowError as error:
            data.problems.append(f"row {number}: {error}")
            continue
        (data.rows if row.interaction.turns[-1].tool_calls else data.others).append(row)
    return data


def read_row(entry: object) -> Row:
    """Returns a row.

    Raises:
        RowError: It is not of the format.
    """
    if not isinstance(entry, dict):
        raise RowError("it is no object")
    context, generation = _parsed(entry, "context"), _parsed(entry, "generation")
    reward = entry.get("reward")
    if not isinstance(reward, int | float):
        raise RowError("its reward is no number")
    if not isinstance(context, list) or not isinstance(generation, dict):
        raise RowError("its context is no list or its generation is no object")
    turns = [turn for step in (*context, generation) for turn in turns_of(step)]
    written = entry["context"] if isinstance(entry["context"], str) else json.dumps(context)
    interaction = Interaction(type=InteractionType.TRAJECTORY, turns=tuple(turns))
    return Row(interaction, written.lower(), is_bad=reward < 0.5)


def turns_of(step: object) -> Iterator[Turn]:
    """Yields the turns of one step: a text, the calls of an `api`, or an answer for each name of a `response`."""
    match step:
        case {"text": str(text), "role": role}:
            yield _said(Role.CUSTOMER if role == "user" else Role.AGENT, text)
        case {"api": dict(called)} if called:
            yield _called(called)
        case {"response": dict(answers)}:
            for answer in answers.values():
                yield _said(Role.TOOL, json.dumps(answer, ensure_ascii=False))
        case _:
            raise RowError("a step has neither a text, an api nor a response")


def _said(role: Role, text: str) -> Turn:
    return Turn(role=role, speaker=role.value, text=text, spoken=len(text))


def _called(called: dict[str, Any]) -> Turn:
    text = ""
    made: list[ToolCall] = []
    for name, arguments in called.items():
        written = json.dumps(arguments, ensure_ascii=False)
        given = arguments if isinstance(arguments, dict) else None
        start = len(text) + len(name) + 1
        made.append(ToolCall(name=name, arguments=given, arguments_text=written, start=start))
        text += f"{name}({written})\n"
    return Turn(role=Role.AGENT, speaker="agent", text=text.rstrip("\n"), spoken=0, tool_calls=tuple(made))


def _parsed(entry: dict[str, Any], key: str) -> object:
    value = entry.get(key)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise RowError(f"its {key} is no JSON ({error})") from error


# Judging


def flawed_rules(data: Data) -> list[set[str]]:
    """Returns for each judged call the rules of the two checks that speak against its call."""
    kit = CheckKit()
    grounded = GroundedArgumentsRunner(GroundedArgumentsCheck(type="grounded_arguments"), kit)
    sequence = ToolSequenceRunner(
        ToolSequenceCheck(
            type="tool_sequence",
            no_repeats_in_a_row=True,
            confirm=True,
            complete=True,
            no_placeholders=True,
            declared=infer_tools([*data.rows, *data.others]),
        ),
        kit,
    )
    found: list[set[str]] = []
    for row in data.rows:
        last = len(row.interaction.turns) - 1
        found.append(
            {
                flaw.rule
                for moment in moments(row.interaction)
                if moment.index == last
                for flaw in (*grounded.judge(moment), *sequence.judge(moment))
            }
        )
    return found


def infer_tools(rows: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """Returns the agent's tools and what they need, from the calls that ran, since the file does not declare them.

    The judged steps themselves are not looked at. Of too few calls nothing is inferred.
    """
    count: Counter[str] = Counter()
    given: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        last = len(row.interaction.turns) - 1
        for place in calls(row.interaction):
            if place.index != last:
                count[place.call.name] += 1
                given[place.call.name].update(list(place.call.arguments or ()))
    if count.total() < FEWEST_CALLS:
        return {}
    return {
        name: tuple(
            argument
            for argument, times in given[name].items()
            if times_called >= FEWEST_CALLS_OF_A_TOOL and times >= SHARE_OF_CALLS * times_called
        )
        for name, times_called in count.items()
    }


def lacks_a_value(row: Row) -> bool:
    """The naive check: some value of the call does not stand in the context."""
    return any(value.lower() not in row.context for value in _values(row))


def lacks_a_word(row: Row) -> bool:
    """The naive check, value by value taken apart: some word of a value does not stand in the context."""
    return any(word not in row.context for value in _values(row) for word in re.findall(r"\w+", value.lower()))


def _values(row: Row) -> Iterator[str]:
    for call in row.interaction.turns[-1].tool_calls:
        yield from _leaves(json.loads(call.arguments_text))


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)


# Reporting


@dataclass(frozen=True)
class Score:
    """How well "judged bad" is found."""

    found: int
    false_alarms: int
    overlooked: int

    @classmethod
    def of(cls, flagged: Sequence[bool], rows: Sequence[Row]) -> "Score":
        """Compares what was flagged with what people judged."""
        pairs = Counter(zip(flagged, (row.is_bad for row in rows), strict=True))
        return cls(pairs[True, True], pairs[True, False], pairs[False, True])

    @property
    def precision(self) -> float:
        """Which share of the flagged calls is bad; 0 where none is flagged."""
        return self.found / max(1, self.found + self.false_alarms)

    @property
    def recall(self) -> float:
        """Which share of the bad calls is flagged; 0 where none is bad."""
        return self.found / max(1, self.found + self.overlooked)

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.found / max(1, 2 * self.found + self.false_alarms + self.overlooked)

    def __str__(self) -> str:
        figures = (f"{self.f1:.3f}", f"{self.precision:.3f}", f"{self.recall:.3f}", self.found, self.false_alarms)
        return " | ".join(map(str, figures))


def print_tables(data: Data, flagged: list[set[str]]) -> None:
    """Prints what each check and each rule adds."""
    rows = data.rows

    def score(rules: Collection[str]) -> Score:
        return Score.of([not found.isdisjoint(rules) for found in flagged], rows)

    everything = {*GROUNDING, *STEPS, *DECLARED}
    naive = Score.of(list(map(lacks_a_word, rows)), rows)
    print(f"{len(rows)} calls, {sum(row.is_bad for row in rows)} of them judged bad; ", end="")
    print(f"{len(data.others)} other steps left out, {len(data.problems)} rows not readable.\n")
    print("| | F1 | precision | recall | bad found | false alarms |\n|---|---|---|---|---|---|")
    print(f"| naive: a whole value is not in the context | {Score.of(list(map(lacks_a_value, rows)), rows)} |")
    print(f"| naive: a word of a value is not in the context | {naive} |")
    print(f"| grounded_arguments | {score(GROUNDING)} |")
    print(f"| tool_sequence | {score(STEPS)} |")
    print(f"| tool_sequence with the tools declared | {score({*STEPS, *DECLARED})} |")
    print(f"| both checks | {score({*GROUNDING, *STEPS})} |")
    print(f"| **both checks with the tools declared** | {score(everything)} |")
    if naive.f1:
        with_tools, without = score(everything).f1 / naive.f1, score({*GROUNDING, *STEPS}).f1 / naive.f1
        print(f"\n{with_tools:.2f} times the F1 of the naive check by words; {without:.2f} without declared tools.")
    print("\n| rule | F1 alone | precision | recall | bad found | false alarms | F1 lost without it |")
    print("|---|---|---|---|---|---|---|")
    for check, rules in (("grounded_arguments", GROUNDING), ("tool_sequence", (*STEPS, *DECLARED))):
        for rule in rules:
            lost = score(everything).f1 - score(everything - {rule}).f1
            print(f"| {check}: {rule} | {score({rule})} | {lost:+.3f} |")
    print("\nThe file declares no tools: they are inferred from the calls in the contexts, where there are enough.")


def main() -> None:
    """Prints the tables, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="JSON file with the judged steps")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    data = read(options.data)
    for problem in data.problems:
        print(problem, file=sys.stderr)
    flagged = flawed_rules(data)
    if not options.json:
        print_tables(data, flagged)
        return
    score = Score.of(list(map(bool, flagged)), data.rows)
    naive = Score.of(list(map(lacks_a_word, data.rows)), data.rows)
    figures = {"f1": score.f1, "precision": score.precision, "recall": score.recall, "naive_f1": naive.f1}
    print(json.dumps({**figures, "rows": len(data.rows)}))


if __name__ == "__main__":
    main()

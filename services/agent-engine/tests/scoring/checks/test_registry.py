import json
import subprocess
import sys
from typing import get_args

import pytest
from pydantic import TypeAdapter

from tahoe_engine.models.check_specs import CheckSpec, Matcher
from tahoe_engine.models.finding import Outcome
from tahoe_engine.models.interaction import Interaction, Role, Turn
from tahoe_engine.scoring.check import Check, CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.matchers import compile_matcher
from tahoe_engine.scoring.checks.registry import compile_check

PATTERN: dict[str, object] = {"type": "pattern", "patterns": ["x"]}
SPECS: list[dict[str, object]] = [
    PATTERN,
    {"type": "phrase", "examples": ["x"]},
    {"type": "absence", "of": PATTERN},
    {"type": "order", "before": PATTERN, "after": PATTERN},
    {"type": "timing", "response_time": {"max_seconds": 60}},
    {"type": "ratio", "measure": "questions", "min": 1},
    {"type": "grounded_arguments"},
    {"type": "tool_sequence", "no_repeats": True},
    {"type": "json_schema", "target": "message", "schema": True},
    {"type": "personal_data"},
    {"type": "judge", "question": "Is it?"},
]
MATCHERS: list[dict[str, object]] = [*SPECS[:2], SPECS[9], {"type": "tool", "tools": ["*"]}]
CHAT = Interaction(turns=(Turn(role=Role.AGENT, speaker="a", text="Hi", spoken=2),))


def test_the_list_here_is_complete() -> None:
    assert len(SPECS) == len(get_args(get_args(CheckSpec)[0]))
    assert len(MATCHERS) == len(get_args(get_args(Matcher)[0]))


def outcome(check: Check) -> Outcome:
    try:
        return check.run(CHAT).outcome
    except CheckNotRunError:
        return Outcome.NOT_RUN


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec["type"])
def test_every_check_can_be_compiled_and_answers(spec: dict[str, object]) -> None:
    check = compile_check(TypeAdapter[CheckSpec](CheckSpec).validate_python(spec), CheckKit())
    needs_a_model = spec["type"] in {"phrase", "judge"}
    assert (outcome(check) is Outcome.NOT_RUN) is needs_a_model


@pytest.mark.parametrize("spec", MATCHERS, ids=lambda spec: spec["type"])
def test_every_matcher_can_be_looked_for(spec: dict[str, object]) -> None:
    matcher = compile_matcher(TypeAdapter[Matcher](Matcher).validate_python(spec), CheckKit())
    if spec["type"] == "phrase":
        with pytest.raises(CheckNotRunError):
            matcher.find(CHAT)
    else:
        assert matcher.find(CHAT) == []


def test_a_judge_is_not_run_without_a_model() -> None:
    check = compile_check(TypeAdapter[CheckSpec](CheckSpec).validate_python(SPECS[-1]), CheckKit())
    with pytest.raises(CheckNotRunError, match="no model is configured"):
        check.run(CHAT)


def test_heavy_libraries_wait_until_a_scorecard_asks_for_them() -> None:
    program = (
        "import json, sys\n"
        "import tahoe_engine.scoring.scorer, tahoe_engine.scoring.definition, tahoe_engine.scoring.binding\n"
        "heavy = ('numpy', 'tokenizers', 'phonenumbers', 'stdnum', 'jsonschema', 'sqlalchemy', 'fastapi')\n"
        "print(json.dumps([name for name in heavy if name in sys.modules]))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == []

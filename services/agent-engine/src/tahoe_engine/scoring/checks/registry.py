"""From what a scorecard says to something that runs."""

from typing import assert_never

from tahoe_engine.models.check_specs import (
    AbsenceCheck,
    CheckSpec,
    GroundedArgumentsCheck,
    JsonSchemaCheck,
    JudgeCheck,
    OrderCheck,
    PatternCheck,
    PersonalDataCheck,
    PhraseCheck,
    RatioCheck,
    TimingCheck,
    ToolSequenceCheck,
)
from tahoe_engine.scoring.check import Check, CheckKit
from tahoe_engine.scoring.checks.absence import AbsenceRunner
from tahoe_engine.scoring.checks.grounded_arguments import GroundedArgumentsRunner
from tahoe_engine.scoring.checks.judge import JudgeRunner
from tahoe_engine.scoring.checks.matchers import compile_matcher
from tahoe_engine.scoring.checks.order import OrderRunner
from tahoe_engine.scoring.checks.ratio import RatioRunner
from tahoe_engine.scoring.checks.timing import TimingRunner
from tahoe_engine.scoring.checks.tool_sequence import ToolSequenceRunner


def compile_check(spec: CheckSpec, kit: CheckKit) -> Check:  # noqa: PLR0911 - one return a type of check
    """Returns what runs a check."""
    match spec:
        case PatternCheck() | PhraseCheck() | PersonalDataCheck():
            return compile_matcher(spec, kit)
        case AbsenceCheck():
            return AbsenceRunner(spec, kit)
        case OrderCheck():
            return OrderRunner(spec, kit)
        case TimingCheck():
            return TimingRunner(spec, kit)
        case RatioCheck():
            return RatioRunner(spec, kit)
        case GroundedArgumentsCheck():
            return GroundedArgumentsRunner(spec, kit)
        case ToolSequenceCheck():
            return ToolSequenceRunner(spec, kit)
        case JsonSchemaCheck():
            # jsonschema takes a good part of the start-up time, and few scorecards ask for it.
            from tahoe_engine.scoring.checks.json_schema import JsonSchemaRunner  # noqa: PLC0415 - see above

            return JsonSchemaRunner(spec, kit)
        case JudgeCheck():
            return JudgeRunner(spec, kit)
        case _:
            assert_never(spec)

"""From what a matcher says to something that looks for it."""

from typing import Protocol, assert_never

from tahoe_engine.models.check_specs import Matcher, PatternCheck, PersonalDataCheck, PhraseCheck, ToolUse
from tahoe_engine.scoring.check import Check, CheckKit, Finder
from tahoe_engine.scoring.checks.pattern import PatternRunner
from tahoe_engine.scoring.checks.tool_use import ToolUseRunner

# What needs a heavy library (numpy, phonenumbers) is imported when a scorecard first asks for it: `tahoe analyze`
# of a scorecard without such checks has to answer in about a second.


class CompiledMatcher(Check, Finder, Protocol):
    """A matcher can be looked for, and judged by itself."""


def compile_matcher(matcher: Matcher, kit: CheckKit) -> CompiledMatcher:
    """Returns what looks for it."""
    match matcher:
        case PatternCheck():
            return PatternRunner(matcher, kit)
        case ToolUse():
            return ToolUseRunner(matcher, kit)
        case PhraseCheck():
            from tahoe_engine.scoring.checks.phrase import PhraseCheckRunner  # noqa: PLC0415 - see above

            return PhraseCheckRunner(matcher, kit)
        case PersonalDataCheck():
            from tahoe_engine.scoring.checks.personal_data import PersonalDataRunner  # noqa: PLC0415 - see above

            return PersonalDataRunner(matcher, kit)
        case _:
            assert_never(matcher)

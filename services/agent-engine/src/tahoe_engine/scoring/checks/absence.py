from tahoe_engine.models.check_specs import AbsenceCheck, PersonalDataCheck
from tahoe_engine.models.finding import CheckResult, Outcome
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.scoring.checks.matchers import compile_matcher

_OPPOSITE = {Outcome.MET: Outcome.NOT_MET, Outcome.NOT_MET: Outcome.MET}


class AbsenceRunner:
    """Turns round what a matcher says: as sure, with the same evidence.

    A speaker who says nothing at all has not refrained from anything, so the check does not apply then.
    """

    def __init__(self, spec: AbsenceCheck, kit: CheckKit) -> None:
        self._matcher = compile_matcher(spec.of, kit)
        self._is_absence_already = isinstance(spec.of, PersonalDataCheck)

    def run(self, interaction: Interaction) -> CheckResult:
        """Met when the thing is nowhere found."""
        found = self._matcher.run(interaction)
        if self._is_absence_already:
            return found
        return found.model_copy(update={"outcome": _OPPOSITE.get(found.outcome, found.outcome)})

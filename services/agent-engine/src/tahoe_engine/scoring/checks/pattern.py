from tahoe_engine.models.check_specs import PatternCheck
from tahoe_engine.models.finding import CheckResult, Evidence, Outcome
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.scoring.evidence import capped, evidence_of, first_evidence
from tahoe_engine.scoring.patterns import Matches, PatternSearch
from tahoe_engine.scoring.turns import select_turns
from tahoe_engine.scoring.wording import missing, names, quoted, says_nothing, times


class PatternRunner:
    """Looks for regular expressions in what was said.

    A pattern stands there or it does not, so the confidence is always 1.
    """

    def __init__(self, spec: PatternCheck, kit: CheckKit) -> None:
        self._spec = spec
        self._search = PatternSearch(spec.patterns, ignore_case=spec.ignore_case, timeout=kit.pattern_timeout)

    def run(self, interaction: Interaction) -> CheckResult:
        """Met when enough turns match."""
        spec = self._spec
        turns = select_turns(interaction, spec.speaker, spec.window)
        if not turns:
            return CheckResult(outcome=Outcome.NOT_APPLICABLE, explanation=says_nothing(spec.speaker))
        matches = self._search.search(turns)
        if not matches.spans:
            return CheckResult(outcome=Outcome.NOT_MET, confidence=1.0, explanation=missing(spec))
        evidence = first_evidence(matches.spans)
        return CheckResult(
            outcome=Outcome.MET if matches.turns >= spec.min_matches else Outcome.NOT_MET,
            confidence=1.0,
            evidence=evidence,
            explanation=capped(self._found(matches, evidence[0]), len(matches.spans)),
        )

    def find(self, interaction: Interaction) -> list[Evidence]:
        """Returns where it stands; nowhere when fewer turns match than are asked for."""
        matches = self._search.search(select_turns(interaction, self._spec.speaker, self._spec.window))
        return [evidence_of(span) for span in matches.spans] if matches.turns >= self._spec.min_matches else []

    def _found(self, matches: Matches, first: Evidence) -> str:
        speaker = self._spec.speaker
        by = f" by {names((speaker,) if isinstance(speaker, str) else speaker)}" if speaker else ""
        said = f"{quoted(first.quote)} is said{by} in turn {first.turn}"
        if matches.turns < self._spec.min_matches:
            return f"{said}, but in {times(matches.turns, 'turn')} only where {self._spec.min_matches} are asked for."
        return f"{said} and in {times(matches.turns - 1, 'more turn')}." if matches.turns > 1 else f"{said}."

from collections import Counter
from collections.abc import Sequence

from tahoe_engine.models.check_specs import PersonalDataCheck, PersonalDataKind
from tahoe_engine.models.finding import CheckResult, Evidence, Outcome
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.evidence import Span, capped, evidence_of, first_evidence
from tahoe_engine.scoring.personal.phones import unknown_regions
from tahoe_engine.scoring.personal_spans import find_personal_data
from tahoe_engine.scoring.turns import NumberedTurn, select_turns
from tahoe_engine.scoring.wording import missing, says_nothing, times

_NAMES: dict[PersonalDataKind, tuple[str, str]] = {
    "card": ("card number", "card numbers"),
    "email": ("e-mail address", "e-mail addresses"),
    "phone": ("phone number", "phone numbers"),
    "national_id": ("national id", "national ids"),
    "iban": ("bank account number", "bank account numbers"),
}

_SURE: dict[PersonalDataKind, float] = {"email": 0.99, "iban": 0.99, "card": 0.97, "national_id": 0.9, "phone": 0.9}
"""How seldom each kind is mistaken: check digits make the difference."""

_SURE_OF_NOTHING = 0.9
"""Numbers in words, in pieces or of other countries are overlooked."""


class PersonalDataRunner:
    """Looks for personal data in what was said.

    The confidence is that of the surest kind that was found; 0.9 where nothing was.
    """

    def __init__(self, spec: PersonalDataCheck, kit: CheckKit) -> None:  # noqa: ARG002 - every compiled check is built alike
        self._spec = spec
        self._regions = tuple(region.upper() for region in spec.regions)

    def run(self, interaction: Interaction) -> CheckResult:
        """Met when there is none; what there is, the explanation counts but never repeats."""
        turns = select_turns(interaction, self._spec.speaker, self._spec.window)
        if not turns:
            return CheckResult(outcome=Outcome.NOT_APPLICABLE, explanation=says_nothing(self._spec.speaker))
        found = self._found(interaction, turns)
        if not found:
            return CheckResult(outcome=Outcome.MET, confidence=_SURE_OF_NOTHING, explanation=missing(self._spec))
        return CheckResult(
            outcome=Outcome.NOT_MET,
            confidence=max(_SURE[kind] for kind, _ in found),
            evidence=first_evidence(span for _, span in found),
            explanation=capped(_counted(found), len(found)),
        )

    def find(self, interaction: Interaction) -> list[Evidence]:
        """Returns each piece of personal data."""
        turns = select_turns(interaction, self._spec.speaker, self._spec.window)
        return [evidence_of(span) for _, span in self._found(interaction, turns)]

    def _found(self, interaction: Interaction, turns: Sequence[NumberedTurn]) -> list[tuple[PersonalDataKind, Span]]:
        if "phone" in self._spec.kinds and (unknown := unknown_regions(self._regions)):
            raise CheckNotRunError(
                f"{', '.join(unknown)} is no country whose phone numbers are known; write regions as ISO 3166 does, "
                "for instance US."
            )
        found = []
        for index, turn in turns:
            before = interaction.turns[index - 1].spoken_text if index else ""
            for span in find_personal_data(turn.spoken_text, self._spec.kinds, self._regions, before=before):
                found.append((span.kind, (index, turn, span.start, span.end)))  # noqa: PERF401 - two loops read better
        return found


def _counted(found: Sequence[tuple[PersonalDataKind, Span]]) -> str:
    """Says what was found and how often: `Personal data is said: 2 card numbers and 1 phone number, in 2 turns.`."""
    kinds = Counter(kind for kind, _ in found)
    things = [f"{count} {_NAMES[kind][count > 1]}" for kind, count in kinds.most_common()]
    listed = f"{', '.join(things[:-1])} and {things[-1]}" if len(things) > 1 else things[0]
    return f"Personal data is said: {listed}, in {times(len({span[0] for _, span in found}), 'turn')}."

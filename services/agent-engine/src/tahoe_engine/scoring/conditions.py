"""Whether a requirement applies to an interaction.

A condition holds, does not hold, or cannot be told; what cannot be told makes the requirement `not_run`, so that a gap
is never taken for an answer:

- `requirement`: the other requirement came out so. One that does not apply came out neither way, so the condition does
  not hold; one that was not run leaves it open.
- `found`: open when it could not be looked for.
- `types`, `languages`, `metadata`: all that are given must fit. Languages are open when the interaction names none.
- `all` does not hold as soon as one part does not, `any` holds as soon as one does, whatever is open beside it; `not`
  turns round what is known.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from tahoe_engine.models.conditions import (
    AllOf,
    AnyOf,
    Condition,
    FoundCondition,
    InteractionCondition,
    NotThis,
    RequirementCondition,
)
from tahoe_engine.models.finding import Outcome
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.matchers import compile_matcher
from tahoe_engine.scoring.wording import missing, place, quoted

type Outcomes = Mapping[str, Outcome]
"""How the requirements that come earlier came out, by id."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a condition.

    Attributes:
        holds: None when it cannot be told.
        reason: What was seen, as a clause that can follow `since`.
    """

    holds: bool | None
    reason: str


type CompiledCondition = Callable[[Interaction, Outcomes], Answer]


def compile_condition(condition: Condition, kit: CheckKit) -> CompiledCondition:
    """Returns what decides a condition."""
    match condition:
        case RequirementCondition():
            return lambda _, outcomes: _requirement(condition, outcomes[condition.requirement])
        case InteractionCondition():
            return lambda interaction, _: _interaction(condition, interaction)
        case FoundCondition():
            return _compile_found(condition, kit)
        case NotThis(not_=part):
            inner = compile_condition(part, kit)
            return lambda interaction, outcomes: _opposite(inner(interaction, outcomes))
        case AllOf(all=parts):
            needed = [compile_condition(part, kit) for part in parts]
            return lambda interaction, outcomes: _combined(False, (part(interaction, outcomes) for part in needed))
        case AnyOf(any=parts):
            choices = [compile_condition(part, kit) for part in parts]
            return lambda interaction, outcomes: _combined(True, (part(interaction, outcomes) for part in choices))


def _combined(decisive: bool, answers: Iterable[Answer]) -> Answer:
    """Stops at the first answer that decides; without one, an open part leaves the whole open."""
    seen = []
    for answer in answers:
        if answer.holds is decisive:
            return answer
        seen.append(answer)
    undecided = [answer.reason for answer in seen if answer.holds is None]
    if undecided:
        return Answer(None, " and ".join(undecided))
    return Answer(not decisive, " and ".join(answer.reason for answer in seen))


def _opposite(answer: Answer) -> Answer:
    return answer if answer.holds is None else Answer(not answer.holds, answer.reason)


_CAME_OUT = {Outcome.MET: "is met", Outcome.NOT_MET: "is not met", Outcome.NOT_APPLICABLE: "does not apply"}


def _requirement(condition: RequirementCondition, outcome: Outcome) -> Answer:
    name = quoted(condition.requirement)
    if outcome is Outcome.NOT_RUN:
        return Answer(None, f"it depends on {name}, which was not run")
    return Answer(outcome is condition.outcome, f"{name} {_CAME_OUT[outcome]}")


def _compile_found(condition: FoundCondition, kit: CheckKit) -> CompiledCondition:
    matcher = compile_matcher(condition.found, kit)

    def decide(interaction: Interaction, _: Outcomes) -> Answer:
        try:
            evidence = matcher.find(interaction)
        except CheckNotRunError as error:
            return Answer(None, f"its condition could not be looked for: {str(error).removesuffix('.')}")
        if not evidence:
            absent = missing(condition.found).removesuffix(".")
            return Answer(False, absent[0].lower() + absent[1:])
        return Answer(True, f"there is {place(condition.found, evidence[0])}")

    return decide


def _interaction(condition: InteractionCondition, interaction: Interaction) -> Answer:
    if condition.types and interaction.type not in condition.types:
        return Answer(False, f"the interaction is of type {interaction.type.value}")
    for key, wanted in condition.metadata.items():
        if key not in interaction.metadata or not _same(interaction.metadata[key], wanted):
            return Answer(False, f"the metadata {quoted(key)} has another value or none")
    if condition.languages:
        if interaction.language is None:
            return Answer(None, "it depends on the language, which the interaction does not name")
        if not any(_covers(wanted, interaction.language) for wanted in condition.languages):
            return Answer(False, f"the language is {quoted(interaction.language)}")
    return Answer(True, "the interaction is of that kind")


def _covers(wanted: str, language: str) -> bool:
    """Whether a BCP 47 tag is the wanted one or a narrower one: `en` covers `en-GB`."""
    wanted, language = (tag.replace("_", "-").lower() for tag in (wanted, language))
    return language == wanted or language.startswith(f"{wanted}-")


def _same(value: JsonValue, wanted: JsonValue) -> bool:
    """Compares as JSON does: true is not 1."""
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)

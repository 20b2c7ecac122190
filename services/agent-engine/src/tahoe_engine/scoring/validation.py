"""What must hold in a scorecard beyond its format."""

from collections.abc import Iterator
from itertools import chain, islice

from tahoe_core.near_names import did_you_mean
from tahoe_engine.models.catalog import AgentTemplateInput
from tahoe_engine.models.conditions import FoundCondition
from tahoe_engine.models.scorecard import CheckReference, ScorecardDefinition
from tahoe_engine.scoring.check_rules import Complaint, complaints
from tahoe_engine.scoring.dependencies import depends_on, find_cycles, leaves
from tahoe_engine.scoring.outline import Outline, outline_of
from tahoe_engine.scoring.problems import Lines, Location, Problem, ScorecardError, line_of, listed

MAX_PROBLEMS = 100


def validate_definition(definition: ScorecardDefinition, source: str = "scorecard", lines: Lines | None = None) -> None:
    """Holds a scorecard against every rule that its format cannot express.

    References to checks of agent templates are taken as they are; `binding` follows them.

    Raises:
        ScorecardError: Something is wrong; it lists everything.
    """
    problems = rule_problems(outline_of(definition), source, lines)
    if problems:
        raise ScorecardError(problems)


def validate_template(template: AgentTemplateInput) -> None:
    """Holds the checks of an agent template against the same rules.

    Raises:
        ScorecardError: Something is wrong; it lists everything.
    """
    problems = [
        Problem(template.name, location, message)
        for location, message in islice(_template_checks(template), MAX_PROBLEMS)
    ]
    if problems:
        raise ScorecardError(problems)


def _template_checks(template: AgentTemplateInput) -> Iterator[Complaint]:
    names: set[str] = set()
    for place, check in enumerate(template.checks):
        if check.id in names:
            yield ("checks", place, "id"), f"`{check.id}` is the id of another check already."
        names.add(check.id)
        for inner, message in complaints(check.spec):
            yield ("checks", place, "spec", *inner), message


def rule_problems(outline: Outline, source: str, lines: Lines | None) -> list[Problem]:
    """Says what is wrong with as much of a scorecard as could be read: the first `MAX_PROBLEMS`."""
    found = chain(_ids(outline), _categories(outline), _conditions(outline), _agents(outline), _checks(outline))
    # Each may cost a search for near names or the compilation of a pattern, so a senseless file must not have many.
    return [Problem(source, place, message, line_of(lines, place)) for place, message in islice(found, MAX_PROBLEMS)]


def _ids(outline: Outline) -> Iterator[Complaint]:
    first: dict[str, int] = {}
    for place, requirement in enumerate(outline.requirements):
        name = requirement.id
        if name in first:
            yield ("requirements", place, "id"), f"`{name}` is the id of requirements[{first[name]}] already."
        elif name is not None:
            first[name] = place


def _categories(outline: Outline) -> Iterator[Complaint]:
    named = [requirement.category for requirement in outline.requirements]
    if not outline.categories or not named:
        return  # the format asks for both, and has said so
    for place, name in enumerate(named):
        if name is not None and name not in outline.categories:
            known = f"{did_you_mean(name, outline.categories, around='`')} Known are {listed(outline.categories)}."
            yield ("requirements", place, "category"), f"`{name}` is no category of this scorecard.{known}"
    for name in outline.categories:
        if name not in named and None not in named:
            yield ("categories", name), "has no requirement: leave it out, or name it as the category of one."


def _conditions(outline: Outline) -> Iterator[Complaint]:
    places: dict[str, int] = {}
    for place, requirement in enumerate(outline.requirements):
        if requirement.id is not None:
            places.setdefault(requirement.id, place)
    for place, requirement in enumerate(outline.requirements):
        for location, leaf in leaves(requirement.applies_when, ("requirements", place, "applies_when")):
            if not isinstance(leaf, FoundCondition) and leaf.requirement not in places:
                suggestion = did_you_mean(leaf.requirement, places, around="`")
                message = f"`{leaf.requirement}` is no requirement of this scorecard.{suggestion}"
                yield (*location, "requirement"), message
    dependencies = {
        name: [needed for needed in depends_on(outline.requirements[place].applies_when) if needed in places]
        for name, place in places.items()
    }
    for cycle in find_cycles(dependencies):
        yield (
            ("requirements", places[cycle[0]], "applies_when"),
            f"goes round in a circle: {' → '.join(cycle)}. One of them has to apply without asking the others.",
        )


def _agents(outline: Outline) -> Iterator[Complaint]:
    known: dict[str, None] = {}
    for requirement in outline.requirements:
        for check in requirement.checks:
            if check is None:
                return  # it might be the one that gives an agent its work
            inline = f"{outline.name}.{requirement.category}"
            known[check.agent if isinstance(check, CheckReference) else inline] = None
    for name in outline.agents:
        if name not in known:
            others = f"{did_you_mean(name, known, around='`')} Those that do are {listed(list(known))}."
            yield ("agents", name), f"`{name}` runs no check of this scorecard.{others}"


def _checks(outline: Outline) -> Iterator[Complaint]:
    for place, requirement in enumerate(outline.requirements):
        here: Location = ("requirements", place)
        for index, check in enumerate(requirement.checks):
            if check is not None and not isinstance(check, CheckReference):
                for inner, message in complaints(check):
                    yield (*here, "checks", index, *inner), message
        for location, leaf in leaves(requirement.applies_when, (*here, "applies_when")):
            if isinstance(leaf, FoundCondition):
                for inner, message in complaints(leaf.found):
                    yield (*location, "found", *inner), message

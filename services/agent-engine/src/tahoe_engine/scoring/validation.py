"""What must hold in a scorecard beyond its format."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from tahoe_engine.models.conditions import FoundCondition
from tahoe_engine.models.scorecard import CheckReference, Requirement, ScorecardDefinition
from tahoe_engine.scoring.check_rules import Complaint, complaints
from tahoe_engine.scoring.dependencies import depends_on, find_cycles, leaves
from tahoe_engine.scoring.problems import Lines, Location, Problem, ScorecardError, line_of, listed, near


@dataclass(frozen=True)
class Outline:
    """As much of a scorecard as could be read, so that one wrong key does not hide a wrong pattern elsewhere.

    Attributes:
        requirements: Those that fit the format, by their place in the file; None at the places of the others.
        ids: Id of each requirement, by its place; None where it has none.
        named: Category that each requirement names, by its place.
    """

    name: str
    categories: tuple[str, ...]
    agents: tuple[str, ...]
    requirements: tuple[Requirement | None, ...]
    ids: tuple[str | None, ...]
    named: tuple[str | None, ...]


def validate_definition(definition: ScorecardDefinition, source: str = "scorecard", lines: Lines | None = None) -> None:
    """Holds a scorecard against every rule that its format cannot express.

    References to checks of agent templates are taken as they are; `binding` follows them.

    Raises:
        ScorecardError: Something is wrong; it lists everything.
    """
    problems = rule_problems(outline_of(definition), source, lines)
    if problems:
        raise ScorecardError(problems)


def rule_problems(outline: Outline, source: str, lines: Lines | None) -> list[Problem]:
    """Says what is wrong with as much as could be read."""
    found = [*_ids(outline), *_categories(outline), *_conditions(outline), *_agents(outline), *_checks(outline)]
    return [Problem(source, location, message, line_of(lines, location)) for location, message in found]


def outline_of(definition: ScorecardDefinition) -> Outline:
    """Returns the outline of a scorecard that fits the format."""
    return Outline(
        name=definition.name,
        categories=tuple(definition.categories),
        agents=tuple(definition.agents),
        requirements=definition.requirements,
        ids=tuple(requirement.id for requirement in definition.requirements),
        named=tuple(requirement.category for requirement in definition.requirements),
    )


def outline_of_data(data: object) -> Outline:
    """Returns the outline of something that does not fit the format."""
    entries = data if isinstance(data, Mapping) else {}
    raw = entries.get("requirements")
    raw = [entry if isinstance(entry, Mapping) else {} for entry in raw] if isinstance(raw, list) else []
    return Outline(
        name=str(entries.get("name")),
        categories=_keys(entries.get("categories")),
        agents=_keys(entries.get("agents")),
        requirements=tuple(_requirement(entry) for entry in raw),
        ids=tuple(_text(entry.get("id")) for entry in raw),
        named=tuple(_text(entry.get("category")) for entry in raw),
    )


def _keys(value: object) -> tuple[str, ...]:
    return tuple(str(key) for key in value) if isinstance(value, Mapping) else ()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _requirement(entry: Mapping[str, object]) -> Requirement | None:
    try:
        return Requirement.model_validate(entry)
    except ValidationError:
        return None


def _ids(outline: Outline) -> Iterator[Complaint]:
    first: dict[str, int] = {}
    for place, name in enumerate(outline.ids):
        if name is None:
            continue
        if name in first:
            yield ("requirements", place, "id"), f"`{name}` is the id of requirements[{first[name]}] already."
        first.setdefault(name, place)


def _categories(outline: Outline) -> Iterator[Complaint]:
    if not outline.categories or not outline.named:
        return
    for place, name in enumerate(outline.named):
        if name is not None and name not in outline.categories:
            known = f"{near(name, outline.categories)} Known are {listed(outline.categories)}."
            yield ("requirements", place, "category"), f"`{name}` is no category of this scorecard.{known}"
    for name in outline.categories:
        if name not in outline.named and None not in outline.named:
            yield ("categories", name), "has no requirement: leave it out, or name it as the category of one."


def _conditions(outline: Outline) -> Iterator[Complaint]:
    places = {name: place for place, name in enumerate(outline.ids) if name is not None}
    dependencies: dict[str, list[str]] = {}
    for place, requirement in _readable(outline):
        here: Location = ("requirements", place, "applies_when")
        for location, leaf in leaves(requirement.applies_when, here):
            if isinstance(leaf, FoundCondition):
                continue
            if leaf.requirement not in places:
                message = f"`{leaf.requirement}` is no requirement of this scorecard.{near(leaf.requirement, places)}"
                yield (*location, "requirement"), message
        needed = depends_on(requirement.applies_when)
        dependencies.setdefault(requirement.id, [name for name in needed if name in places])
    for cycle in find_cycles(dependencies):
        yield (
            ("requirements", places[cycle[0]], "applies_when"),
            f"goes round in a circle: {' → '.join(cycle)}. One of them has to apply without asking the others.",
        )


def _agents(outline: Outline) -> Iterator[Complaint]:
    if not all(outline.requirements):
        return
    known: dict[str, None] = {}
    for _, requirement in _readable(outline):
        for check in requirement.checks:
            inline = f"{outline.name}.{requirement.category}"
            known[check.agent if isinstance(check, CheckReference) else inline] = None
    for name in outline.agents:
        if name not in known:
            others = f"{near(name, known)} Those that do are {listed(list(known))}."
            yield ("agents", name), f"`{name}` runs no check of this scorecard.{others}"


def _checks(outline: Outline) -> Iterator[Complaint]:
    for place, requirement in _readable(outline):
        here: Location = ("requirements", place)
        for index, check in enumerate(requirement.checks):
            if not isinstance(check, CheckReference):
                for inner, message in complaints(check):
                    yield (*here, "checks", index, *inner), message
        for location, leaf in leaves(requirement.applies_when, (*here, "applies_when")):
            if isinstance(leaf, FoundCondition):
                for inner, message in complaints(leaf.found):
                    yield (*location, "found", *inner), message


def _readable(outline: Outline) -> Iterator[tuple[int, Requirement]]:
    for place, requirement in enumerate(outline.requirements):
        if requirement is not None:
            yield place, requirement

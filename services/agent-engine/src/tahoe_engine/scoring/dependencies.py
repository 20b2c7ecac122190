"""Which requirement waits for which, through `applies_when`."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from tahoe_engine.models.conditions import AllOf, AnyOf, Condition, FoundCondition, NotThis, RequirementCondition
from tahoe_engine.models.scorecard import BoundRequirement
from tahoe_engine.scoring.problems import Location

type Leaf = RequirementCondition | FoundCondition


def leaves(condition: Condition | None, location: Location = ()) -> Iterator[tuple[Location, Leaf]]:
    """Walks through a condition to the parts that name a requirement or something to look for."""
    match condition:
        case RequirementCondition() | FoundCondition():
            yield location, condition
        case AllOf(all=parts):
            yield from _each(parts, (*location, "all"))
        case AnyOf(any=parts):
            yield from _each(parts, (*location, "any"))
        case NotThis(not_=part):
            yield from leaves(part, (*location, "not"))


def _each(parts: Sequence[Condition], location: Location) -> Iterator[tuple[Location, Leaf]]:
    for index, part in enumerate(parts):
        yield from leaves(part, (*location, index))


def depends_on(condition: Condition | None) -> list[str]:
    """Returns the ids of the requirements that a condition asks about."""
    return [leaf.requirement for _, leaf in leaves(condition) if isinstance(leaf, RequirementCondition)]


def find_cycles(dependencies: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Returns circles such as `["a", "b", "a"]`, each beginning with the requirement that stands first in the file."""
    graph = {requirement: set(needed) for requirement, needed in dependencies.items()}
    places = {requirement: place for place, requirement in enumerate(graph)}
    cycles = []
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            ring = error.args[1][:0:-1]  # graphlib names a dependency before what needs it, and the first twice
            start = min(range(len(ring)), key=lambda index: places[ring[index]])
            cycle = [*ring[start:], *ring[:start], ring[start]]
            cycles.append(cycle)
            graph[cycle[0]].discard(cycle[1])  # cut, and look for another
        else:
            return cycles


def in_order(requirements: Sequence[BoundRequirement]) -> list[BoundRequirement]:
    """Sorts requirements so that each comes after those it depends on, otherwise as they stand.

    Raises:
        CycleError: They wait for each other; `validation` refuses such a scorecard with a message.
    """
    by_id = {requirement.id: requirement for requirement in requirements}
    graph = {requirement.id: depends_on(requirement.applies_when) for requirement in requirements}
    return [by_id[name] for name in TopologicalSorter(graph).static_order() if name in by_id]

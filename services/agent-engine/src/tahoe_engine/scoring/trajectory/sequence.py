"""Whether the calls of an interaction keep to an order of tools."""

from collections.abc import Iterator, Mapping, Sequence

from tahoe_engine.scoring.tool_names import fits
from tahoe_engine.scoring.trajectory.flaws import Flaw, OrderRule
from tahoe_engine.scoring.trajectory.history import signature
from tahoe_engine.scoring.trajectory.moments import CallPlace

type PlacedFlaw = tuple[CallPlace | None, Flaw]
"""A flaw with the call that it is about, where there is one."""


def out_of_order(calls: Sequence[CallPlace], required: Sequence[str], request: int | None) -> Iterator[PlacedFlaw]:
    """Yields the tools that are not called, or not after the one that they must follow.

    Args:
        calls: All calls of the interaction.
        required: The tools, in their order.
        request: Index of the customer's turn that shows what was asked of the agent.
    """
    done = 0
    for place in calls:
        if done < len(required) and fits(required[done], place.call.name):
            done += 1
    for position in range(done, len(required)):
        tool = required[position]
        early = next((place for place in calls if fits(tool, place.call.name)), None)
        if early is None:
            yield None, Flaw("required", f"The agent never calls {tool}.", heard=request, certain=True)
        elif position == done:
            explanation = f"The agent calls {tool} in turn {early.index}, but not after {required[position - 1]}."
            yield early, Flaw("required", explanation, certain=True)


def forbidden(calls: Sequence[CallPlace], tools: Sequence[str]) -> Iterator[PlacedFlaw]:
    """Yields the calls of tools that must not be called."""
    for place in calls:
        if any(fits(tool, place.call.name) for tool in tools):
            yield place, _flaw("forbidden", place, "although it must not be called")


def before_what_they_need(calls: Sequence[CallPlace], needs: Mapping[str, Sequence[str]]) -> Iterator[PlacedFlaw]:
    """Yields the calls that come before a call that they need."""
    outstanding = {tool for tools in needs.values() for tool in tools}
    for place in calls:
        for tool, needed in needs.items():
            missing = [other for other in needed if other in outstanding]
            if missing and fits(tool, place.call.name):
                yield place, _flaw("needs", place, f"before {' and '.join(missing)} is called")
        outstanding -= {tool for tool in outstanding if fits(tool, place.call.name)}


def repeated(calls: Sequence[CallPlace]) -> Iterator[PlacedFlaw]:
    """Yields the calls that were made before with the same arguments."""
    first: dict[str, CallPlace] = {}
    for place in calls:
        earlier = first.setdefault(signature(place.call), place)
        if earlier is not place:
            yield place, _flaw("no_repeats", place, f"with the same arguments as in turn {earlier.index}")


def _flaw(rule: OrderRule, place: CallPlace, objection: str) -> Flaw:
    explanation = f"The agent calls {place.call.name} in turn {place.index} {objection}."
    return Flaw(rule, explanation, certain=True)

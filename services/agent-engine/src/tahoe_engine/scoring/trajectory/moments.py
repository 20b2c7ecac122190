"""The moments at which an agent calls a tool."""

from collections.abc import Iterator
from dataclasses import dataclass

from tahoe_engine.models.interaction import Interaction, Role, ToolCall, Turn
from tahoe_engine.scoring.trajectory.history import History
from tahoe_engine.scoring.trajectory.values import Item, items, parse


@dataclass(frozen=True, slots=True)
class CallPlace:
    """A call where it stands; `index` is that of its turn."""

    index: int
    turn: Turn
    call: ToolCall


@dataclass(frozen=True, slots=True)
class Moment(CallPlace):
    """A call, and what was known before it.

    Attributes:
        items: The objects among the arguments with their plain values.
        history: It walks on: ask it before the next moment is taken.
    """

    items: list[Item]
    history: History


def calls(interaction: Interaction) -> Iterator[CallPlace]:
    """Yields every call of the interaction in order."""
    for index, turn in enumerate(interaction.turns):
        for call in turn.tool_calls:
            yield CallPlace(index, turn, call)


def moments(interaction: Interaction) -> Iterator[Moment]:
    """Yields every call of the interaction in order, with what was known before it.

    Of the calls of one turn each counts as made before the next; an answer that stands in a turn of its own comes too
    late for all of them.
    """
    history = History()
    for index, turn in enumerate(interaction.turns):
        _listen(history, index, turn)
        for call in turn.tool_calls:
            found = _items(call)
            yield Moment(index, turn, call, found, history)
            history.add_call(call, found)


def _listen(history: History, index: int, turn: Turn) -> None:
    if turn.role is Role.TOOL:
        history.add_result(turn.spoken_text, turn.tool_call_id)
    elif not turn.spoken:
        return
    elif turn.role is Role.CUSTOMER:
        history.hear_customer(index, turn.spoken_text)
    elif turn.role is Role.AGENT or turn.tool_calls:
        history.hear_agent(turn.spoken_text)
    else:
        history.sources.add_said(turn.spoken_text)


def _items(call: ToolCall) -> list[Item]:
    """Returns what the arguments hold; text that is no JSON counts as one value."""
    if call.arguments is not None:
        return items(call.arguments)
    return items(parse(call.arguments_text)) if call.arguments_text.strip() else []

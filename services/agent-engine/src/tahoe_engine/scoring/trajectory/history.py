"""What happened before a tool call: what the customer said last, what was called last, and all that was learnt."""

import json
from collections import deque
from dataclasses import dataclass

from tahoe_engine.models.interaction import ToolCall
from tahoe_engine.scoring.trajectory.sources import Sources
from tahoe_engine.scoring.trajectory.values import Item
from tahoe_engine.scoring.trajectory.words import folded


@dataclass(frozen=True, slots=True)
class Heard:
    """What the customer said last.

    Attributes:
        turn: Index of the turn.
        count: How many turns the customer has had, this one included.
    """

    turn: int
    text: str
    count: int


@dataclass(slots=True)
class Made:
    """A call that was made.

    Attributes:
        signature: The same for calls of the same tool with the same arguments.
        heard: How many turns the customer had had by then.
        answer: The tool's answer as it wrote it; None while there is none.
    """

    name: str
    signature: str
    items: list[Item]
    heard: int
    answer: str | None = None


class History:
    """Walks along an interaction.

    Attributes:
        heard: The customer's latest words.
        latest: The call before.
        sources: Where a value can come from.
    """

    def __init__(self) -> None:
        self.heard: Heard | None = None
        self.latest: Made | None = None
        self.sources = Sources()
        self._unanswered: list[str] = []
        self._waiting: deque[Made] = deque()
        self._by_id: dict[str, Made] = {}

    @property
    def customer_turns(self) -> int:
        """How many turns the customer has had."""
        return self.heard.count if self.heard else 0

    def hear_customer(self, turn: int, text: str) -> None:
        """Takes in words of the customer; what the agent said before them is thereby answered."""
        for answered in self._unanswered:
            self.sources.add_said(answered)
        self._unanswered.clear()
        self.sources.add_said(text)
        self.heard = Heard(turn, text, self.customer_turns + 1)

    def hear_agent(self, text: str) -> None:
        """Takes in words of the agent; its greeting, before the customer's first words, is no source of anything."""
        if self.heard:
            self._unanswered.append(text)

    def add_call(self, call: ToolCall, items: list[Item]) -> None:
        """Takes in a call, with its answer where that stands beside it."""
        made = self.latest = Made(call.name, signature(call), items, self.customer_turns, call.result)
        self.sources.add_sent(items)
        if call.result is not None:
            self.sources.add_answer(call.result)
            return
        self._waiting.append(made)
        if call.id is not None:
            self._by_id[call.id] = made

    def add_result(self, text: str, call_id: str | None) -> None:
        """Takes in a tool's answer: to the call of that id, or else to the first one that has none yet."""
        made = None if call_id is None else self._by_id.pop(call_id, None)
        while made is None and self._waiting:
            first = self._waiting.popleft()
            made = first if first.answer is None else None
        if made is not None:
            made.answer = text
        self.sources.add_answer(text)


def signature(call: ToolCall) -> str:
    """Returns what two calls have in common that are the same."""
    if call.arguments is None:
        return f"{call.name} {call.arguments_text}"
    return f"{call.name} {folded(json.dumps(dict(call.arguments), sort_keys=True, ensure_ascii=False))}"

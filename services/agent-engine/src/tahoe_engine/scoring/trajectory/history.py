"""All that a tool call can rest on at its moment: what was said, what the tools answered, what was called."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from tahoe_engine.models.interaction import ToolCall
from tahoe_engine.scoring.trajectory.tokens import grouped_digits, tokens
from tahoe_engine.scoring.trajectory.values import Item, is_identifier, key_of, parse, plain_text
from tahoe_engine.scoring.trajectory.vocabulary import Vocabulary
from tahoe_engine.scoring.trajectory.words import folded

_PROSE_WORDS = 8
"""Words from which a text in a tool's answer is read as prose: each word of it counts as told."""

_MOST_OBJECTS = 50
"""Of the objects that share a value so many are kept; whatever stands in more of them tells nothing apart."""

_MOST_FIELDS = 100
"""Fields of one object that describe each other."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the customer said last.

    Attributes:
        turn: Index of the turn.
        words: As they are compared.
        count: How many turns the customer has had, this one included.
    """

    turn: int
    text: str
    words: tuple[str, ...]
    count: int


@dataclass(slots=True)
class Made:
    """A call that was made.

    Attributes:
        signature: The same for calls of the same tool with the same arguments.
        heard: How many turns the customer had had by then.
        answer: The tool's answer, parsed; None while there is none.
    """

    name: str
    signature: str
    items: list[Item]
    heard: int
    answered: bool = False
    answer: JsonValue = None


class History:
    """Walks along an interaction and is asked, before each call, what is known.

    Attributes:
        said: What the agent was told: the customer's words, and its own that the customer then answered. Its greeting
            is not among them.
        told: What tools stated in prose.
        latest: The call before.
        heard: The customer's latest words.
    """

    def __init__(self) -> None:
        self.said = Vocabulary()
        self.told = Vocabulary()
        self.latest: Made | None = None
        self.heard: Heard | None = None
        self._tokens: set[str] = set()
        self._facts: set[str] = set()
        self._choices: set[str] = set()
        self._beside: dict[str, set[tuple[str, ...]]] = {}
        self._options: dict[str, set[tuple[str, ...]]] = {}
        self._sent: list[str] = []
        self._sent_identifiers: set[str] = set()
        self._echoes: set[str] = set()
        self._unanswered: list[str] = []
        self._waiting: deque[Made] = deque()
        self._by_id: dict[str, Made] = {}

    # What happens

    def hear(self, text: str) -> tuple[str, ...]:
        """Takes in words that the agent was given, and returns them."""
        self._tokens |= tokens(text)
        return tuple(self.said.add(text))

    def hear_customer(self, turn: int, text: str) -> None:
        """Takes in words of the customer; what the agent said before them is thereby answered."""
        for answered in self._unanswered:
            self.hear(answered)
        self._unanswered.clear()
        self.heard = Heard(turn, text, self.hear(text), self.heard.count + 1 if self.heard else 1)

    def hear_agent(self, text: str) -> None:
        """Takes in words of the agent, which count once the customer answers them."""
        if self.heard:
            self._unanswered.append(text)

    def add_call(self, call: ToolCall, items: list[Item]) -> None:
        """Takes in a call, with its answer where that stands beside it."""
        made = self.latest = Made(call.name, signature(call), items, self.heard.count if self.heard else 0)
        for item in items:
            for value in item.values:
                if is_identifier(value.name, value.text):
                    self._sent_identifiers.add(key_of(value.text))
                else:
                    self._sent.append(key_of(value.text))
        if call.result is not None:
            self._add_answer(made, call.result)
            return
        self._waiting.append(made)
        if call.id is not None:
            self._by_id[call.id] = made

    def add_result(self, text: str, call_id: str | None) -> None:
        """Takes in a tool's answer: to the call of that id, or else to the first one that has none yet."""
        made = None if call_id is None else self._by_id.pop(call_id, None)
        while made is None and self._waiting:
            first = self._waiting.popleft()
            made = None if first.answered else first
        self._add_answer(made, text)

    # What is known

    def was_said(self, text: str) -> bool:
        """Whether this very value stands in the conversation or in a tool's prose."""
        return key_of(text) in self._tokens or any(digits in self._tokens for digits in grouped_digits(text))

    def is_fact(self, text: str) -> bool:
        """Whether a tool stated this very value, and not as one of several."""
        return key_of(text) in self._facts

    def is_choice(self, text: str) -> bool:
        """Whether a tool listed this very value as one of several."""
        return key_of(text) in self._choices

    def asked_for(self, text: str) -> bool:
        """Whether the conversation has any content word of the text; numbers alone say too little."""
        return self.said.covers(" ".join(word for word in text.split() if not word.isdigit()))[0] > 0

    def described_by(self, text: str) -> list[str] | None:
        """Returns the values that stand beside this one in tools' objects; None where there are too many to tell."""
        key = key_of(text)
        objects = self._beside.get(key, ())
        if len(objects) >= _MOST_OBJECTS:
            return None
        return [other for texts in objects for other in texts if key_of(other) != key]

    def options_of(self, identifier: str) -> list[str] | None:
        """Returns the values that tools listed in the objects of this identifier; None where no telling list is."""
        lists = self._options.get(key_of(identifier), ())
        if not 0 < len(lists) < _MOST_OBJECTS:
            return None
        return [option for options in lists for option in options]

    # How an answer is taken in

    def _add_answer(self, made: Made | None, text: str) -> None:
        answer = parse(text)
        if made is not None:
            made.answered, made.answer = True, answer
        # A tool that only repeats what the agent sent states nothing by it.
        self._echoes.update(key for key in self._sent if key not in self._facts and key not in self._choices)
        self._sent.clear()
        if isinstance(answer, str):
            self._add_plain(answer, chosen=False, prose=True)
            return
        for value, chosen in _nodes(answer):
            if isinstance(value, dict):
                self._add_object(value)
            elif (plain := plain_text(value)) is not None:
                self._add_plain(plain, chosen=chosen, prose=plain.count(" ") >= _PROSE_WORDS - 1)

    def _add_plain(self, text: str, *, chosen: bool, prose: bool) -> None:
        key = key_of(text)
        if key in self._echoes:
            return
        (self._choices if chosen else self._facts).add(key)
        if prose:
            self.told.add(text)
            # “There is no order A-77” is no source for an A-77 that the agent made up.
            self._tokens |= tokens(text) - self._sent_identifiers

    def _add_object(self, found: dict[str, JsonValue]) -> None:
        self._facts.update(key_of(name) for name in found if name.isdigit() or is_identifier("", name))
        own = [(name, text) for name, value in found.items() if (text := plain_text(value)) is not None][:_MOST_FIELDS]
        texts = tuple(dict.fromkeys(text for _, text in own))
        for text in texts:
            _keep(self._beside, key_of(text), texts)
        identifiers = [key_of(text) for name, text in own if is_identifier(name, text)]
        if not identifiers:
            return
        for inner in found.values():
            if isinstance(inner, list) and (options := _texts(inner)):
                for identifier in identifiers:
                    _keep(self._options, identifier, options)


def signature(call: ToolCall) -> str:
    """Returns what two calls have in common that are the same."""
    if call.arguments is None:
        return f"{call.name} {call.arguments_text}"
    return f"{call.name} {folded(json.dumps(dict(call.arguments), sort_keys=True, ensure_ascii=False))}"


def _nodes(answer: JsonValue) -> Iterator[tuple[JsonValue, bool]]:
    """Yields every value in an answer, however deep, and whether it is in a list of several."""
    rest = [(answer, False)]
    while rest:
        value, chosen = rest.pop()
        yield value, chosen
        if isinstance(value, dict):
            rest.extend((inner, chosen) for inner in value.values())
        elif isinstance(value, list):
            several = chosen or len(value) > 1
            rest.extend((inner, several) for inner in value)


def _texts(values: list[JsonValue]) -> tuple[str, ...]:
    """Returns the texts of a list that holds nothing else; otherwise none."""
    texts = tuple(value for value in values if isinstance(value, str))
    return texts if len(texts) == len(values) else ()


def _keep(lists: dict[str, set[tuple[str, ...]]], key: str, texts: tuple[str, ...]) -> None:
    kept = lists.setdefault(key, set())
    if len(kept) < _MOST_OBJECTS:
        kept.add(texts)

"""Where a value can come from: the conversation, and what the tools answered."""

from collections.abc import Callable

from pydantic import JsonValue

from tahoe_engine.scoring.trajectory.tokens import grouped_digits, tokens
from tahoe_engine.scoring.trajectory.values import Item, is_identifier, key_of, parse, plain_text
from tahoe_engine.scoring.trajectory.vocabulary import Vocabulary
from tahoe_engine.scoring.trajectory.words import words

_PROSE_WORDS = 8
"""Words from which a text in a tool's answer is read as prose: each word of it counts as told."""

_MOST_OBJECTS = 50
"""Of the objects that share a value so many are kept; whatever stands in more of them tells nothing apart."""

_MOST_FIELDS = 100
"""Fields of one object that describe each other."""


class Sources:
    """Remembers what was said and answered, and is asked for words and values of it.

    What comes in is read when a question is first asked, so that checks without one do not pay for it.
    """

    def __init__(self) -> None:
        self._unread: list[Callable[[], None]] = []
        self._said = Vocabulary()
        self._told = Vocabulary()
        self._tokens: set[str] = set()
        self._facts: set[str] = set()
        self._choices: set[str] = set()
        self._beside: dict[str, set[tuple[str, ...]]] = {}
        self._options: dict[str, set[tuple[str, ...]]] = {}
        self._sent: list[str] = []
        self._sent_identifiers: set[str] = set()
        self._echoes: set[str] = set()

    # What comes in

    def add_said(self, text: str) -> None:
        """Takes in words that the agent was given, or its own that the customer answered."""
        self._read_later(lambda: self._read_said(text))

    def add_sent(self, items: list[Item]) -> None:
        """Takes in the arguments of a call: what the agent sent first is no news when the tool repeats it."""
        self._read_later(lambda: self._read_sent(items))

    def add_answer(self, text: str) -> None:
        """Takes in a tool's answer."""
        self._read_later(lambda: self._read_answer(text))

    # What is asked

    def support(self, wanted: list[str]) -> float:
        """Returns which share of a phrase's content words the conversation has, or else the tools' prose; 1 of none."""
        self._catch_up()
        said = self._said.share(wanted)
        return said if said == 1 else max(said, self._told.share(wanted))

    def was_said(self, text: str) -> bool:
        """Whether this very value stands in the conversation or in a tool's prose."""
        self._catch_up()
        return key_of(text) in self._tokens or any(digits in self._tokens for digits in grouped_digits(text))

    def is_fact(self, text: str) -> bool:
        """Whether a tool stated this very value, and not as one of several."""
        self._catch_up()
        return key_of(text) in self._facts

    def is_choice(self, text: str) -> bool:
        """Whether a tool listed this very value as one of several."""
        self._catch_up()
        return key_of(text) in self._choices

    def asked_for(self, text: str) -> bool:
        """Whether the conversation has any content word of the text; numbers alone say too little."""
        self._catch_up()
        return self._said.has_any(words(" ".join(word for word in text.split() if not word.isdigit())))

    def described_by(self, text: str) -> list[str] | None:
        """Returns the values that stand beside this one in tools' objects; None where there are too many to tell."""
        self._catch_up()
        key = key_of(text)
        objects = self._beside.get(key, ())
        if len(objects) >= _MOST_OBJECTS:
            return None
        return [other for texts in objects for other in texts if key_of(other) != key]

    def options_of(self, identifier: str) -> list[str] | None:
        """Returns the values that tools listed in the objects of this identifier; None where no telling list is."""
        self._catch_up()
        lists = self._options.get(key_of(identifier), ())
        if not 0 < len(lists) < _MOST_OBJECTS:
            return None
        return [option for options in lists for option in options]

    # How it is read

    def _read_later(self, read: Callable[[], None]) -> None:
        self._unread.append(read)

    def _catch_up(self) -> None:
        if self._unread:
            for read in self._unread:
                read()
            self._unread.clear()

    def _read_said(self, text: str) -> None:
        self._said.add(text)
        self._tokens |= tokens(text)

    def _read_sent(self, items: list[Item]) -> None:
        for item in items:
            for value in item.values:
                if is_identifier(value.name, value.text):
                    self._sent_identifiers.add(key_of(value.text))
                else:
                    self._sent.append(key_of(value.text))

    def _read_answer(self, text: str) -> None:
        self._echoes.update(key for key in self._sent if key not in self._facts and key not in self._choices)
        self._sent.clear()
        answer = parse(text)
        if isinstance(answer, str):
            self._read_plain(answer, chosen=False, prose=True)
            return
        rest: list[tuple[JsonValue, bool]] = [(answer, False)]
        while rest:
            value, chosen = rest.pop()
            if isinstance(value, dict):
                self._read_object(value)
                rest.extend((inner, chosen) for inner in value.values())
            elif isinstance(value, list):
                several = chosen or len(value) > 1
                rest.extend((inner, several) for inner in value)
            elif (plain := plain_text(value)) is not None:
                self._read_plain(plain, chosen=chosen, prose=plain.count(" ") >= _PROSE_WORDS - 1)

    def _read_plain(self, text: str, *, chosen: bool, prose: bool) -> None:
        key = key_of(text)
        if key in self._echoes:
            return
        (self._choices if chosen else self._facts).add(key)
        if prose:
            self._told.add(text)
            # “There is no order A-77” is no source for an A-77 that the agent made up.
            self._tokens |= tokens(text) - self._sent_identifiers

    def _read_object(self, found: dict[str, JsonValue]) -> None:
        self._facts.update(key_of(name) for name in found if name.isdigit() or is_identifier("", name))
        own = [(name, text) for name, value in found.items() if (text := plain_text(value)) is not None][:_MOST_FIELDS]
        texts = tuple(dict.fromkeys(text for _, text in own))
        for text in texts:
            _keep(self._beside, key_of(text), texts)
        lists = [options for inner in found.values() if isinstance(inner, list) and (options := _texts(inner))]
        if lists:
            for identifier in (key_of(text) for name, text in own if is_identifier(name, text)):
                for options in lists:
                    _keep(self._options, identifier, options)


def _texts(values: list[JsonValue]) -> tuple[str, ...]:
    """Returns the texts of a list that holds nothing else; otherwise none."""
    texts = tuple(value for value in values if isinstance(value, str))
    return texts if len(texts) == len(values) else ()


def _keep(lists: dict[str, set[tuple[str, ...]]], key: str, texts: tuple[str, ...]) -> None:
    kept = lists.get(key)
    if kept is None:
        lists[key] = {texts}
    elif len(kept) < _MOST_OBJECTS:
        kept.add(texts)

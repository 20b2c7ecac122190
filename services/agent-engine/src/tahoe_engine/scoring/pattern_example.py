r"""Something that a regular expression would find, for sentences that a person reads.

Everybody understands that nothing like “how can i help” was said; “\bhow (can|may) i (help|assist)\b” is for authors.
The example takes the first of several alternatives and all that is optional, and shows … for any characters.
"""

from functools import lru_cache

import regex

_ANY = "\ue000"
"""Stands for some character: a place in Unicode that no text uses."""

_RUN = regex.compile(f"{_ANY}+")
_ESCAPES = {"d": "0", "s": " ", "w": _ANY, "S": _ANY, "D": _ANY, "W": " ", "X": _ANY, "n": " ", "t": " ", "r": " "}
_NO_WIDTH = frozenset("bBAZzmM")
_QUANTIFIER = regex.compile(r"([*+?]|\{(\d*)(?:,\d*)?\})[?+]?")
_PROPERTY = regex.compile(r"[pP](?:\{[^}]*\}|\w)")
_PLAIN_GROUP = regex.compile(r"(?:\?(?::|>|P?<[A-Za-z_]\w*>|[aimsux]*:))?+(?!\?)")
_LOOK_AROUND = regex.compile(r"\?<?[=!]")
_CLASS = regex.compile(r"\[(\^?)(\]?(?:[^\]\\\[]|\\.)*)\]")
_MOST_REPETITIONS = 12
_DEEPEST = 50


class _UnreadableError(Exception):
    """The expression holds something that this module does not know."""


@lru_cache(maxsize=2048)
def example_of(pattern: str) -> str:
    """Returns a text that fits a valid pattern; the pattern itself where none can be made up."""
    try:
        reader = _Reader(pattern)
        found = reader.alternatives()
        if reader.is_at_end:
            expression = regex.compile(pattern, regex.IGNORECASE)
            for sample, shown in ((found.replace(_ANY, "x"), "…"), (_RUN.sub(" x ", found), " … ")):
                if sample.strip() and expression.search(sample, timeout=0.1):
                    return " ".join(_RUN.sub(shown, found).split())
    except (_UnreadableError, TimeoutError):
        pass
    return pattern


class _Reader:
    """Walks once through an expression and gathers a text that fits it."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._place = 0
        self._depth = 0

    @property
    def is_at_end(self) -> bool:
        return self._place == len(self._pattern)

    def alternatives(self) -> str:
        """Reads up to the end of the group and returns the first alternative that is not empty."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _UnreadableError
        found = [self._sequence()]
        while self._next() == "|":
            self._place += 1
            found.append(self._sequence())
        self._depth -= 1
        return next(filter(None, found), "")

    def _next(self) -> str:
        return self._pattern[self._place : self._place + 1]

    def _sequence(self) -> str:
        parts = []
        while self._next() not in {"", "|", ")"}:
            part = self._atom()
            quantifier = _QUANTIFIER.match(self._pattern, self._place)
            if quantifier:
                self._place = quantifier.end()
                part *= min(max(int(quantifier[2] or 1), 1), _MOST_REPETITIONS)
            parts.append(part)
        return "".join(parts)

    def _atom(self) -> str:
        sign = self._next()
        match sign:
            case "(":
                return self._group()
            case "[":
                return self._class()
        self._place += 1
        match sign:
            case "\\":
                return self._escape()
            case "^" | "$":
                return ""
            case ".":
                return _ANY
            case _:
                return sign

    def _group(self) -> str:
        self._place += 1
        beginning = _LOOK_AROUND.match(self._pattern, self._place)
        is_text = beginning is None
        if beginning is None:
            beginning = _PLAIN_GROUP.match(self._pattern, self._place)
        if beginning is None:
            raise _UnreadableError
        self._place = beginning.end()
        inside = self.alternatives()
        self._place += 1
        return inside if is_text else ""

    def _class(self) -> str:
        found = _CLASS.match(self._pattern, self._place)
        if found is None or not found[2]:
            raise _UnreadableError
        self._place = found.end()
        negated, content = found.groups()
        if negated:
            return _ANY
        if not content.startswith("\\"):
            return str(content[0])
        return _Reader(content).alternatives()[:1]

    def _escape(self) -> str:
        letter = self._next()
        named = _PROPERTY.match(self._pattern, self._place)
        if named:
            self._place = named.end()
            return _ANY
        self._place += 1
        if letter in _NO_WIDTH:
            return ""
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        if not letter or letter.isalnum():
            raise _UnreadableError
        return letter

"""What stands before a number, and tells what it is."""

import re

NEAR = 60
"""Code points before a number in which a word still speaks of it."""


class Context:
    """A text and what was said just before it.

    Args:
        text: Where numbers are looked for.
        before: The end of what was said earlier, for instance the question that `text` answers.
    """

    def __init__(self, text: str, before: str = "") -> None:
        self.text = text
        self._before = before[-NEAR:].rstrip(" \n\t.?!:")  # the question mark ends the question, not what it is about

    def near(self, start: int) -> str:
        """Returns the words before offset `start`, those of `before` included where they are near enough."""
        own = self.text[max(0, start - NEAR) : start]
        return own if start >= NEAR else f"{self._before} {own}"[-NEAR:]

    def speaks_of(self, words: re.Pattern[str], start: int) -> bool:
        """Says whether one of the words stands shortly before offset `start`."""
        return words.search(self.near(start)) is not None

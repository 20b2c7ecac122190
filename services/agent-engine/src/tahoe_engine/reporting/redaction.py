"""Keeps personal data out of what is meant to be shared."""

from collections.abc import Callable, Iterable, Mapping, Sequence

Masker = Callable[[str], str]
"""Returns the text with each character of personal data replaced by •, and so as long as it was."""

MASK = "•"
# A value this short ("911") would be found in places where it means something else.
_SHORTEST_VALUE = 6

Span = tuple[int, int]


class Redactor:
    """Masks every text of one report alike.

    The turns are masked first, and what was personal there is masked wherever it is repeated: a number that a detector
    recognises by the words around it may stand alone in an explanation.

    Args:
        masker: Finds and masks personal data; None shows everything.
        turns: The texts of the interaction.
        known: Turn → spans that a check has already found to be personal data, perhaps with rules that the masker does
            not have.
    """

    def __init__(self, masker: Masker | None, turns: Sequence[str], known: Mapping[int, Iterable[Span]]) -> None:
        self._masker = masker
        if masker is None:
            self.turns = tuple(turns)
            self._values: tuple[str, ...] = ()
            return
        self.turns = tuple(mask_spans(_masked(masker, text), known.get(index, ())) for index, text in enumerate(turns))
        found = {
            value for text, masked in zip(turns, self.turns, strict=True) for value in _masked_values(text, masked)
        }
        # The longest first: "12 34 56" is masked as one before "34 56" could leave its beginning.
        self._values = tuple(sorted(found, key=lambda value: (-len(value), value)))

    @property
    def masks(self) -> bool:
        """Whether personal data is masked at all."""
        return self._masker is not None

    def redact(self, text: str) -> str:
        """Masks a text that is not a turn: a title, a name, an explanation."""
        if self._masker is None:
            return text
        masked = _masked(self._masker, text)
        for value in self._values:
            if value in masked:
                masked = masked.replace(value, MASK * len(value))
        return masked


def mask_spans(text: str, spans: Iterable[Span]) -> str:
    """Masks some spans of a text, white space included, so that not even the shape of a number shows."""
    for start, end in spans:
        text = f"{text[:start]}{MASK * (min(end, len(text)) - start)}{text[end:]}"
    return text


def _masked(masker: Masker, text: str) -> str:
    masked = masker(text)
    if len(masked) != len(text):
        raise ValueError(f"the masker turned {len(text)} characters into {len(masked)}; evidence would move")
    return masked


def _masked_values(text: str, masked: str) -> Iterable[str]:
    """Yields each stretch of the text that was masked."""
    if text == masked:
        return
    start = None
    for index, (before, after) in enumerate(zip(text + "\0", masked + "\0", strict=True)):
        hidden = after == MASK and before != MASK
        if hidden and start is None:
            start = index
        elif not hidden and start is not None:
            if index - start >= _SHORTEST_VALUE:
                yield text[start:index]
            start = None

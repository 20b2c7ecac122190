"""Keeps personal data out of what is meant to be shared."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from tahoe_engine.models.interaction import Turn

Masker = Callable[[str], str]
"""Returns the text with each character of personal data replaced by •, and so as long as it was."""

MASK = "•"
# A value this short ("911") would be found in places where it means something else.
_SHORTEST_VALUE = 6
# How much of the turn before is read for what a number means, and how far into a turn that reaches.
_CONTEXT = 200

Span = tuple[int, int]


class Redactor:
    """Masks every text of one report alike.

    The turns are masked first, and what was personal there is masked wherever it is repeated: a number that a detector
    recognises by the words around it may stand alone in an explanation.

    Args:
        masker: Finds and masks personal data; None shows everything.
        turns: The turns of the interaction.
        known: Turn → spans that a check has already found to be personal data, perhaps with rules that the masker does
            not have.
    """

    def __init__(self, masker: Masker | None, turns: Sequence[Turn], known: Mapping[int, Iterable[Span]]) -> None:
        self._masker = masker
        if masker is None:
            self.turns = tuple(turn.text for turn in turns)
            self._values: tuple[str, ...] = ()
            return
        befores = ("", *(turn.spoken_text for turn in turns))
        self.turns = tuple(
            mask_spans(_mask_turn(masker, turn.text, before), known.get(index, ()))
            for index, (turn, before) in enumerate(zip(turns, befores, strict=False))
        )
        found = {
            value for turn, masked in zip(turns, self.turns, strict=True) for value in _masked_values(turn.text, masked)
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


def _mask_turn(masker: Masker, text: str, before: str) -> str:
    """Masks a turn by itself and as the answer to the turn before: "and your number?" tells what digits mean."""
    alone = _masked(masker, text)
    # A question mark would end the sentence that the answer goes on with.
    question = f"{before[-_CONTEXT:].rstrip(' \n\t.?!:')} "
    answer = _masked(masker, question + text[:_CONTEXT])[len(question) :]
    both = (MASK if MASK in pair else pair[0] for pair in zip(alone, answer, strict=False))
    return "".join(both) + alone[len(answer) :]


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

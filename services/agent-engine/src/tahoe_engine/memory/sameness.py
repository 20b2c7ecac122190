"""Whether two statements that an embedder takes for near say the same: it hardly sees a number or a "not"."""

from tahoe_engine.memory.lexemes import list_words

_NEGATIONS = frozenset(
    {
        "not", "no", "never", "none", "nobody", "nothing", "neither", "nor", "without", "cannot", "cant",
        "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "wont", "wouldnt", "shouldnt",
        "couldnt", "hasnt", "havent", "hadnt", "stopped", "quit",
    }
)  # fmt: skip


def say_the_same(one: str, other: str) -> bool:
    """Whether both have the same numbers and as many negations; their closeness is the caller's business."""
    return _marks(one) == _marks(other)


def _marks(text: str) -> tuple[list[str], int]:
    words = list_words(text.replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", ""))
    numbers = sorted(word for word in words if any(character.isdigit() for character in word))
    return numbers, sum(word in _NEGATIONS for word in words)

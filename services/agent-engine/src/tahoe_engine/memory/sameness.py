"""Whether two statements that an embedder takes for near say the same: it hardly sees a number or a "not"."""

from tahoe_engine.db.repositories.memory_row import NewMemory
from tahoe_engine.memory.lexemes import list_words
from tahoe_engine.models.memory_models import MemoryRecord

_NEGATIONS = frozenset(
    {
        "not", "no", "never", "none", "nobody", "nothing", "neither", "nor", "without", "cannot", "cant",
        "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "wont", "wouldnt", "shouldnt",
        "couldnt", "hasnt", "havent", "hadnt", "stopped", "quit",
    }
)  # fmt: skip


def is_same_statement(one: NewMemory | MemoryRecord, other: NewMemory | MemoryRecord) -> bool:
    """Whether both have the same numbers and as many negations; their closeness is the caller's business.

    The same words of another subject are another statement.
    """
    is_one_subject = one.subject is None or other.subject is None or one.subject == other.subject
    return is_one_subject and _marks(one.content) == _marks(other.content)


def _marks(text: str) -> tuple[list[str], int]:
    words = list_words(text.replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", ""))
    numbers = sorted(word for word in words if any(character.isdigit() for character in word))
    return numbers, sum(word in _NEGATIONS for word in words)

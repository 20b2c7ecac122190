"""What may be remembered of what was said: the port for finding it, and the rules that every finding has to pass."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from tahoe_engine.models.conversation_models import MessageRole
from tahoe_engine.models.memory_models import MemoryType

LOWEST_IMPORTANCE = 3
"""Of 1 to 10; what matters less is not worth finding again."""
HIGHEST_IMPORTANCE = 10
MAX_CANDIDATES = 200
MIN_CHARACTERS = 8
MAX_CHARACTERS = 1000
MAX_SUBJECT_CHARACTERS = 200
EXTRACTED_TYPES = frozenset(MemoryType) - {MemoryType.IDENTITY}
"""Who an agent is, is for people to say: nobody may talk it into being somebody else."""

_SUBJECT = re.compile(r"[\w-]+(\.[\w-]+)*")
_WORD = re.compile(r"\w[\w'’-]*")  # noqa: RUF001 - the typographic apostrophe is meant
_CONNECTORS = frozenset({"and", "but", "so", "then", "also", "or", "because", "well", "ok", "okay", "yes", "no"})
_DANGLING = frozenset(
    {"he", "she", "it", "they", "him", "her", "them", "his", "hers", "its", "their", "theirs"}
    | {"this", "that", "these", "those", "such"}
    | {"i", "me", "my", "mine", "we", "us", "our", "ours", "you", "your", "yours"}
)
_QUESTION = re.compile(r"[?？؟\u037e][\s\"'”’»)\]]*$")  # noqa: RUF001 - other scripts' marks
_UNFINISHED = re.compile(
    r"([,:;…]|\.\.\.|-|\b(and|or|but|because|that|the|a|an|of|to|with|is|are|was|for|my|in|at))$", re.IGNORECASE
)
_NO_SPACES = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_FEWEST_WORDS = 3
_FEWEST_UNSPACED = 4
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SpokenMessage:
    """A message as an extractor reads it.

    Attributes:
        author: Name of who speaks; None: a user whose name is not known.
    """

    message_id: UUID
    text: str = field(repr=False)
    role: MessageRole = MessageRole.USER
    author: str | None = None
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Messages of one conversation, in order."""

    conversation_id: UUID
    messages: tuple[SpokenMessage, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may become a memory, as an extractor found it; `validate_candidates` says whether it does.

    Attributes:
        content: One sentence that can be read by itself, in the third person.
        subject: What it is about, such as `user.name`: what is said of the same subject later stands in its place.
            None where nothing said later could.
        importance: 1 to 10.
        confidence: 0 to 1.
        is_explicit: Whether the author said just this, rather than something it was inferred from.
        author: Whose words it is made of, as the messages name them.
        message_ids: Messages that it is made of.
    """

    content: str = field(repr=False)
    memory_type: MemoryType
    conversation_id: UUID
    message_ids: tuple[UUID, ...]
    subject: str | None = field(default=None, repr=False)
    importance: int = 5
    confidence: float = 1.0
    is_explicit: bool = False
    author: str | None = None


class Extractor(Protocol):
    """Finds candidates in what was said."""

    @property
    def model(self) -> str:
        """Name and version, as memories say what extracted them."""
        ...

    async def extract(self, excerpt: Excerpt) -> list[Candidate]:
        """Returns what may be worth remembering, in the order in which it was said."""
        ...


class RejectionReason(StrEnum):
    """Why a candidate does not become a memory."""

    TOO_MANY = "more candidates than one excerpt can hold"
    UNIMPORTANT = "its importance is below 3"
    OUT_OF_RANGE = "importance is no whole number from 1 to 10, or confidence none from 0 to 1"
    TYPE_NOT_ALLOWED = "memories of this type are not made of what is said"
    NO_PROVENANCE = "it names no message that it is made of"
    UNKNOWN_PROVENANCE = "it names a conversation or message that was not given"
    UNKNOWN_AUTHOR = "none of its messages is by the author that it names"
    BAD_SUBJECT = "its subject is no dotted name of 200 characters at most"
    UNSTORABLE = "it holds a null byte or half of a surrogate pair"
    TOO_SHORT = "it is shorter than 8 characters"
    TOO_LONG = "it is longer than 1000 characters"
    QUESTION = "it is a question"
    DANGLING = "it begins with a word that points outside it, such as he, it, this or my"
    FRAGMENT = "it is no whole sentence"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A candidate that was turned away; it repeats none of its words, so that it may be logged.

    Attributes:
        place: 0-based place in the input.
    """

    place: int
    reason: RejectionReason


@dataclass(frozen=True, slots=True)
class ValidatedCandidates:
    """What passed, and what did not.

    Attributes:
        accepted: In order, those that say the same merged into the first of them.
        merged: How many went into an earlier one.
    """

    accepted: tuple[Candidate, ...]
    rejected: tuple[Rejection, ...]
    merged: int


def validate_candidates(
    candidates: Sequence[Candidate], excerpt: Excerpt, allowed: Collection[MemoryType] = EXTRACTED_TYPES
) -> ValidatedCandidates:
    """Lets through what is worth remembering and can be traced to what was said, whatever extracted it.

    Args:
        candidates: What an extractor returned.
        excerpt: What the extractor was given.
        allowed: Types that may be made.
    """
    accepted: dict[tuple[str, MemoryType, str | None], Candidate] = {}
    rejected = []
    merged = 0
    for place, candidate in enumerate(candidates):
        reason = RejectionReason.TOO_MANY if place >= MAX_CANDIDATES else _find_fault(candidate, excerpt, allowed)
        if reason is not None:
            rejected.append(Rejection(place, reason))
            continue
        tidy = replace(candidate, content=" ".join(candidate.content.split()))
        key = (tidy.content.casefold().rstrip(".!。！"), tidy.memory_type, tidy.author)  # noqa: RUF001
        merged += key in accepted
        accepted[key] = _merge(accepted[key], tidy) if key in accepted else tidy
    return ValidatedCandidates(tuple(accepted.values()), tuple(rejected), merged)


def _merge(first: Candidate, second: Candidate) -> Candidate:
    return replace(
        first,
        message_ids=tuple(dict.fromkeys((*first.message_ids, *second.message_ids))),
        subject=first.subject or second.subject,
        importance=max(first.importance, second.importance),
        confidence=max(first.confidence, second.confidence),
        is_explicit=first.is_explicit or second.is_explicit,
    )


def _find_fault(candidate: Candidate, excerpt: Excerpt, allowed: Collection[MemoryType]) -> RejectionReason | None:
    checks: tuple[Callable[[], RejectionReason | None], ...] = (
        lambda: _find_fault_of_figures(candidate),
        lambda: None if candidate.memory_type in allowed else RejectionReason.TYPE_NOT_ALLOWED,
        lambda: _find_fault_of_provenance(candidate, excerpt),
        lambda: _find_fault_of_subject(candidate.subject),
        lambda: find_fault_of_sentence(candidate.content),
    )
    return next((reason for reason in (check() for check in checks) if reason is not None), None)


def _find_fault_of_figures(candidate: Candidate) -> RejectionReason | None:
    importance: object = candidate.importance  # whatever a model wrote there
    confidence: object = candidate.confidence
    if not isinstance(importance, int) or isinstance(importance, bool) or not 1 <= importance <= HIGHEST_IMPORTANCE:
        return RejectionReason.OUT_OF_RANGE
    if not isinstance(confidence, int | float) or not 0 <= confidence <= 1:  # NaN is not
        return RejectionReason.OUT_OF_RANGE
    return RejectionReason.UNIMPORTANT if importance < LOWEST_IMPORTANCE else None


def _find_fault_of_provenance(candidate: Candidate, excerpt: Excerpt) -> RejectionReason | None:
    if not candidate.message_ids:
        return RejectionReason.NO_PROVENANCE
    authors = {message.message_id: message.author for message in excerpt.messages}
    if candidate.conversation_id != excerpt.conversation_id or not authors.keys() >= set(candidate.message_ids):
        return RejectionReason.UNKNOWN_PROVENANCE
    is_known = candidate.author is None or candidate.author in {authors[each] for each in candidate.message_ids}
    return None if is_known else RejectionReason.UNKNOWN_AUTHOR


def _find_fault_of_subject(subject: str | None) -> RejectionReason | None:
    if subject is None or (len(subject) <= MAX_SUBJECT_CHARACTERS and _SUBJECT.fullmatch(subject)):
        return None
    return RejectionReason.BAD_SUBJECT


def find_fault_of_sentence(content: str) -> RejectionReason | None:
    """Returns why the text cannot be read by itself, or None when it can."""
    text = content.strip()
    if _UNSTORABLE.search(text):
        return RejectionReason.UNSTORABLE
    if len(text) > MAX_CHARACTERS:
        return RejectionReason.TOO_LONG
    if len(text) < MIN_CHARACTERS and not _NO_SPACES.search(text):
        return RejectionReason.TOO_SHORT
    if _QUESTION.search(text):
        return RejectionReason.QUESTION
    words = list(_list_telling_words(text))
    if words and words[0] != "IT" and re.split(r"['’]", words[0].casefold())[0] in _DANGLING:  # noqa: RUF001
        return RejectionReason.DANGLING
    return RejectionReason.FRAGMENT if _is_fragment(text, words) else None


def _list_telling_words(text: str) -> Iterator[str]:
    """Lists the words from the first on that is more than a connector."""
    has_begun = False
    for word in _WORD.findall(text):
        has_begun = has_begun or word.casefold() not in _CONNECTORS
        if has_begun:
            yield word


def _is_fragment(text: str, words: Sequence[str]) -> bool:
    if _NO_SPACES.search(text):
        return len(_NO_SPACES.findall(text)) < _FEWEST_UNSPACED
    if len(words) < _FEWEST_WORDS or _UNFINISHED.search(text.rstrip("\"'”’»)] ")):  # noqa: RUF001
        return True
    first = next(iter(_WORD.findall(text)))
    return first[0].islower() and not any(letter.isupper() for letter in first)  # iPhone may begin one

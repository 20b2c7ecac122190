"""The extractor that needs no model: what people ask to be remembered, their names, tastes and whereabouts.

It would rather miss a statement than make one up: a sentence is read only where it begins like a statement, holds
nothing that points outside it, and can be restated word for word.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tahoe_engine.memory.extraction import Candidate, Excerpt, SpokenMessage, find_fault_of_sentence
from tahoe_engine.memory.third_person import (
    Speaker,
    name_speaker,
    plain_apostrophes,
    restate,
    restate_object,
    to_key,
)
from tahoe_engine.models.conversation_models import MessageRole
from tahoe_engine.models.memory_models import MemoryType

_LONGEST_MESSAGE = 100_000
_LONGEST_SENTENCE = 500
_ASKED_IMPORTANCE = 8

_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_SENTENCE = re.compile(r"(?:[^.!?…\n。！？]|\.(?=\w)|(?<=\b[A-Z])\.|(?<=\b[DMS][rst])\.|(?<=\bMrs)\.)+[.!?…。！？]*")  # noqa: RUF001
_LEAD_IN = re.compile(
    r"(?:(?:oh|well|hi|hey|hello|yes|yeah|no|ok|okay|also|actually|personally|honestly|by the way|btw|fyi|and|but|so)"
    r"\b[,:]?\s+)+",
    re.IGNORECASE,
)
_JOINT = re.compile(r",?\s+(?:and|but)\s+(?=(?:I|my|call me)\b)", re.IGNORECASE)
_ASKED = re.compile(
    r"(?:please,?\s+)?(?:(?P<polite>(?:can|could|would|will)\s+you\s+(?:please\s+)?)|I\s+want\s+you\s+to\s+)?"
    r"(?:remember|don't\s+forget|do\s+not\s+forget|keep\s+in\s+mind|bear\s+in\s+mind|make\s+a\s+note)"
    r"(?:,?\s+please,?)?(?:\s+that\s+|\s*:\s*)(?P<said>.+)",
    re.IGNORECASE,
)
_CLAUSE_BEGINS = re.compile(
    r"(?:(?i:I|I'm|I've|I'd|I'll|my|we|we're|our|the|a|an|all|every|everyone|no|nobody|only)\b|[^\W\d_a-z]|\d)"
)
_POINTS_OUTSIDE = re.compile(
    r"\b(?:he|she|it|they|him|her|them|his|hers|its|their|this|that|these|those|here|there|you|your|yours|we|us|our|"
    r"I|I'm|I'd|I've|I'll|me|one|ones|today|tonight|now|tomorrow|yesterday|currently|right now|same|both|either|"
    r"myself|mine|so|too|if|when|unless|until|while|how|what|why|where|who|which|lol|haha)\b|[\"“”:;]",
    re.IGNORECASE,
)
_CONTEXT_BOUND = re.compile(
    r"(?:(?:all\s+)?the\s+[a-z]|also\b|\w+ly\b|[,.-]|to\b|not\b|more\b|less\b|being\s+able\b|seeing\b|hearing\b)"
)
_NOT_A_NAME = frozenset(
    {"a", "an", "the", "not", "no", "never", "maybe", "back", "later", "now", "when", "if", "asap", "crazy", "old"}
    | {"sir", "madam", "i", "my", "what", "whatever", "anything", "anytime", "today", "tomorrow", "tonight"}
    | {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
    | {"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"}
    | {"december"}
)
_NO_KIND = frozenset({"thing", "things", "part", "bit", "place", "moment"})
_MEASURES = re.compile(r"^(?:not|always|definitely|probably|getting|so|very|just|by far)\b", re.IGNORECASE)
_CASED = r"[^\W\d_][\w'.-]*"
_NAME = rf"(?P<name>{_CASED}(?: {_CASED}){{0,3}})"
_FEWEST_WORDS = 3


@dataclass(frozen=True, slots=True)
class _Statement:
    """A sentence in the third person, and what it is about.

    Attributes:
        subject: Without the speaker, who comes before it.
    """

    content: str
    subject: str
    memory_type: MemoryType = MemoryType.USER_PROFILE
    importance: int = 6
    confidence: float = 0.9


type _Reader = Callable[[re.Match[str], Speaker], _Statement | None]


class StatementExtractor:
    """Finds statements by their wording; English alone.

    Only users' messages are read: what an assistant says of the user it has from memory already.
    """

    model = "tahoe-statements-1"

    async def extract(self, excerpt: Excerpt) -> list[Candidate]:
        """Returns what was stated, in order."""
        return [
            candidate
            for message in excerpt.messages
            if message.role is MessageRole.USER
            for candidate in _read_message(message, excerpt)
        ]


def _read_message(message: SpokenMessage, excerpt: Excerpt) -> Iterator[Candidate]:
    speaker = name_speaker(message.author)
    for sentence in _list_sentences(message.text):
        for statement, is_asked in _read_sentence(sentence, speaker):
            yield Candidate(
                content=statement.content,
                memory_type=statement.memory_type,
                conversation_id=excerpt.conversation_id,
                message_ids=(message.message_id,),
                subject=f"{speaker.key}.{statement.subject}" if statement.subject else None,
                importance=max(statement.importance, _ASKED_IMPORTANCE) if is_asked else statement.importance,
                confidence=1.0 if is_asked else statement.confidence,
                is_explicit=True,
                author=message.author if message.author == speaker.name else None,
            )


def _list_sentences(text: str) -> Iterator[str]:
    """Lists what was said as one's own words: nothing fenced or quoted, and nothing after an announcement."""
    for line in _FENCED.sub("\n", plain_apostrophes(text[:_LONGEST_MESSAGE])).splitlines():
        if line.lstrip().startswith((">", "|")):
            continue
        for match in _SENTENCE.finditer(line):
            sentence = " ".join(match[0].split())
            if len(sentence) <= _LONGEST_SENTENCE:
                yield sentence
        if line.rstrip().endswith(":"):  # "Translate this:", and what follows is somebody else's
            return


def _read_sentence(sentence: str, speaker: Speaker) -> Iterator[tuple[_Statement, bool]]:
    lead_in = _LEAD_IN.match(sentence)
    bare = sentence[lead_in.end() :] if lead_in else sentence
    asked = _ASKED.fullmatch(bare)
    if asked is not None:
        said = asked["said"].rstrip(" .!…。！")  # noqa: RUF001
        is_question = said.endswith(("?", "？"))  # noqa: RUF001
        if not is_question or asked["polite"]:
            statement = _read_asked(said.rstrip(" ?？"), speaker)  # noqa: RUF001
            if statement is not None:
                yield statement, True
        return
    if bare.endswith(("?", "？")):  # noqa: RUF001
        return
    for clause in _JOINT.split(bare.rstrip(" .!…")):
        statement = _read_clause(clause, speaker)
        if statement is not None:
            yield statement, False


def _read_asked(said: str, speaker: Speaker) -> _Statement | None:
    """Reads what somebody asked to be remembered; quotes it where it cannot be restated."""
    if not _CLAUSE_BEGINS.match(said) or len(said.split()) < _FEWEST_WORDS:
        return None
    statement = _read_clause(said, speaker)
    if statement is not None:
        return statement
    restated = restate(said, speaker)
    content = f'{speaker.name} asked to remember: "{said}".' if restated is None else f"{restated}."
    if find_fault_of_sentence(content) is not None:
        return None
    return _Statement(content, _subject_of(said), MemoryType.SEMANTIC, _ASKED_IMPORTANCE, 1.0)


def _subject_of(said: str) -> str:
    """Returns what `my …` or `the …` names before its `is`: the same named again replaces it."""
    match = re.match(r"(?:my|the) ((?:[\w'-]+ ){1,4}?)(?:is|are|was|were)\b", said, re.IGNORECASE)
    return to_key(match[1].replace("'s ", " ")) if match else ""


def _read_clause(clause: str, speaker: Speaker) -> _Statement | None:
    for pattern, read in _READERS:
        match = pattern.fullmatch(clause)
        if match is not None:
            return read(match, speaker)
    return None


def _read_name(match: re.Match[str], speaker: Speaker) -> _Statement | None:
    name = _proper_name(match["name"])
    if not name:
        return None
    return _Statement(f"{speaker.possessive} name is {name}.", "name", importance=8, confidence=0.95)


def _read_called(match: re.Match[str], speaker: Speaker) -> _Statement | None:
    name = _proper_name(match["name"])
    if not name:
        return None
    return _Statement(f"{speaker.name} wants to be called {name}.", "preferred-name", importance=8, confidence=0.95)


def _read_name_of(match: re.Match[str], speaker: Speaker) -> _Statement | None:
    name, whose = _proper_name(match["name"]), match["whose"].lower()
    if not name or _POINTS_OUTSIDE.search(whose):
        return None
    return _Statement(f"{speaker.possessive} {whose}'s name is {name}.", f"{to_key(whose)}.name")


def _proper_name(text: str) -> str:
    """Returns a name written like one, or nothing."""
    words = text.split()
    if any(word.casefold() in _NOT_A_NAME or word[0].islower() for word in words):
        return ""
    return text.rstrip(".-")


def _read_taste(match: re.Match[str], speaker: Speaker) -> _Statement | None:
    verb, thing = match["verb"].lower(), _standing(match["thing"])
    if thing is None or (verb == "hate" and match["thing"].startswith("to ")):
        return None
    turned = f"{verb}s" if match["negation"] is None else f"does not {verb}"
    head = re.split(r"\s+(?:to|over|rather than|instead of|with|as)\s+", thing)[0] if verb == "prefer" else thing
    return _preference(f"{speaker.name} {turned} {restate_object(thing)}.", head)


def _read_aversion(match: re.Match[str], speaker: Speaker) -> _Statement | None:
    thing = _standing(match["thing"])
    return None if thing is None else _preference(f"{speaker.name} cannot stand {restate_object(thing)}.", thing)


def _preference(content: str, head: str) -> _Statement | None:
    key = to_key(re.sub(r"^(?:to|a|an|my)\s+", "", head, flags=re.IGNORECASE))
    return _Statement(content, f"preference.{key}") if key else None


def _read_favourite(match: re.Match[str], speaker: Speaker) -> _Statement | None:
    kind, thing = match["kind"].lower(), match["thing"]
    if kind in _NO_KIND or _POINTS_OUTSIDE.search(f"{kind} {thing}") or _MEASURES.search(thing):
        return None
    verb, favourite = match["verb"].lower(), match["favourite"].lower()
    return _Statement(
        f"{speaker.possessive} {favourite} {kind} {verb} {restate_object(thing)}.", f"favourite.{to_key(kind)}"
    )


def _standing(thing: str) -> str | None:
    """Returns what somebody likes as such, or None when it is something of this moment or of this conversation."""
    bare = re.split(r"\s+(?:because|since|although|though)\b|[,—–]", thing)[0].strip()  # noqa: RUF001
    if not bare or _POINTS_OUTSIDE.search(bare) or (_CONTEXT_BOUND.match(bare) and not bare.startswith("to ")):
        return None
    return bare


def _read_place(match: re.Match[str], speaker: Speaker) -> _Statement | None:
    place = match["place"]
    if any(word.casefold() in _NOT_A_NAME for word in place.replace(",", " ").split()):
        return None
    if match["verb"]:
        return _Statement(f"{speaker.name} lives in {place}.", "home")
    return _Statement(f"{speaker.name} is from {place}.", "origin")


def _read_job(match: re.Match[str], speaker: Speaker) -> _Statement | None:
    job = re.split(r"[,—–]", match["job"])[0].strip()  # noqa: RUF001
    if not job or _POINTS_OUTSIDE.search(job):
        return None
    return _Statement(f"{speaker.name} works {match['how'].lower()} {restate_object(job)}.", "job")


def _read_birthday(match: re.Match[str], speaker: Speaker) -> _Statement | None:
    return _Statement(f"{speaker.possessive} birthday is {match['day']}.", "birthday", importance=7)


_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|"
    r"Nov(?:ember)?|Dec(?:ember)?)"
)
_DAY = (
    rf"(?P<day>(?:{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?|(?:the )?\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH})"
    r"(?:,? \d{4})?|\d{4}-\d\d-\d\d)"
)
_PLACE = r"(?P<place>(?-i:[^\W\d_a-z])[\w'.-]*(?:,? (?-i:[^\W\d_a-z])[\w'.-]*){0,4})"


def _reader(pattern: str, read: _Reader) -> tuple[re.Pattern[str], _Reader]:
    return re.compile(pattern, re.IGNORECASE), read


_READERS = (
    _reader(rf"my (?:full |first |real )?name(?: is|'s) {_NAME}(?:,.*)?", _read_name),
    _reader(rf"I(?:'m| am) called {_NAME}(?:,.*)?", _read_name),
    _reader(rf"(?:please )?call me {_NAME}(?:,? please)?", _read_called),
    _reader(rf"I go by {_NAME}", _read_called),
    _reader(rf"my (?P<whose>(?:[^\W\d_]+ ){{0,2}}[^\W\d_]+)'s name is {_NAME}", _read_name_of),
    _reader(rf"my (?P<whose>(?:[^\W\d_]+ ){{0,2}}[^\W\d_]+) is (?:called|named) {_NAME}", _read_name_of),
    _reader(
        r"my (?P<favourite>(?:least )?favou?rite) (?P<kind>(?:[\w'-]+ ){0,2}[\w'-]+) (?P<verb>is|are) "
        r"(?P<thing>.{1,80})",
        _read_favourite,
    ),
    _reader(
        r"I (?P<negation>(?:don't|do not) )?(?:really |absolutely |usually |generally |always |do |just )?"
        r"(?P<verb>prefer|like|love|hate|dislike|enjoy) (?P<thing>.{1,120})",
        _read_taste,
    ),
    _reader(r"I (?:really |absolutely )?(?:can't|cannot|can not) stand (?P<thing>.{1,80})", _read_aversion),
    _reader(rf"I(?: (?P<verb>live) in|(?:'m| am) (?:originally )?from) {_PLACE}", _read_place),
    _reader(r"I work (?P<how>as an?|(?:for|at)(?= an? | (?-i:[A-Z]))) (?P<job>.{2,80})", _read_job),
    _reader(rf"my birthday(?: is|'s)(?: on)? {_DAY}", _read_birthday),
)

"""What somebody says of themselves, restated so that it can be read without knowing who spoke."""

import re
from dataclasses import dataclass

_MAX_NAME_CHARACTERS = 80
_MAX_KEY_CHARACTERS = 60
_NAME_LIKE = re.compile(r"\w[\w .'\u2019()-]*")
_KEY_GAPS = re.compile(r"[\W_]+")
_APOSTROPHE = re.compile("[\u2019\u02bc\uff07]")
_OF_I = re.compile(r"I(?:(?P<short>'m|'ve|'ll)| (?P<word>[a-z]+(?:n't)?))(?: (?P<rest>.+))?", re.IGNORECASE)
_ADVERBS = frozenset({"always", "never", "usually", "often", "sometimes", "really", "also", "only", "still", "rarely"})
# Verbs whose third person is known; whatever else is said, nobody's words are bent.
_UNCHANGED = ("was", "had", "can", "cannot", "will", "would", "must", "should", "may")
_REGULAR = (
    "like love enjoy hate dislike prefer need want live work use own play speak eat drink drive take run read write "
    "sleep swim travel get keep know think believe avoid hope plan wear cook bake sing dance"
)
_THIRD_PERSON = (
    {word: word for word in _UNCHANGED}
    | {word: f"{word}s" for word in _REGULAR.split()}
    | {"'m": "is", "am": "is", "'ve": "has", "have": "has", "'ll": "will", "do": "does", "don't": "does not"}
    | {"can't": "cannot", "won't": "will not", "haven't": "has not", "wasn't": "was not"}
    | {"go": "goes", "watch": "watches", "teach": "teaches", "study": "studies", "fly": "flies", "try": "tries"}
)
_OTHERS_OF_HERE = re.compile(r"\b(?:I|I'm|I've|I'd|I'll|me|mine|myself|we|us|our|ours|you|your|yours)\b", re.IGNORECASE)
_MY = re.compile(r"\bmy\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks.

    Attributes:
        name: As a sentence begins with it: `The user`, or the author's name.
        key: First part of the subjects that are about them.
    """

    name: str
    key: str

    @property
    def possessive(self) -> str:
        """As a sentence begins with it: `The user's`."""
        return f"{self.name}'s"


_NAMELESS = Speaker("The user", "user")


def name_speaker(author: str | None) -> Speaker:
    """Names the author; without a name, or with one that is none, it is the user."""
    name = " ".join((author or "").split())
    key = to_key(name)
    is_name = len(name) <= _MAX_NAME_CHARACTERS and _NAME_LIKE.fullmatch(name) and key
    return Speaker(name, key) if is_name else _NAMELESS


def to_key(text: str) -> str:
    """Returns one part of a subject: words in lower case, joined by dashes; empty when there is no word."""
    return _KEY_GAPS.sub("-", text.casefold()).strip("-")[:_MAX_KEY_CHARACTERS].strip("-")


def plain_apostrophes(text: str) -> str:
    """Returns the text with the apostrophe of keyboards in place of the typographic ones."""
    return _APOSTROPHE.sub("'", text)


def restate(clause: str, speaker: Speaker) -> str | None:
    """Returns a clause in the third person, without its full stop; None where that takes more than a few words.

    Only what needs no parser is turned: the verb after a leading `I`, and `my`. With another word for the speaker or
    the listener in it, a clause could come to mean something else.
    """
    match = _OF_I.fullmatch(clause)
    if match is not None:
        predicate = _turn_verb((match["short"] or match["word"]).lower(), match["rest"] or "")
        if predicate is None or _OTHERS_OF_HERE.search(predicate):
            return None
        return f"{speaker.name} {restate_object(predicate)}"
    if _OTHERS_OF_HERE.search(clause):
        return None
    first, _, rest = clause.partition(" ")
    if first.lower() == "my":
        return f"{speaker.possessive} {restate_object(rest)}"
    # Elsewhere `their` could be anybody's.
    return None if _MY.search(clause) else clause[:1].upper() + clause[1:]


def restate_object(text: str) -> str:
    """Returns what follows the speaker's name, with `their` for `my`."""
    return _MY.sub("their", text)


def _turn_verb(verb: str, rest: str) -> str | None:
    if verb in _ADVERBS:
        following, _, after = rest.partition(" ")
        turned = None if following.lower() in _ADVERBS else _turn_verb(following.lower(), after)
        return None if turned is None else f"{verb} {turned}"
    turned = _THIRD_PERSON.get(verb)
    return None if turned is None else f"{turned} {rest}".rstrip()

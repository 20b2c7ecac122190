"""What a tool offered, the customer asked for, and the agent then left out."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from tahoe_engine.scoring.trajectory.flaws import Flaw
from tahoe_engine.scoring.trajectory.moments import Moment
from tahoe_engine.scoring.trajectory.values import Item, is_identifier, items, key_of, objects, parse
from tahoe_engine.scoring.trajectory.words import FILLERS, NEGATIONS, content_words, listed, words
from tahoe_engine.scoring.wording import quoted

_DEGREES = listed("extra super very more less light half just too")
"""Before a word they may belong to it or not: “extra hot” is not what an option “hot” offers."""

_REACH_OF_NO = 3
"""Words that a negation before them denies."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that a tool listed: an entity, or one option of it, with the words that only it has in its list."""

    identifier: str
    label: str
    telling: list[str]


def dropped(moment: Moment) -> Iterator[Flaw]:
    """Asked for by the customer, offered by the tool just now, and not in the call that acts on the answer."""
    made, heard = moment.history.latest, moment.history.heard
    if made is None or made.answer is None or heard is None:
        return
    if made.name == moment.call.name or made.heard != heard.count:
        return  # the answer was not what this call acts on: more of the same, or the customer has spoken since
    answer = parse(made.answer)
    mine = _identifiers(moment.items)
    if mine.isdisjoint(_identifiers([*made.items, *items(answer)])):
        return
    asked = _asked(words(heard.text)) - {word for key in mine for word in words(key.replace("_", " "))}
    for offer in _offers(answer):
        if offer.telling and key_of(offer.identifier) not in mine and asked.issuperset(offer.telling):
            yield Flaw(
                "dropped",
                f"The customer asked for {quoted(offer.label)} in turn {heard.turn} and the tool offered it, but the "
                f"call of {moment.call.name} in turn {moment.index} leaves it out.",
                heard=heard.turn,
            )


def _identifiers(found: list[Item]) -> set[str]:
    return {key_of(value.text) for item in found for value in item.values if is_identifier(value.name, value.text)}


def _asked(latest: list[str]) -> set[str]:
    """Returns the words that the customer used and neither denied nor shaded."""
    denied = {
        word for i, before in enumerate(latest) if before in NEGATIONS for word in latest[i + 1 : i + 1 + _REACH_OF_NO]
    }
    shaded = {word for before, word in itertools.pairwise(latest) if before in _DEGREES}
    return set(latest) - denied - shaded - FILLERS


def _offers(answer: JsonValue) -> Iterator[Offer]:
    for _, found in objects(answer):
        owner = _first_identifier(found)
        for inner in found.values():
            if not isinstance(inner, list) or not inner:
                continue
            labels = [(owner, text) for text in inner if isinstance(text, str)] if owner else []
            if len(labels) == len(inner):
                yield from _telling([] if any(_is_a_no(text) for _, text in labels) else labels)
            elif all(isinstance(entity, dict) for entity in inner):
                yield from _telling(_entities(inner))


def _telling(labels: list[tuple[str, str]]) -> Iterator[Offer]:
    count = Counter(word for _, label in labels for word in set(content_words(label)))
    for identifier, label in labels:
        words_of_its_own = [
            word for word in content_words(label) if count[word] == 1 and word.isalpha() and word not in NEGATIONS
        ]
        yield Offer(identifier, label, words_of_its_own)


def _entities(found: list[JsonValue]) -> list[tuple[str, str]]:
    """Returns identifier and first text of the objects in a list."""
    labels = []
    for entity in found:
        if isinstance(entity, dict) and (identifier := _first_identifier(entity)):
            texts = (v for k, v in entity.items() if isinstance(v, str) and not is_identifier(k, v))
            if text := next(texts, None):
                labels.append((identifier, text))
    return labels


def _first_identifier(found: dict[str, JsonValue]) -> str | None:
    return next((v for k, v in found.items() if isinstance(v, str) and is_identifier(k, v)), None)


def _is_a_no(text: str) -> bool:
    """Whether an option says no: then the list is a switch, and its owner is what is asked for."""
    found = words(text)
    return len(found) == 1 and found[0] in NEGATIONS

"""Where the arguments of a call come from."""

from collections.abc import Iterator
from dataclasses import dataclass

from tahoe_engine.scoring.trajectory.flaws import Flaw, GroundingRule
from tahoe_engine.scoring.trajectory.moments import Moment
from tahoe_engine.scoring.trajectory.values import Item, Value, is_date, is_identifier, key_of, phrases
from tahoe_engine.scoring.trajectory.words import FILLERS, content_words, listed, words
from tahoe_engine.scoring.wording import quoted

_STEERING = listed(
    "fields field select include exclude expand sort sort_by order_by limit page page_size per_page "
    "offset cursor format locale language lang timezone scope mode"
)
"""Arguments that say how to answer, not about what."""

_PROSE = listed("thought thoughts reasoning reason rationale summary message body content comment expression sql")
"""Arguments that the agent words itself."""

_OPTION_NAMES = listed("option value choice selection selected")

_REASONS: dict[GroundingRule, str] = {
    "identifier": "nobody said it and no tool returned it",
    "text": "nobody said it and no tool returned it",
    "choice": "a tool listed it among others and nobody asked for it",
    "option": "it is not among the options that the tool listed",
}


@dataclass(frozen=True, slots=True)
class Grounding:
    """How strictly arguments are judged.

    Attributes:
        support: Share of a text's words that must have been said.
        implied: Values that need no source, as `key_of` gives them.
        ignored: Names of arguments that are not judged, in lower case.
        choices: Whether what a tool listed as one of several must have been asked for.
    """

    support: float
    implied: frozenset[str]
    ignored: frozenset[str]
    choices: bool

    @classmethod
    def of(cls, support: float, implied: tuple[str, ...], ignored: tuple[str, ...], *, choices: bool) -> "Grounding":
        """Adds the user's values and names to those that every agent may choose freely."""
        names = _STEERING | _PROSE | {name.lower() for name in ignored}
        return cls(support, frozenset(map(key_of, implied)), names, choices)


def ungrounded(moment: Moment, grounding: Grounding) -> Iterator[Flaw]:
    """Yields the values of a call that come neither from the conversation nor from a tool."""
    for item in moment.items:
        for value in item.values:
            if (
                value.name.lower() in grounding.ignored
                or is_date(value.text)
                or key_of(value.text) in grounding.implied
            ):
                continue
            # What stands beside a value tells what it means, but only in an object of its own: the arguments as a whole
            # say too many things.
            beside = [other.text for other in item.values if other is not value] if item.path else []
            if is_identifier(value.name, value.text):
                yield from _identifier_flaws(moment, value, beside, grounding)
            else:
                yield from _text_flaws(moment, value, beside, grounding)
        yield from _option_flaws(moment, item)


def _identifier_flaws(moment: Moment, value: Value, beside: list[str], grounding: Grounding) -> Iterator[Flaw]:
    sources = moment.history.sources
    if sources.was_said(value.text) or sources.is_fact(value.text):
        return
    if not sources.is_choice(value.text):
        yield _flaw("identifier", moment, value, value.text)
    elif grounding.choices:
        described = sources.described_by(value.text)
        telling = [text for text in described or () if any(word.isalpha() for word in content_words(text))]
        if telling and not any(map(sources.asked_for, [*telling, *beside])):
            yield _flaw("choice", moment, value, value.text)


def _text_flaws(moment: Moment, value: Value, beside: list[str], grounding: Grounding) -> Iterator[Flaw]:
    sources = moment.history.sources
    for phrase, found in phrases(value.text):
        wanted = [word for word in found if word not in FILLERS]
        if not wanted or (len(wanted) == 1 and wanted[0] in grounding.implied):
            continue
        if sources.support(found) >= grounding.support or sources.was_said(phrase) or sources.is_fact(phrase):
            continue
        if not sources.is_choice(phrase):
            yield _flaw("text", moment, value, phrase)
        elif grounding.choices and not all(word.isdigit() for word in wanted):
            described = sources.described_by(phrase)
            if described is not None and not any(map(sources.asked_for, [phrase, *beside, *described])):
                yield _flaw("choice", moment, value, phrase)


def _option_flaws(moment: Moment, item: Item) -> Iterator[Flaw]:
    """An option must be one of those listed for the one thing that the object identifies."""
    named = [value for value in item.values if value.name.lower() in _OPTION_NAMES]
    if not named:
        return
    lists = [
        options
        for value in item.values
        if is_identifier(value.name, value.text)
        and (options := moment.history.sources.options_of(value.text)) is not None
    ]
    if len(lists) != 1:
        return
    allowed = {"".join(words(option)) for option in lists[0]}
    for value in named:
        if "".join(words(value.text)) not in allowed:
            yield _flaw("option", moment, value, value.text)


def _flaw(rule: GroundingRule, moment: Moment, value: Value, part: str) -> Flaw:
    name = f"{value.name.replace('_', ' ')} " if value.name else ""
    explanation = (
        f"The agent passes {name}{quoted(part)} to {moment.call.name} in turn {moment.index}; {_REASONS[rule]}."
    )
    if moment.call.arguments is None:
        explanation += " The arguments are no JSON object and are read as they stand."
    return Flaw(rule, explanation, value.path, part)

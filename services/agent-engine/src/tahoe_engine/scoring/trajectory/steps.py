"""Whether a call fits its moment."""

import itertools
import re
from collections.abc import Collection, Iterator, Mapping

from tahoe_engine.scoring.check import CheckNotRunError
from tahoe_engine.scoring.tool_names import fits
from tahoe_engine.scoring.trajectory.flaws import Flaw
from tahoe_engine.scoring.trajectory.history import Heard, signature
from tahoe_engine.scoring.trajectory.moments import CallPlace, Moment
from tahoe_engine.scoring.trajectory.words import NEGATIONS, folded, listed, words
from tahoe_engine.scoring.wording import quoted

_NAME_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SETTLING = listed(
    "finish finalise finalize submit confirm place checkout complete pay purchase send book transfer close delete "
    "cancel"
)
_READING = listed("get find search list lookup look check read fetch retrieve show view query describe count estimate")
_ASSENT = listed(
    "yes yeah yep yup ye sure ok okay good great correct right fine perfect please thank look cool done go ahead "
    "confirm send sound absolutely"
)
_ASSENTING_SIGNS = frozenset("👍👌✅")
_REFUSALS = NEGATIONS | listed("stop cancel wait actually instead")
_ASKING = listed("what how why whether if")
"""Before the act they ask about it (“what would it cost to cancel?”) rather than for it."""

_PLACEHOLDERS = frozenset(
    {"", "none", "n/a", "null", "nil", "undefined", "unknown", "string", "todo", "tbd", "placeholder"}
)


def needs_assent(tool: str, confirm: bool | tuple[str, ...]) -> bool:
    """Whether the customer must agree before this tool is called."""
    if isinstance(confirm, tuple):
        return any(fits(wanted, tool) for wanted in confirm)
    parts = _name_parts(tool)
    return confirm and not _SETTLING.isdisjoint(parts) and parts[0] not in _READING


def repeated_in_a_row(moment: Moment) -> Iterator[Flaw]:
    """The same call again although the customer has said nothing since and nothing else was called."""
    latest = moment.history.latest
    if latest is None or latest.heard != moment.history.customer_turns or latest.signature != signature(moment.call):
        return
    yield Flaw(
        "repeat",
        f"The agent calls {moment.call.name} again in turn {moment.index}: the same arguments, nothing new in between.",
        certain=True,
    )


def without_assent(moment: Moment) -> Iterator[Flaw]:
    """The customer's latest words must say yes, or name the act itself (“cancel it”), and take nothing back.

    Raises:
        CheckNotRunError: Those words are in no Latin letters.
    """
    lead = f"The agent calls {moment.call.name} in turn {moment.index}, "
    heard = moment.history.heard
    if heard is None:
        yield Flaw("confirm", f"{lead}and no customer has agreed to it.")
    elif not _agrees(heard, moment.call.name):
        yield Flaw("confirm", f"{lead}and the customer's latest words do not agree to it.", heard=heard.turn)


def placeholders(moment: Moment) -> Iterator[Flaw]:
    """An empty value, or a stand-in that nobody said and no tool gave."""
    sources = moment.history.sources
    for item in moment.items:
        for value in item.values:
            text = value.text
            if folded(text) not in _PLACEHOLDERS:
                continue
            if folded(text) and (sources.was_said(text) or sources.is_fact(text) or sources.is_choice(text)):
                continue
            what = f"the placeholder {quoted(text)}" if folded(text) else "nothing"
            name = f" as {value.name.replace('_', ' ')}" if value.name else ""
            explanation = f"The agent passes {what}{name} to {moment.call.name} in turn {moment.index}."
            yield Flaw("placeholder", explanation, value.path, certain=True)


def undeclared(place: CallPlace, declared: Mapping[str, Collection[str]]) -> Iterator[Flaw]:
    """A tool that the agent does not have, or a call without an argument that the tool needs."""
    call, lead = place.call, f"The agent calls {place.call.name} in turn {place.index}"
    if call.name not in declared:
        yield Flaw("unknown_tool", f"{lead}, which is none of its tools.", certain=True)
        return
    for name in declared[call.name]:
        if name not in (call.arguments or {}):
            yield Flaw("missing", f"{lead} without {name.replace('_', ' ')}, which the tool needs.", certain=True)


def _agrees(heard: Heard, tool: str) -> bool:
    if any(sign in heard.text for sign in _ASSENTING_SIGNS):
        return True
    found = words(heard.text)
    used = set(found)
    if used and not any(word.isascii() for word in used):
        raise CheckNotRunError(
            f"Whether the customer agrees cannot be told: turn {heard.turn} is not in English, which is all that "
            "`confirm` understands. Use a judge instead."
        )
    parts = _name_parts(tool)
    act = set(words(" ".join([part for part in parts if part in _SETTLING] or parts[:1])))
    before = itertools.takewhile(lambda word: word not in act, found)
    agreed = _ASSENT - act if any(word in _ASKING for word in before) else _ASSENT | act
    return not used.isdisjoint(agreed) and used.isdisjoint(_REFUSALS - act)


def _name_parts(tool: str) -> list[str]:
    """Returns the words of a tool's name: `cancel_order` and `cancelOrder` have the same."""
    return [part.lower() for part in _NAME_PART.findall(tool)] or [""]

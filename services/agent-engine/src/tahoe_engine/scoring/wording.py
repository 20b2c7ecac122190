"""The words that explanations are made of."""

from collections.abc import Sequence

from tahoe_engine.models.check_specs import Matcher, PatternCheck, PersonalDataCheck, PhraseCheck, Window
from tahoe_engine.models.finding import Evidence
from tahoe_engine.models.interaction import Role
from tahoe_engine.scoring.pattern_example import example_of

_NAMES = {
    Role.AGENT: "the agent",
    Role.CUSTOMER: "the customer",
    Role.SYSTEM: "the system",
    Role.TOOL: "a tool",
    Role.ACTION: "an action",
    Role.OTHER: "another speaker",
}
_LONGEST_QUOTE = 80


def quoted(text: str) -> str:
    """Returns the text in quotation marks on one line, shortened to what a sentence bears."""
    line = " ".join(text[: 2 * _LONGEST_QUOTE].split())
    if len(line) > _LONGEST_QUOTE or len(text) > 2 * _LONGEST_QUOTE:
        line = line[: _LONGEST_QUOTE - 1] + "…"
    return f"“{line}”"


def names(roles: Sequence[Role], joined_by: str = "or") -> str:
    """Names roles in a sentence: `the agent or the customer`."""
    return f" {joined_by} ".join(_NAMES[role] for role in roles)


def scope(speaker: Role | tuple[Role, ...] | None, window: Window | None) -> str:
    """Says where a check looked: `by the agent in the first 3 turns`."""
    where = f"by {names(_roles(speaker)) or 'anybody'}"
    if window is None:
        return where
    first = f"first {_turns(window.first)}" if window.first else ""
    last = f"last {_turns(window.last)}" if window.last else ""
    return f"{where} in the {' or the '.join(part for part in (first, last) if part)}"


def says_nothing(speaker: Role | tuple[Role, ...] | None) -> str:
    """Says why a check of that speaker does not apply."""
    roles = _roles(speaker)
    if not roles:
        return "Nothing is said in this interaction."
    subject = names(roles, "and")
    return f"{subject[0].upper()}{subject[1:]} {'say' if len(roles) > 1 else 'says'} nothing in this interaction."


def missing(matcher: Matcher) -> str:
    """Says that something is nowhere found, so that a person knows what was looked for."""
    match matcher:
        case PatternCheck():
            examples = [example_of(pattern) for pattern in matcher.patterns]
            return f"{first_of('Nothing like', examples)} is said {scope(matcher.speaker, matcher.window)}."
        case PhraseCheck():
            return (
                f"{first_of('Nothing that means', matcher.examples)} is said {scope(matcher.speaker, matcher.window)}."
            )
        case PersonalDataCheck():
            return f"No personal data ({', '.join(kind.replace('_', ' ') for kind in matcher.kinds)}) is found."
        case _:
            return f"{first_of('No tool or action like', matcher.tools)} is used."


def place(matcher: Matcher, evidence: Evidence) -> str:
    """Points at evidence: `“Hello” in turn 1`; personal data is not repeated in a sentence."""
    what = "personal data" if isinstance(matcher, PersonalDataCheck) else quoted(evidence.quote)
    return f"{what} in turn {evidence.turn}"


def first_of(lead: str, alternatives: Sequence[str]) -> str:
    """Names the first of several alternatives, and how many there are beside it."""
    more = f" (or {len(alternatives) - 1} more)" if len(alternatives) > 1 else ""
    return f"{lead} {quoted(alternatives[0])}{more}"


def times(count: int, noun: str) -> str:
    """Counts: `1 turn`, `3 turns`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _roles(speaker: Role | tuple[Role, ...] | None) -> tuple[Role, ...]:
    return (speaker,) if isinstance(speaker, Role) else speaker or ()


def _turns(count: int | None) -> str:
    return "turn" if count == 1 else f"{count} turns"

"""What a plain text or WebVTT file says of itself, as `key: value` lines.

Plain text and e-mail carry them between two lines of `---` at the top, WebVTT in its header.
"""

import re
from collections.abc import Iterable

from tahoe_core.errors import ReadError
from tahoe_engine.interactions.formats.draft import InteractionDraft
from tahoe_engine.interactions.formats.times import check_zone
from tahoe_engine.models.interaction import InteractionType, Participant, Role

_PAIR = re.compile(r"([A-Za-z][\w-]{0,60})[ \t]*:[ \t]*(\S.*)")
_FENCE = "---"
_LONGEST = 100
_CURE = "The keys are external_id, type, language, occurred_at, time_zone, agent and customer; others become metadata."


def split_front_matter(lines: list[str]) -> tuple[dict[str, str], int]:
    """Returns the pairs and the number of lines that they take; none when the text does not begin with them."""
    if not lines or lines[0].strip() != _FENCE:
        return {}, 0
    for number, line in enumerate(lines[1:_LONGEST], start=1):
        if line.strip() == _FENCE:
            return read_pairs(lines[1:number]), number + 1
        if line.strip() and ":" not in line:
            return {}, 0
    return {}, 0


def read_pairs(lines: Iterable[str]) -> dict[str, str]:
    """Reads `key: value` lines; other lines say nothing."""
    pairs = (_PAIR.fullmatch(line.strip()) for line in lines)
    return {pair[1]: pair[2] for pair in pairs if pair is not None}


def apply_front_matter(draft: InteractionDraft, pairs: dict[str, str]) -> InteractionDraft:
    """Puts what the pairs say into the draft and returns it.

    Raises:
        ReadError: A type or a time zone that there is not.
    """
    rest = {key.lower(): value for key, value in pairs.items()}
    draft.external_id = rest.pop("external_id", draft.external_id)
    draft.language = rest.pop("language", draft.language)
    draft.occurred_at = rest.pop("occurred_at", draft.occurred_at)
    if "time_zone" in rest:
        draft.time_zone = check_zone(rest.pop("time_zone"))
    if "type" in rest:
        draft.type = _type_named(rest.pop("type"))
    draft.participants = (
        *draft.participants,
        *(Participant(name=rest.pop(role), role=role) for role in (Role.AGENT, Role.CUSTOMER) if role in rest),
    )
    draft.metadata = {**draft.metadata, **rest}
    return draft


def _type_named(name: str) -> InteractionType:
    try:
        return InteractionType(name.lower())
    except ValueError:
        raise ReadError(f"type: {name!r} is none of {', '.join(InteractionType)}.", cure=_CURE) from None

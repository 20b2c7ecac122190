"""Says what an interaction is, in the words that its source gives."""

import json
from collections.abc import Iterator
from uuid import UUID

from pydantic import JsonValue

from tahoe_engine.models.interaction import Interaction, Role

_TITLE_KEYS = ("title", "subject")
_LONGEST_TITLE = 120
_LONGEST_VALUE = 160
_MOST_FACTS = 16
_MOST_PARTICIPANTS = 6


def describe_title(interaction: Interaction, interaction_id: UUID) -> str:
    """Names the interaction: by its title, or by the source's id, or by ours."""
    for key in _TITLE_KEYS:
        value = interaction.metadata.get(key)
        if isinstance(value, str) and value.strip():
            return _shorten(" ".join(value.split()), _LONGEST_TITLE)
    name = interaction.external_id or str(interaction_id).split("-", maxsplit=1)[0]
    return _shorten(f"{interaction.type.value.capitalize()} {name}", _LONGEST_TITLE)


def list_participants(interaction: Interaction) -> list[str]:
    """Lists who took part; where the source does not say, the speakers of agent and customer turns."""
    names = [f"{person.name} ({person.role.value})" for person in interaction.participants]
    if not names:
        people = {
            (turn.speaker.strip(), turn.role): None
            for turn in interaction.turns
            if turn.role in {Role.AGENT, Role.CUSTOMER}
        }
        names = [
            f"{speaker} ({role.value})" if speaker and speaker.casefold() != role.value else role.value.capitalize()
            for speaker, role in people
        ]
    more = len(names) - _MOST_PARTICIPANTS
    return [*names[:_MOST_PARTICIPANTS], f"{more} more"] if more > 0 else names


def list_facts(interaction: Interaction) -> list[tuple[str, str]]:
    """Lists what else is known, name and value."""
    return list(_facts(interaction))[:_MOST_FACTS]


def _facts(interaction: Interaction) -> Iterator[tuple[str, str]]:
    if interaction.external_id:
        yield "Source id", interaction.external_id
    if interaction.language:
        yield "Language", interaction.language
    for key, value in interaction.metadata.items():
        if key not in _TITLE_KEYS and value not in (None, "", [], {}):
            yield key.replace("_", " ").capitalize(), _shorten(_render(value), _LONGEST_VALUE)


def _render(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"

"""What the user says about a source's own names: `speaker=who,text=body,agent=Dana`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tahoe_core.errors import InvalidInputError
from tahoe_core.near_names import did_you_mean
from tahoe_engine.models.interaction import Role

COLUMNS = ("speaker", "text", "id", "time", "turns")
_KEYS = (*COLUMNS, *Role)
_NEXT_PAIR = re.compile(r",(?=\s*[A-Za-z_]+\s*=)")
_CURE = (
    "Write pairs like speaker=who,text=body,turns=data.messages for the names of fields, "
    "and agent=Dana,customer=Tom for the names of people."
)


@dataclass(frozen=True)
class FieldMap:
    """Names of fields and of people in a source, where they are not the usual ones.

    Attributes:
        speaker: Field of a turn that says who speaks.
        text: Field of a turn that says what was said.
        id: Field of an interaction that holds its id.
        time: Field of a turn, or of an interaction, that says when it began.
        turns: Dotted path from an interaction to its list of turns.
        roles: Casefolded name of a speaker → role.
    """

    speaker: str | None = None
    text: str | None = None
    id: str | None = None
    time: str | None = None
    turns: str | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)

    @property
    def names_fields(self) -> bool:
        """Whether it names fields, not only people."""
        return any((self.speaker, self.text, self.id, self.time, self.turns))

    def find_role(self, speaker: str) -> Role | None:
        """Returns the role that the user gave to this speaker."""
        return self.roles.get(speaker.strip().casefold()) if self.roles else None

    @classmethod
    def parse(cls, *texts: str) -> "FieldMap":
        """Reads the value of each `--map` option; several names of one role are given as several pairs.

        A comma separates pairs only where another `key=` follows, so that `agent=Lopez, Maria` is one name.

        Raises:
            InvalidInputError: A pair has no `=`, an unknown key, no value, or contradicts another one.
        """
        columns: dict[str, str] = {}
        roles: dict[str, Role] = {}
        for text in texts:
            for pair in _NEXT_PAIR.split(text):
                key, value = _split_pair(pair)
                if key in COLUMNS:
                    if columns.setdefault(key, value) != value:
                        raise _error(f"{key} is given twice: {columns[key]!r} and {value!r}.")
                elif roles.setdefault(value.casefold(), Role(key)) != key:
                    raise _error(f"{value!r} is given two roles: {roles[value.casefold()]} and {key}.")
        return cls(roles=roles, **columns)


def _split_pair(pair: str) -> tuple[str, str]:
    key, equals, value = pair.partition("=")
    key, value = key.strip().lower(), value.strip()
    if not equals:
        raise _error(f"{pair.strip()!r} is no key=value pair.")
    if key not in _KEYS:
        raise _error(f"Unknown key {key!r}.{did_you_mean(key, _KEYS)} The keys are {', '.join(_KEYS)}.")
    if not value:
        raise _error(f"{key}= has no value.")
    return key, value


def _error(message: str) -> InvalidInputError:
    return InvalidInputError(f"--map: {message}", cure=_CURE, field="map")

"""As much of a scorecard as can be read, so that one wrong key does not hide a wrong pattern elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError

from tahoe_engine.models.check_specs import CheckSpec
from tahoe_engine.models.conditions import Condition
from tahoe_engine.models.scorecard import CheckReference, RequirementCheck, ScorecardDefinition


@dataclass(frozen=True)
class RequirementOutline:
    """What the rules ask of a requirement; None for what does not fit the format."""

    id: str | None
    category: str | None
    applies_when: Condition | None
    checks: tuple[CheckSpec | CheckReference | None, ...]


@dataclass(frozen=True)
class Outline:
    """What the rules ask of a scorecard."""

    name: str
    categories: tuple[str, ...]
    agents: tuple[str, ...]
    requirements: tuple[RequirementOutline, ...]


def outline_of(definition: ScorecardDefinition) -> Outline:
    """Returns the outline of a scorecard that fits the format."""
    return Outline(
        name=definition.name,
        categories=tuple(definition.categories),
        agents=tuple(definition.agents),
        requirements=tuple(
            RequirementOutline(requirement.id, requirement.category, requirement.applies_when, requirement.checks)
            for requirement in definition.requirements
        ),
    )


def outline_of_data(data: JsonValue) -> Outline:
    """Returns the outline of something that does not fit the format."""
    entries = _mapping(data)
    # Built here and not at import: few files are wrong, and an adapter takes milliseconds.
    check: TypeAdapter[Any] = TypeAdapter(RequirementCheck)
    condition: TypeAdapter[Any] = TypeAdapter(Condition)
    return Outline(
        name=str(entries.get("name")),
        categories=tuple(_mapping(entries.get("categories"))),
        agents=tuple(_mapping(entries.get("agents"))),
        requirements=tuple(
            RequirementOutline(
                id=_text(requirement.get("id")),
                category=_text(requirement.get("category")),
                applies_when=_read(condition, requirement.get("applies_when")),
                checks=tuple(_read(check, entry) for entry in _list(requirement.get("checks"))) or (None,),
            )
            for requirement in map(_mapping, _list(entries.get("requirements")))
        ),
    )


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _read[T](adapter: TypeAdapter[T], value: JsonValue) -> T | None:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None

"""JSON schemas, as the providers of models want them."""

from collections.abc import Mapping
from typing import Any

from google.genai import types
from pydantic import BaseModel

_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "$defs", "definitions")


def of_genai(given: object) -> dict[str, Any]:
    """Returns the JSON schema of what ADK takes as one: its own type, a Pydantic model, or a schema already."""
    if isinstance(given, types.Schema):
        return _lower(given.model_dump(mode="json", by_alias=True, exclude_none=True))
    if isinstance(given, type) and issubclass(given, BaseModel):
        return given.model_json_schema()
    return dict(given) if isinstance(given, Mapping) else {}


def close_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the schema with every object closed that does not say whether it is: a model shall invent no keys."""
    closed = _map_parts(schema, close_schema)
    if closed.get("type") == "object" and "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether OpenAI holds a model to it: every object is closed, and all of its keys are required."""
    found = True

    def look(part: Mapping[str, Any]) -> dict[str, Any]:
        nonlocal found
        if part.get("type") == "object":
            required, properties = part.get("required", []), part.get("properties", {})
            is_closed = part.get("additionalProperties") is False
            # In drafts of old, and in what is no schema, they are something else.
            is_read = isinstance(required, list) and isinstance(properties, Mapping)
            found = found and is_closed and is_read and set(map(str, required)) == set(properties)
        return _map_parts(part, look)

    look(schema)
    return found


def _map_parts(schema: Mapping[str, Any], change: Any) -> dict[str, Any]:  # noqa: ANN401 - a function of itself
    changed = dict(schema)
    for name in _LISTS:
        if isinstance(parts := schema.get(name), list):
            changed[name] = [change(part) if isinstance(part, Mapping) else part for part in parts]
    for name in _MAPS:
        if isinstance(parts := schema.get(name), Mapping):
            changed[name] = {key: change(part) if isinstance(part, Mapping) else part for key, part in parts.items()}
    if isinstance(items := schema.get("items"), Mapping):
        changed["items"] = change(items)
    return changed


def _lower(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Turns the words of Google's schema into those of JSON schema."""
    changed = _map_parts(schema, _lower)
    kind = changed.get("type")
    if isinstance(kind, str):
        changed["type"] = [kind.lower(), "null"] if changed.get("nullable") else kind.lower()
    for name in ("nullable", "propertyOrdering"):
        changed.pop(name, None)
    # Google writes whole numbers as strings.
    counts = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
    return {name: int(value) if name in counts else value for name, value in changed.items()}

"""Makes the published OpenAPI document say what the service really does."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

from tahoe_core.http.probes import NotReady
from tahoe_core.http.problem import Problem, problem_responses

Schema = dict[str, Any]

REF = "#/components/schemas/"
FIRST_CLAUSE = re.compile(r"[.:;](?=\s|$)")
NUL_FREE = r"^[^\u0000]*$"
JSON_VALUE = "JsonValue"
SAYS_WHAT_IT_IS = frozenset({"type", "$ref", "anyOf", "allOf", "oneOf", "enum", "const", "not"})
IDEMPOTENCY_NOTE = (
    "Takes an `Idempotency-Key` header of 1 to 255 characters: sent again with the same key and body, the request is"
    " not done again, and the first answer comes back with `Idempotency-Replayed: true`. While the first is still being"
    " done, the second gets a 409, and so it does afterwards where the answer says `Cache-Control: no-store`, with the"
    " `Location` of the first; with another body under the same key it gets a 422."
)

CREATED = str(int(HTTPStatus.CREATED))
LOCATION = {"Location": {"description": "The path of what was made.", "schema": {"type": "string"}}}

ANY_OPERATION = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
WITH_TOKEN = (HTTPStatus.UNAUTHORIZED,)
WITH_INPUT = (HTTPStatus.UNPROCESSABLE_CONTENT,)
WITH_CURSOR = (HTTPStatus.NOT_FOUND,)
WITH_BODY = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,  # it keeps to the schema and contradicts itself
    HTTPStatus.CONTENT_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_CONTENT,
)
IDEMPOTENT = (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_CONTENT)


def install_openapi(app: FastAPI) -> None:
    """Has the app's document declare our problem answers and the text that is refused everywhere."""
    generate = app.openapi
    completed: Schema | None = None

    def openapi() -> Schema:
        nonlocal completed
        schema = generate()
        if schema is not completed:  # FastAPI makes a new one when routes are added
            _complete(schema)
            completed = schema
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI's guide names


def _complete(document: Schema) -> None:
    schemas: Schema = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for model in (Problem, NotReady):
        own = model.model_json_schema(ref_template=REF + "{model}", mode="serialization")
        schemas |= own.pop("$defs", {}) | {model.__name__: own}
    schemas[JSON_VALUE] = _json_value()
    for path in document["paths"].values():
        for method, operation in path.items():
            _summarize(operation)
            _declare_problems(method, operation)
            _declare_text(operation)
    for name in _reached_from_input(document):
        if name != JSON_VALUE:
            _refuse_nul(schemas[name])


def _summarize(operation: Schema) -> None:
    """Says in the overview what the description begins with, rather than the function's name in other words."""
    if operation.get("description"):
        operation["summary"] = FIRST_CLAUSE.split(operation["description"], maxsplit=1)[0]


def _declare_problems(method: str, operation: Schema) -> None:
    statuses: set[HTTPStatus] = set(ANY_OPERATION)
    if "security" in operation:
        statuses.update(WITH_TOKEN)
    if operation.get("parameters"):
        statuses.update(WITH_INPUT)
    if any(parameter["name"] == "cursor" for parameter in operation.get("parameters", [])):
        statuses.update(WITH_CURSOR)
    if "requestBody" in operation:
        statuses.update(WITH_BODY)
    if method == "post" and "security" in operation:
        statuses.update(IDEMPOTENT)
        operation["description"] = f"{operation.get('description', '')}\n\n{IDEMPOTENCY_NOTE}".strip()
    responses = operation.setdefault("responses", {})
    if CREATED in responses:
        responses[CREATED]["headers"] = LOCATION
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    for status, response in problem_responses(*sorted(statuses)).items():
        responses.setdefault(str(status), response)


def _declare_text(operation: Schema) -> None:
    for parameter in operation.get("parameters", []):
        _refuse_nul(parameter.get("schema", {}))
    for content in operation.get("requestBody", {}).get("content", {}).values():
        _refuse_nul(content.get("schema", {}))


def _refuse_nul(schema: Schema) -> None:
    """Says of every text in a schema that it holds no U+0000, and of what may be anything that it is a `JsonValue`."""
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "string" in kinds and not schema.keys() & {"pattern", "format", "enum", "const"}:
        schema["pattern"] = NUL_FREE
    if "object" in kinds:
        _hold_keys_to_their_pattern(schema)
        if schema.get("additionalProperties", True) is True:
            schema["additionalProperties"] = {}
        if schema["additionalProperties"] is not False:
            schema.setdefault("propertyNames", {"pattern": NUL_FREE})
    if "array" in kinds and "prefixItems" not in schema:
        schema.setdefault("items", {})
    for inner in _inner_schemas(schema):
        if not inner.keys() & SAYS_WHAT_IT_IS:
            inner["$ref"] = REF + JSON_VALUE
        else:
            _refuse_nul(inner)


def _hold_keys_to_their_pattern(schema: Schema) -> None:
    """Says that all keys have a pattern where Pydantic says what those that have it hold, which leaves others free."""
    if len(schema.get("patternProperties", {})) == 1:
        [(pattern, values)] = schema.pop("patternProperties").items()
        schema.setdefault("propertyNames", {})["pattern"] = pattern
        schema["additionalProperties"] = values


def _inner_schemas(schema: Schema) -> Iterator[Schema]:
    for keyword in ("properties", "patternProperties"):
        yield from schema.get(keyword, {}).values()
    for keyword in ("anyOf", "allOf", "oneOf", "prefixItems"):
        yield from schema.get(keyword, [])
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield schema[keyword]


def _reached_from_input(document: Schema) -> set[str]:
    """The names of the component schemas that requests are made of."""
    todo: list[Any] = [
        part
        for path in document["paths"].values()
        for operation in path.values()
        for part in (operation.get("parameters"), operation.get("requestBody"))
    ]
    reached: set[str] = set()
    while todo:
        match todo.pop():
            case dict() as item:
                name = str(item.get("$ref", "")).removeprefix(REF)
                if name and name not in reached:
                    reached.add(name)
                    todo.append(document["components"]["schemas"][name])
                todo.extend(item.values())
            case list() as items:
                todo.extend(items)
    return reached


def _json_value() -> Schema:
    itself = {"$ref": REF + JSON_VALUE}
    return {
        "title": JSON_VALUE,
        "description": "Any JSON whose texts and keys hold no U+0000.",
        "anyOf": [
            {"type": "null"},
            {"type": "boolean"},
            {"type": "number"},
            {"type": "string", "pattern": NUL_FREE},
            {"type": "array", "items": itself},
            {"type": "object", "propertyNames": {"pattern": NUL_FREE}, "additionalProperties": itself},
        ],
    }

"""JSON Schema, draft 2020-12, whose run time is bounded and which fetches nothing.

Schemas come from whoever writes a scorecard, documents from whatever a model wrote.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import regex
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from pydantic import JsonValue
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from tahoe_core.errors import InvalidInputError
from tahoe_engine.scoring.check import CheckNotRunError
from tahoe_engine.scoring.patterns import compile_pattern
from tahoe_engine.scoring.schema_formats import FORMATS
from tahoe_engine.scoring.schema_keywords import Allowance, BoundedValidator, allowance
from tahoe_engine.scoring.wording import quoted

MAX_ERRORS = 20
MAX_SCHEMA_DEPTH = 100

_REFERENCES = ("$ref", "$dynamicRef")
_DATA_KEYWORDS = frozenset(("const", "default", "enum", "examples"))

type _Path = tuple[str | int, ...]


class BoundedSchema:
    """A schema that documents are checked against.

    Raises:
        InvalidInputError: It is no schema, or it refers to something outside itself.
    """

    def __init__(self, schema: dict[str, JsonValue] | bool) -> None:
        parts = list(_parts(schema))  # the first of all, since it finds what is nested too deeply for the others
        own = _without_dialect(schema)
        try:
            # without formats: the one for patterns is that of Python's re, and ours knows more
            Draft202012Validator.check_schema(own, format_checker=FormatChecker(()))
        except SchemaError as error:
            raise _refusal(f"This is no JSON Schema: {error.message[:200]}.", "", error.absolute_path) from error
        for path, part in parts:
            _refuse_foreign_references(part, path)
            _refuse_bad_patterns(part, path)
        _refuse_unbounded_pair(parts)
        _refuse_dangling_references(own)
        self._validator = BoundedValidator(own, registry=Registry(), format_checker=FORMATS)

    def errors(self, document: JsonValue, allowed: Allowance) -> list[ValidationError]:
        """Returns the first places that do not fit.

        Raises:
            CheckNotRunError: It took too long, or schema or document are nested too deeply.
        """
        token = allowance.set(allowed)
        try:
            return list(islice(self._validator.iter_errors(document), MAX_ERRORS))
        except RecursionError:
            raise CheckNotRunError(
                "The document is nested too deeply, or the schema refers to itself for ever."
            ) from None
        except Unresolvable as error:
            raise CheckNotRunError(f"The schema refers to {error.ref}, which it does not hold.") from error
        finally:
            allowance.reset(token)


def _refusal(message: str, cure: str, path: Iterable[str | int]) -> InvalidInputError:
    return InvalidInputError(message, cure=cure, field=".".join(("schema", *map(str, path))))


def _without_dialect(schema: Any) -> Any:  # noqa: ANN401 - any JSON
    """Copies a schema without `$schema`: jsonschema would choose another validator by it, without our limits."""
    if isinstance(schema, list):
        return [_without_dialect(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value if key in _DATA_KEYWORDS else _without_dialect(value)
        for key, value in schema.items()
        if not (key == "$schema" and isinstance(value, str))
    }


def _parts(schema: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[_Path, dict[str, Any]]]:  # noqa: ANN401
    """Yields every object in a schema with its place; most are schemas themselves."""
    if len(path) > MAX_SCHEMA_DEPTH:
        raise _refusal(f"The schema is nested more than {MAX_SCHEMA_DEPTH} levels deep.", "Make it flatter.", path)
    if isinstance(schema, dict):
        yield path, schema
    entries = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for key, value in entries:
        if key not in _DATA_KEYWORDS:
            yield from _parts(value, (*path, key))


def _refuse_foreign_references(part: dict[str, Any], path: _Path) -> None:
    for keyword in _REFERENCES:
        target = part.get(keyword)
        if isinstance(target, str) and not target.startswith("#"):
            message = f"The schema refers to {quoted(target)}, but nothing is fetched."
            raise _refusal(message, "Put it under $defs and refer to it by #/$defs/….", (*path, keyword))


def _refuse_bad_patterns(part: dict[str, Any], path: _Path) -> None:
    by_name = part.get("patternProperties")
    patterns = [part.get("pattern"), *(by_name if isinstance(by_name, dict) else ())]
    for pattern in patterns:
        if isinstance(pattern, str):
            try:
                compile_pattern(pattern, ignore_case=False)
            except (
                regex.error,
                RecursionError,
                OverflowError,
                ValueError,
                KeyError,
            ) as error:  # all but the first: too large
                raise _refusal(f"{quoted(pattern)} is no regular expression: {error}.", "", path) from error


def _refuse_unbounded_pair(parts: list[tuple[_Path, dict[str, Any]]]) -> None:
    """Refuses two keywords together: jsonschema then searches by `re`, out of our reach."""
    if {"unevaluatedProperties", "patternProperties"} <= {key for _, part in parts for key in part}:
        message = "unevaluatedProperties does not go with patternProperties here."
        raise _refusal(message, "Use additionalProperties.", ("unevaluatedProperties",))


def _refuse_dangling_references(schema: Any) -> None:  # noqa: ANN401 - any JSON
    parts = list(_parts(schema))
    if any("$id" in part for path, part in parts if path):
        return  # references are relative to such an id; what is wrong with them turns up when the check runs
    resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
    for path, part in parts:
        for keyword in _REFERENCES:
            target = part.get(keyword)
            if isinstance(target, str):
                try:
                    resolver.lookup(target)
                except Unresolvable as error:
                    message = f"The schema refers to {quoted(target)}, which it does not hold."
                    raise _refusal(message, "Mend the reference.", (*path, keyword)) from error

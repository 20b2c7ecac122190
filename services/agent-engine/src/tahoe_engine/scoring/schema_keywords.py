"""The keywords of JSON Schema whose run time the library jsonschema does not bound.

It searches patterns by `re`, which can backtrack for ever, and compares items with one another. Every keyword here also
looks at the clock.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextvars import ContextVar
from time import perf_counter
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from pydantic import JsonValue

from tahoe_engine.scoring.check import CheckNotRunError
from tahoe_engine.scoring.patterns import compile_pattern
from tahoe_engine.scoring.wording import quoted

MAX_UNEVALUATED = 2000

_SECONDS = 1.0
_SECONDS_PER_CODE_POINT = 1e-5  # ten times what ordinary schemas take

# The validator, the keyword's value, the document and the schema around the keyword, as jsonschema hands them over.
type _Keyword = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]


class Allowance:
    """How long the documents of one interaction may take.

    Args:
        pattern_timeout: Seconds that one search by a pattern may take.
    """

    def __init__(self, pattern_timeout: float) -> None:
        self.pattern_timeout = pattern_timeout
        self._end = perf_counter() + _SECONDS

    def add(self, code_points: int) -> None:
        """Allows the time that a document of this size needs."""
        self._end += code_points * _SECONDS_PER_CODE_POINT

    def use(self) -> None:
        """Looks at the clock.

        Raises:
            CheckNotRunError: The time is over.
        """
        if perf_counter() > self._end:
            raise CheckNotRunError("Checking against the schema took too long; simplify the schema.")


allowance: ContextVar[Allowance] = ContextVar("allowance")
"""What the validation that runs here may take; jsonschema leaves no other way to hand it to the keywords."""


def _timed(keyword: _Keyword) -> _Keyword:
    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:  # noqa: ANN401
        allowance.get().use()
        return keyword(validator, value, instance, schema)

    return check


def _found(pattern: str, text: str) -> bool:
    try:
        return (
            compile_pattern(pattern, ignore_case=False).search(text, timeout=allowance.get().pattern_timeout)
            is not None
        )
    except TimeoutError:
        raise CheckNotRunError(
            f"The schema's pattern {quoted(pattern)} takes too long; simplify it, for instance avoid nested repetition "
            "such as (a+)+."
        ) from None


def _pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401
    if validator.is_type(instance, "string") and not _found(pattern, instance):
        yield ValidationError(f"does not match {pattern!r}")


def _pattern_properties(validator: Any, schemas: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401
    if validator.is_type(instance, "object"):
        for pattern, subschema in schemas.items():
            for key, value in instance.items():
                if _found(pattern, key):
                    yield from validator.descend(value, subschema, path=key, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401
    if not validator.is_type(instance, "object"):
        return
    patterns = schema.get("patternProperties", ())
    for key, value in instance.items():
        if key not in schema.get("properties", ()) and not any(_found(pattern, key) for pattern in patterns):
            if allowed is False:
                yield ValidationError(f"{key!r} is not expected", path=[key])
            else:
                yield from validator.descend(value, allowed, path=key)


def _unique_items(validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401
    if wanted and validator.is_type(instance, "array") and len({_identity(item) for item in instance}) < len(instance):
        yield ValidationError("holds something twice")


def _identity(value: JsonValue) -> Hashable:
    """Returns what is equal for values that JSON Schema calls equal: 1 and 1.0 are, 1 and true are not."""
    match value:
        case bool():
            return "bool", value
        case list():
            return "list", tuple(_identity(item) for item in value)
        case dict():
            return "dict", frozenset((key, _identity(item)) for key, item in value.items())
        case _:
            return value


def _small(keyword: _Keyword) -> _Keyword:
    """Keeps a keyword whose time grows with the square of the size from large documents."""

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:  # noqa: ANN401
        if isinstance(instance, dict | list) and len(instance) > MAX_UNEVALUATED:
            raise CheckNotRunError(
                f"What is unevaluated is sought among {MAX_UNEVALUATED} entries at most; use additionalProperties."
            )
        return keyword(validator, value, instance, schema)

    return check


BoundedValidator = extend(  # type: ignore[no-untyped-call]  # its stub gives no types
    Draft202012Validator,
    {name: _timed(keyword) for name, keyword in Draft202012Validator.VALIDATORS.items()}
    | {
        "pattern": _timed(_pattern),
        "patternProperties": _timed(_pattern_properties),
        "additionalProperties": _timed(_additional_properties),
        "uniqueItems": _timed(_unique_items),
        "unevaluatedItems": _timed(_small(Draft202012Validator.VALIDATORS["unevaluatedItems"])),
        "unevaluatedProperties": _timed(_small(Draft202012Validator.VALIDATORS["unevaluatedProperties"])),
    },
)

"""From what Pydantic says of a scorecard to what its author can act on."""

import types
from collections.abc import Callable
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from tahoe_core.near_names import did_you_mean
from tahoe_engine.models.conditions import InteractionCondition
from tahoe_engine.models.scorecard import ScorecardDefinition
from tahoe_engine.scoring.problems import Lines, Location, Problem, line_of, listed

type Annotation = Any  # what may stand behind the colon of a field has no narrower type

_CONDITION_KEYS = ("requirement", "found", "all", "any", "not")


def schema_problems(error: ValidationError, source: str, lines: Lines | None) -> list[Problem]:
    """Says what does not fit the format, one problem a place.

    What only follows from another problem is left out: to Pydantic a list whose items are wrong is also too short, and
    a value that may be this or that is wrong in both ways.
    """
    found: dict[Location, tuple[ErrorDetails, Annotation]] = {}
    for details in error.errors(include_url=False):
        location, around = _translate(details["loc"])
        if location not in found or details["type"] in {"enum", "literal_error"}:
            found[location] = details, around
    holds_others = {location[:end] for location in found for end in range(len(location))}
    return [
        Problem(source, location, _message(details, location, around), line_of(lines, location))
        for location, (details, around) in found.items()
        if location not in holds_others
    ]


def _translate(loc: tuple[str | int, ...]) -> tuple[Location, Annotation]:
    """Returns where in the file an error is, and the type of what is around it.

    Pydantic's own place also names which of several types it had tried; those names do not stand in the file.
    """
    location: list[str | int] = []
    here: Annotation = ScorecardDefinition
    around: Annotation = None
    for step in loc:
        if step == "[key]":
            continue
        if _arms(here):
            here = _arm(here, str(step))
        else:
            location.append(step)
            around, here = here, _inside(here, step)
    return tuple(location), around


def _bare(annotation: Annotation) -> Annotation:
    """Takes off what surrounds a type: metadata, and that it may be left out."""
    origin: object = get_origin(annotation)
    if origin is Annotated:
        return _bare(get_args(annotation)[0])
    if origin is Union or origin is types.UnionType:
        arms = [arm for arm in get_args(annotation) if arm is not types.NoneType]
        return _bare(arms[0]) if len(arms) == 1 else annotation
    return annotation


def _arms(annotation: Annotation) -> list[Annotation]:
    """Returns the types of a union; none for anything else."""
    bare = _bare(annotation)
    origin: object = get_origin(bare)
    return list(get_args(bare)) if origin is Union or origin is types.UnionType else []


def _arm(annotation: Annotation, label: str) -> Annotation:
    """Returns that type of a union which Pydantic calls so: by its tag, or by how its name begins."""
    for arm in _arms(annotation):
        bare: Annotation = _bare(arm)
        tags = [metadata.tag for metadata in getattr(arm, "__metadata__", ()) if isinstance(metadata, Tag)]
        if isinstance(bare, type) and issubclass(bare, BaseModel) and "type" in bare.model_fields:
            tags.extend(get_args(bare.model_fields["type"].annotation))
        if label in tags or label.startswith(getattr(get_origin(bare), "__name__", "nothing that Pydantic says")):
            return arm
    return None


def _inside(annotation: Annotation, step: str | int) -> Annotation:
    """Returns the type of an entry of a value."""
    bare = _bare(annotation)
    origin: object = get_origin(bare)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        fields = {field.alias or name: field.annotation for name, field in bare.model_fields.items()}
        return fields.get(str(step))
    if origin is tuple:
        return get_args(bare)[0]
    if origin is dict:
        return get_args(bare)[1]
    return None


def _message(details: ErrorDetails, location: Location, around: Annotation) -> str:
    if details["type"] == "greater_than" and location[-1] == "weight":
        return "must be above 0: leave out what should not count."
    make = _MESSAGES.get(details["type"])
    if make is not None:
        return make(details)
    if details["type"] == "extra_forbidden":
        return _unknown_key(str(location[-1]), _keys(around))
    return f"{details['msg'].removeprefix('Input ').removeprefix('Value error, ')}."


def _keys(annotation: Annotation) -> list[str]:
    model = _bare(annotation)
    keys = [field.alias or name for name, field in model.model_fields.items()]
    return [*keys, *_CONDITION_KEYS] if model is InteractionCondition else keys


def _unknown_key(key: str, known: list[str]) -> str:
    return f"is not known here.{did_you_mean(key, known, around='`')} Known are {listed(known)}."


def _words(expected: str) -> list[str]:
    """Takes Pydantic's list of words apart: `'a', 'b' or 'c'`."""
    return expected.split("'")[1::2]


def _not_allowed(details: ErrorDetails) -> str:
    words = _words(details["ctx"]["expected"])
    given = details["input"]
    lead = f"`{given}` is not allowed." if isinstance(given, str) else f"is {_kind(given)}, not one of the words."
    return f"{lead}{did_you_mean(str(given), words, around='`')} Allowed are {listed(words)}."


def _unknown_type(details: ErrorDetails) -> str:
    tag, known = details["ctx"]["tag"], _words(details["ctx"]["expected_tags"])
    what = "check type" if "judge" in known else "thing to look for"
    return f"`{tag}` is no known {what}.{did_you_mean(tag, known, around='`')} Known are {listed(known)}."


def _kind(value: object) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "true or false"
        case int() | float():
            return f"the number {value}"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _must_be(what: str, advice: str = "") -> Callable[[ErrorDetails], str]:
    return lambda details: f"must be {what}, but is {_kind(details['input'])}.{advice}"


def _limit(text: str, name: str) -> Callable[[ErrorDetails], str]:
    return lambda details: f"must be {text} {details['ctx'][name]:g}."


_A_MAPPING = _must_be("a mapping (`key: value`)")
_A_LIST = _must_be("a list", " Put it in brackets, or on lines that begin with a dash.")
_A_TEXT = _must_be("a text", " Put it in quotes.")
_A_NUMBER = _must_be("a number")
_A_TIME = "must be a time of day on a 24-hour clock, for instance 08:00."
_MESSAGES: dict[str, Callable[[ErrorDetails], str]] = {
    "missing": lambda _: "is missing.",
    "enum": _not_allowed,
    "literal_error": _not_allowed,
    "union_tag_invalid": _unknown_type,
    "union_tag_not_found": lambda _: "has no `type`, which says what kind of check it is.",
    "model_type": _A_MAPPING,
    "model_attributes_type": _A_MAPPING,
    "dict_type": _A_MAPPING,
    "tuple_type": _A_LIST,
    "list_type": _A_LIST,
    "string_type": _A_TEXT,
    "float_type": _A_NUMBER,
    "float_parsing": _A_NUMBER,
    "int_type": _must_be("a whole number"),
    "int_parsing": _must_be("a whole number"),
    "int_from_float": _must_be("a whole number"),
    "bool_type": _must_be("true or false"),
    "bool_parsing": _must_be("true or false"),
    "time_type": lambda _: _A_TIME,
    "time_parsing": lambda _: _A_TIME,
    "greater_than": _limit("above", "gt"),
    "greater_than_equal": _limit("at least", "ge"),
    "less_than": _limit("below", "lt"),
    "less_than_equal": _limit("at most", "le"),
    "too_short": lambda _: "must hold at least one entry.",
    "string_too_short": lambda _: "must not be empty.",
    "string_too_long": lambda details: f"must have at most {details['ctx']['max_length']} characters.",
    "string_pattern_mismatch": lambda details: (
        f"`{details['input']}` is no name: use lower-case letters, digits, dot, dash and underscore, and begin with a "
        "letter or digit."
    ),
    "value_error": lambda details: f"{details['ctx']['error']}.",
}

"""YAML from outside: plain values, the line of each, and nothing that could hurt.

The values are read as YAML 1.2 has them. The older rules, which PyYAML follows by default, play tricks on the authors
of scorecards: `latest: 21:00` would be the number 1260, and `regions: [NO]` a falsehood.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import yaml
from pydantic import JsonValue
from yaml.events import CollectionEndEvent, CollectionStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tahoe_engine.scoring.problems import Location, Problem, ScorecardError

MAX_CHARACTERS = 1_000_000
MAX_VALUES = 50_000
"""Values after the aliases have been followed: nine short lines of aliases can stand for thousands of millions."""
MAX_DEPTH = 50
"""Levels of nesting; libyaml's composer recurses without a limit, and a deep file would crash the process."""

TAG = "tag:yaml.org,2002:"
PLAIN_SCALARS = {
    TAG + name: re.compile(f"^(?:{expression})$")
    for name, expression in (
        ("null", r"~|null|Null|NULL|"),
        ("bool", r"true|True|TRUE|false|False|FALSE"),
        ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
        (
            "float",
            r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        ),
    )
}
"""What an unquoted scalar may be beside a text: the core schema of YAML 1.2, chapter 10.3."""

_HINTS = {
    "unknown escape character": "In double quotes a backslash begins an escape: write patterns in single quotes.",
    "mapping values are not allowed": "A text that holds a colon and a space needs quotes.",
    "cannot start any token": "Indent with spaces, and put a text that begins with @, % or ` in quotes.",
    "while parsing a flow": "A text that holds brackets, braces or commas needs quotes.",
    "while scanning an alias": "A text that begins with * needs quotes.",
}


@dataclass
class YamlDocument:
    """One document.

    Attributes:
        lines: 1-based line of every value; for an entry of a mapping, of its key.
        problems: What YAML allows and a scorecard does not; the values are kept as far as they make sense.
    """

    source: str
    data: JsonValue = None
    lines: dict[Location, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    values: int = 0

    def complain(self, location: Location, line: int, message: str) -> None:
        """Notes a problem that does not keep the rest from being read."""
        self.problems.append(Problem(self.source, location, message, line))


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # which of the two, only the machine knows
    """The safe loader with the scalars of YAML 1.2."""

    yaml_implicit_resolvers: dict[str | None, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's name


for _tag, _expression in PLAIN_SCALARS.items():
    _Loader.add_implicit_resolver(_tag, _expression, None)


def read_yaml(text: str, source: str) -> YamlDocument:
    """Reads one document of plain values.

    Raises:
        ScorecardError: It is no YAML, empty, too large, too deep, or grows too large through its aliases.
    """
    if len(text) > MAX_CHARACTERS:
        raise _refusal(source, None, f"has {len(text):,} characters; {MAX_CHARACTERS:,} are allowed.")
    try:
        node = _compose(text, source)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(source, error) from None
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise _refusal(source, None, f"is not readable as YAML: {str(error).splitlines()[0]}.") from None
    document = YamlDocument(source)
    document.data = _value(node, (), document)
    return document


def _compose(text: str, source: str) -> Node:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else None
            raise _refusal(source, line, f"is nested deeper than {MAX_DEPTH} levels here.")
    node: Node | None = yaml.compose(text, Loader=_Loader)
    if node is None:
        raise _refusal(source, None, "is empty; a scorecard has at least a name, categories and requirements.")
    return node


def _value(node: Node, location: Location, document: YamlDocument) -> JsonValue:
    line = node.start_mark.line + 1
    document.lines.setdefault(location, line)
    document.values += 1
    if document.values > MAX_VALUES:
        raise _refusal(document.source, line, f"holds more than {MAX_VALUES:,} values, aliases included.")
    if len(location) > MAX_DEPTH:
        raise _refusal(document.source, line, "refers to itself through an alias.")
    if isinstance(node, MappingNode) and node.tag == TAG + "map":
        return _mapping(node, location, document)
    if isinstance(node, SequenceNode) and node.tag == TAG + "seq":
        return [_value(item, (*location, index), document) for index, item in enumerate(node.value)]
    if isinstance(node, ScalarNode) and (node.tag in PLAIN_SCALARS or node.tag == TAG + "str"):
        return _scalar(node, location, document)
    document.complain(location, line, f"has the tag `{node.tag.replace(TAG, '!!')}`; only plain values are allowed.")
    return None


def _mapping(node: MappingNode, location: Location, document: YamlDocument) -> JsonValue:
    entries: dict[str, JsonValue] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode):
            document.complain(location, line, "has a key that is no text.")
            continue
        key, here = key_node.value, (*location, key_node.value)
        if key == "<<":
            document.complain(location, line, "holds a merge (`<<`), which is not supported; write the entries out.")
        elif key in entries:
            document.complain(here, line, f"stands here a second time; the first is on line {document.lines[here]}.")
        else:
            document.lines[here] = line
            entries[key] = _value(value_node, here, document)
    return entries


def _scalar(node: ScalarNode, location: Location, document: YamlDocument) -> JsonValue:
    text: str = node.value
    expression = PLAIN_SCALARS.get(node.tag)
    if expression is None:
        return text
    try:
        value = _READ[node.tag](text) if expression.match(text) else math.nan
    except ValueError:  # more digits than Python reads
        value = math.nan
    if isinstance(value, float) and not math.isfinite(value):
        document.complain(location, node.start_mark.line + 1, "is no number that can be used.")
        return None
    return value


_READ: dict[str, Callable[[str], JsonValue]] = {
    TAG + "null": lambda _: None,
    TAG + "bool": lambda text: text.lower() == "true",
    TAG + "int": lambda text: int(text, 0 if text[:2] in {"0o", "0x"} else 10),
    TAG + "float": lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan")),
}


def _syntax_error(source: str, error: yaml.MarkedYAMLError) -> ScorecardError:
    mark = error.problem_mark or error.context_mark
    said = ", ".join(str(part) for part in (error.context, error.problem) if part)
    hint = next((hint for sign, hint in _HINTS.items() if sign in said), "")
    return _refusal(source, mark.line + 1 if mark else None, f"is not readable as YAML: {said}. {hint}".rstrip())


def _refusal(source: str, line: int | None, message: str) -> ScorecardError:
    return ScorecardError([Problem(source, (), message, line)])

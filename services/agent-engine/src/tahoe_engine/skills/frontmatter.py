"""The head of a SKILL.md: YAML between two lines of `---`, read with the patience that real skills need.

Every scalar is a text, as the specification's own validator has it: `version: 1.0` is "1.0", and `no` is no falsehood.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from tahoe_engine.skills.problems import Severity

type Value = str | list[Value] | dict[str, Value]

MAX_CHARACTERS = 64 * 1024
MAX_DEPTH = 10
FENCE = "---"
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_KEY = re.compile(r"([^\s:#'\"][^:]*?)[ \t]*:(?:[ \t]+(.*))?$")
_ALIAS = "an alias (`*name`) has no place in a frontmatter, the value has to be written out"
_QUOTED = ('"', "'", "|", ">")


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of the frontmatter, and the 1-based line of its key in the file."""

    value: Value
    line: int


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is wrong, at a line of the file."""

    line: int | None
    severity: Severity
    message: str


class FrontmatterError(Exception):
    """Nothing can be made of the file."""

    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message)
        self.note = Note(line, Severity.FATAL, message)


@dataclass
class SkillText:
    """A SKILL.md, taken apart.

    Attributes:
        body: What follows the frontmatter, without the empty lines around it.
        body_line: 1-based line where it begins.
        notes: What breaks the specification and could be read all the same.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    body: str = ""
    body_line: int = 1
    notes: list[Note] = field(default_factory=list)

    def complain(self, line: int | None, message: str) -> None:
        """Notes what breaks the specification."""
        self.notes.append(Note(line, Severity.ERROR, message))


def read_skill_text(content: str) -> SkillText:
    """Takes a SKILL.md apart.

    Raises:
        FrontmatterError: It has no frontmatter, or one that cannot be read as YAML by any means.
    """
    text = SkillText()
    if content.startswith("\ufeff"):
        text.complain(1, "begins with a byte order mark, which other readers trip over: save it as plain UTF-8.")
    lines = content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first, last = _find_fences(lines, text)
    text.body, text.body_line = _strip_body(lines, last + 1)
    for number, line in enumerate(lines[first + 1 : last], first + 2):
        if FENCE in line:
            text.complain(number, f"holds `{FENCE}` within the frontmatter, which other readers take for its end.")
    text.entries = _read_entries(lines[first + 1 : last], first + 1, text)
    return text


def _find_fences(lines: list[str], text: SkillText) -> tuple[int, int]:
    """0-based places of the two lines of `---`."""
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    if lines[first].rstrip() != FENCE:
        raise FrontmatterError(first + 1, f"does not begin with a line of `{FENCE}`, name and description below it.")
    if first > 0:
        text.complain(1, f"begins with empty lines; the first line has to be `{FENCE}`.")
    last = next((place for place in range(first + 1, len(lines)) if lines[place].rstrip() == FENCE), None)
    if last is None:
        raise FrontmatterError(first + 1, f"has a frontmatter without an end: a second line of `{FENCE}` is missing.")
    if sum(map(len, lines[first:last])) > MAX_CHARACTERS:
        raise FrontmatterError(first + 1, f"has a frontmatter of more than {MAX_CHARACTERS:,} characters.")
    return first, last


def _strip_body(lines: list[str], start: int) -> tuple[str, int]:
    begin = next((place for place in range(start, len(lines)) if lines[place].strip()), start)
    return "\n".join(lines[begin:]).rstrip(), begin + 1


def _read_entries(lines: list[str], lines_before: int, text: SkillText) -> dict[str, Entry]:
    """Reads the YAML; a plain text that YAML trips over is put in quotes, and noted."""
    lines = list(lines)
    for _attempt in range(len(lines) + 1):
        try:
            node = _compose("\n".join(lines), lines_before, text)
            break
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = mark.line if mark else 0
            mended = _quote_plain(lines, place)
            if mended is None:
                raise FrontmatterError(lines_before + place + 1, _explain(error)) from None
            text.complain(
                lines_before + mended + 1,
                "is not YAML: a text with a colon and a space in it, or one of @ ` % & * [ { before it, needs quotes.",
            )
        except (yaml.YAMLError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise FrontmatterError(lines_before + 1, f"is not readable as YAML: {reason}.") from None
    if not isinstance(node, MappingNode):
        raise FrontmatterError(lines_before + 1, "has a frontmatter that is no list of `key: value` lines.")
    return dict(_list_entries(node, lines_before, text))


def _compose(source: str, lines_before: int, text: SkillText) -> Node | None:
    depth = 0
    marked: list[int] = []
    for event in yaml.parse(source, Loader=_LOADER):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        line = lines_before + (event.start_mark.line if event.start_mark else 0) + 1
        if isinstance(event, AliasEvent):
            # Mostly no alias at all, but a text that begins with a star, which quotes mend.
            mark = event.start_mark
            raise yaml.MarkedYAMLError(problem=_ALIAS, problem_mark=mark)  # type: ignore[arg-type] # libyaml's own class
        if depth > MAX_DEPTH:
            raise FrontmatterError(line, f"is nested deeper than {MAX_DEPTH} levels here.")
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            marked.append(line)
    for line in marked:
        text.complain(line, "has an anchor (`&name`) or a tag (`!name`), which the specification's validator refuses.")
    node: Node | None = yaml.compose(source, Loader=_LOADER)
    return node


def _quote_plain(lines: list[str], place: int) -> int | None:
    """Puts the plain value at or above a line in quotes; returns the line of its key, None if there is none to quote.

    Its further lines are drawn up into the first, and left empty so that the lines below keep their numbers.
    """
    while place >= 0 and (place >= len(lines) or not lines[place].strip() or lines[place][0] in " \t"):
        place -= 1
    match = _KEY.match(lines[place]) if place >= 0 else None
    if match is None or not match[2] or match[2].startswith(_QUOTED):
        return None
    end = place + 1
    while end < len(lines) and lines[end].strip() and lines[end][0] in " \t":
        end += 1
    value = " ".join(part.strip() for part in (match[2], *lines[place + 1 : end]))
    lines[place:end] = [f"{match[1]}: '{value.replace("'", "''")}'", *[""] * (end - place - 1)]
    return place


def _list_entries(node: MappingNode, lines_before: int, text: SkillText) -> Iterator[tuple[str, Entry]]:
    first_lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = lines_before + key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode):
            text.complain(line, "has a key that is no text.")
            continue
        key: str = key_node.value
        if key in first_lines:
            text.complain(line, f"has `{key}` a second time; the first is on line {first_lines[key]} and counts.")
            continue
        first_lines[key] = line
        yield key, Entry(_value(value_node, lines_before, text), line)


def _value(node: Node, lines_before: int, text: SkillText) -> Value:
    line = lines_before + node.start_mark.line + 1
    if isinstance(node, CollectionNode) and node.flow_style:
        text.complain(line, "has a value in [brackets] or {braces}, which the specification's validator refuses.")
    if isinstance(node, SequenceNode):
        return [_value(item, lines_before, text) for item in node.value]
    if isinstance(node, MappingNode):
        return {
            str(key_node.value): _value(value_node, lines_before, text)
            for key_node, value_node in node.value
            if isinstance(key_node, ScalarNode)
        }
    return str(node.value)


def _explain(error: yaml.MarkedYAMLError) -> str:
    said = ", ".join(str(part) for part in (error.context, error.problem) if part)
    return f"is not readable as YAML: {said}."

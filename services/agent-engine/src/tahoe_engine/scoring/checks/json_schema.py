import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Never

from jsonschema.exceptions import ValidationError
from pydantic import JsonValue

from tahoe_core.errors import InvalidInputError
from tahoe_engine.models.check_specs import JsonSchemaCheck
from tahoe_engine.models.finding import CheckResult, Outcome
from tahoe_engine.models.interaction import Interaction, Role, ToolCall, Turn
from tahoe_engine.scoring.bounded_schema import BoundedSchema
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.tool_use import call_span
from tahoe_engine.scoring.evidence import MAX_EVIDENCE, Span, first_evidence
from tahoe_engine.scoring.json_spans import find_json_span
from tahoe_engine.scoring.schema_keywords import Allowance
from tahoe_engine.scoring.tool_names import fits
from tahoe_engine.scoring.turns import NumberedTurn, select_turns
from tahoe_engine.scoring.wording import quoted, says_nothing, times

MAX_DOCUMENT = 1_000_000
"""Code points of a document that is checked."""

_LONGEST_RULE = 80


@dataclass(frozen=True)
class _Document:
    """Something that was written, and where.

    Attributes:
        name: What it is called in an explanation.
        turn: The turn that it belongs to, after its index.
        start: Offset of `text` in the turn's text; None where the turn does not hold it.
        around: What is quoted where no part of `text` can be: (start, end) in the turn's text.
        parsed: The reader's parse, where it has one.
    """

    name: str
    text: str
    turn: NumberedTurn
    start: int | None
    around: tuple[int, int]
    parsed: Mapping[str, JsonValue] | None = None

    def span(self, path: Sequence[str | int]) -> Span:
        """Returns where the value at `path` stands, or what is around it."""
        index, turn = self.turn
        found = None if self.start is None else find_json_span(self.text, path)
        if self.start is None or found is None:
            return index, turn, *self.around
        return index, turn, self.start + found[0], self.start + found[1]


class JsonSchemaRunner:
    """Checks that arguments or results of tool calls, or what somebody writes, are JSON that fits a schema.

    A schema fits or it does not, so the confidence is always 1. Speaker and window choose the turns whose words are
    checked. For arguments and results the speaker is who calls the tools, actions being the agent's, and the window
    has no say.
    """

    def __init__(self, spec: JsonSchemaCheck, kit: CheckKit) -> None:
        self._spec = spec
        self._pattern_timeout = kit.pattern_timeout

    def run(self, interaction: Interaction) -> CheckResult:
        """Met when everything that was written fits; the first places that do not are the evidence."""
        documents = list(self._documents(interaction))
        if not documents:
            return CheckResult(outcome=Outcome.NOT_APPLICABLE, explanation=self._nothing())
        allowed = Allowance(self._pattern_timeout)
        faults = list(islice((fault for one in documents for fault in self._faults(one, allowed)), MAX_EVIDENCE))
        if not faults:
            count = len(documents)
            explanation = "The JSON fits the schema." if count == 1 else f"All {count} JSON documents fit the schema."
            return CheckResult(outcome=Outcome.MET, confidence=1.0, explanation=explanation)
        return CheckResult(
            outcome=Outcome.NOT_MET,
            confidence=1.0,
            evidence=first_evidence(span for span, _ in faults),
            explanation=f"{faults[0][1]}{_beside(len(faults) - 1)}",
        )

    def _documents(self, interaction: Interaction) -> Iterator[_Document]:
        match self._spec.target:
            case "message":
                for index, turn in select_turns(interaction, self._spec.speaker, self._spec.window):
                    yield _Document("what was written", turn.spoken_text, (index, turn), 0, (0, turn.spoken))
            case "arguments":
                for index, turn, call in self._calls(interaction):
                    yield _arguments(index, turn, call)
            case "result":
                yield from self._results(interaction)

    def _calls(self, interaction: Interaction) -> Iterator[tuple[int, Turn, ToolCall]]:
        speaker = self._spec.speaker
        roles = {speaker} if isinstance(speaker, Role) else set(speaker or Role)
        if Role.AGENT in roles:
            roles.add(Role.ACTION)
        for index, turn in enumerate(interaction.turns):
            if turn.role in roles:
                for call in turn.tool_calls:
                    if any(fits(tool, call.name) for tool in self._spec.tools):
                        yield index, turn, call

    def _results(self, interaction: Interaction) -> Iterator[_Document]:
        """Yields results that stand beside their call, and turns that answer one: by its id, or else the last one."""
        calls = {id(call): (index, turn, call) for index, turn, call in self._calls(interaction)}
        wanted_ids = {call.id for _, _, call in calls.values() if call.id is not None}
        last_is_wanted = False
        for index, turn in enumerate(interaction.turns):
            answers_wanted = turn.tool_call_id in wanted_ids if turn.tool_call_id else last_is_wanted
            if turn.role is Role.TOOL and turn.spoken and answers_wanted:
                yield _Document("the tool's result", turn.spoken_text, (index, turn), 0, (0, turn.spoken))
            for call in turn.tool_calls:
                last_is_wanted = id(call) in calls
                if last_is_wanted and call.result is not None:
                    name = f"the result of {quoted(call.name)}"
                    yield _Document(name, call.result, (index, turn), None, _around(turn, call))

    def _faults(self, document: _Document, allowed: Allowance) -> Iterator[tuple[Span, str]]:
        where = f"Turn {document.turn[0]}, {document.name}"
        if len(document.text) > MAX_DOCUMENT:
            raise CheckNotRunError(f"{where}: it has more than {MAX_DOCUMENT:,} characters.")
        allowed.add(len(document.text))
        try:
            value = json.loads(document.text, parse_constant=_refuse) if document.parsed is None else document.parsed
        except ValueError:
            yield document.span(()), f"{where}: it is no JSON."
            return
        except RecursionError:
            raise CheckNotRunError(f"{where}: it is nested too deeply.") from None
        for error in self._schema.errors(dict(value) if isinstance(value, Mapping) else value, allowed):
            yield document.span(error.absolute_path), f"{where}: {_said(error)}."

    @cached_property
    def _schema(self) -> BoundedSchema:
        try:
            return BoundedSchema(self._spec.json_schema)
        except InvalidInputError as error:
            raise CheckNotRunError(str(error)) from error

    def _nothing(self) -> str:
        match self._spec.target:
            case "message":
                return says_nothing(self._spec.speaker)
            case "arguments":
                return f"No call of {_tools(self._spec.tools)} is made."
            case _:
                return f"No result of {_tools(self._spec.tools)} is there."


def _arguments(index: int, turn: Turn, call: ToolCall) -> _Document:
    is_rendered = turn.text.startswith(call.arguments_text, call.start)
    return _Document(
        name=f"the arguments of {quoted(call.name)}",
        text=call.arguments_text,
        turn=(index, turn),
        start=call.start if is_rendered else None,
        around=_around(turn, call),
        parsed=call.arguments,
    )


def _around(turn: Turn, call: ToolCall) -> tuple[int, int]:
    start, end = call_span(turn, call)
    return (start, end) if 0 <= start < end <= len(turn.text) else (0, len(turn.text))


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is no JSON")


def _said(error: ValidationError) -> str:
    """Says what is wrong without the value itself, which may be private, and long."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    place = quoted(path.removeprefix(".")) if path else "it"
    match error.validator:
        case "type":
            return f"{place} is not of type {_types(error.validator_value)}"
        case "required" | "dependentRequired":
            return f"{place} lacks something: {error.message[:_LONGEST_RULE]}"
        case None:
            return f"{place} is not expected"
        case "additionalProperties" if error.validator_value is False:
            return f"{place} is not expected"
        case rule:
            return f"{place} breaks {quoted(f'{rule}: {json.dumps(error.validator_value, ensure_ascii=False)}')}"


def _types(wanted: object) -> str:
    return " or ".join(map(str, wanted)) if isinstance(wanted, list) else str(wanted)


def _beside(count: int) -> str:
    if count == 0:
        return ""
    if count + 1 == MAX_EVIDENCE:
        return f" The first {MAX_EVIDENCE} places are quoted."
    return f" {times(count, 'more place').capitalize()} {'does' if count == 1 else 'do'} not fit."


def _tools(tools: Sequence[str]) -> str:
    return "any tool" if "*" in tools else " or ".join(quoted(tool) for tool in tools)

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tahoe_core.errors import InvalidInputError
from tahoe_engine.scoring.definition import definition_schema, dump_definition, load_definition, parse_definition
from tahoe_engine.scoring.problems import ScorecardError
from tahoe_engine.scoring.yaml_source import read_yaml

ROOT = Path(__file__).resolve().parents[4]
PUBLISHED = ROOT / "docs/schemas/scorecard.schema.json"
WRITE_IT = (
    'The published schema is out of date. Write it again with: uv run python -c "import json, pathlib; '
    "from tahoe_engine.scoring.definition import definition_schema as s; "
    "pathlib.Path('docs/schemas/scorecard.schema.json').write_text("
    "json.dumps(s(), indent=2, ensure_ascii=False) + '\\n')\""
)

GOOD = r"""
name: support
description: |
  Is it any good?
  Let us see.
thresholds: {pass: 90, review: 50}
aggregation:
  caps: {critical: 30, high: 60}
categories:
  opening: {title: Opening, weight: 2}
  closing: {}
agents:
  support.opening: {weight: 2, is_required: true}
requirements:
  - id: greets
    title: The agent greets
    category: opening
    checks:
      - type: pattern
        patterns: ['\bhello\b', hi there]
        speaker: [agent, customer]
        window: {first: 2}
  - id: hours
    title: Within hours
    category: closing
    severity: critical
    applies_when:
      all:
        - {requirement: greets, outcome: not_met}
        - not: {types: [email], languages: [no]}
        - any:
            - found: {type: tool, tools: [refund*]}
            - metadata: {vip: true, tier: 1}
    checks:
      - {type: timing, local_hours: {earliest: 08:00, latest: 21:00, time_zone: America/New_York}}
      - {agent: shared, check: hours}
      - type: json_schema
        target: message
        schema: {type: object, properties: {no: {type: string}}}
    recommendation: Call later.
"""

BAD = r"""
name: Support
weights: {}
categories:
  opening: {wieght: 2}
  unused: {}
requirements:
  - id: greets
    title: Greets
    category: openin
    weight: 0
    checks:
      - type: patern
        patterns: [x]
      - {type: pattern, patterns: ['(abc', 5]}
      - {type: pattern, patterns: ['(abc', fine]}
      - {type: pattern, patern: [x], speaker: agnt}
  - id: greets
    title: ""
    category: opening
    severity: hihg
    applies_when: {requirment: x}
    checks: []
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ScorecardError) as caught:
        parse_definition(text, "f.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_a_good_scorecard_is_read() -> None:
    definition = parse_definition(GOOD, "f.yaml")
    assert definition.name == "support"
    assert definition.thresholds.pass_ == 90
    assert [requirement.id for requirement in definition.requirements] == ["greets", "hours"]


def test_json_is_read_too() -> None:
    definition = parse_definition(GOOD, "f.yaml")
    as_json = json.dumps(definition.model_dump(mode="json", by_alias=True))
    assert parse_definition(as_json, "f.json") == definition


ALL_THAT_IS_BAD = """
2: name: `Support` is no name: use lower-case letters, digits, dot, dash and underscore
3: weights: is not known here. Known are `name`, `description`, `portfolio`, `thresholds`, `aggregation`
5: categories.opening.wieght: is not known here. Did you mean `weight`? Known are `title`, `weight`.
6: categories.unused: has no requirement: leave it out, or name it as the category of one.
10: requirements[0].category: `openin` is no category of this scorecard. Did you mean `opening`? Known are `opening`
11: requirements[0].weight: must be above 0: leave out what should not count.
13: requirements[0].checks[0]: `patern` is no known check type. Did you mean `pattern`? Known are `pattern`, `phrase`
15: requirements[0].checks[1].patterns[1]: must be a text, but is the number 5. Put it in quotes.
16: requirements[0].checks[2].patterns[0]: “(abc” is no regular expression: missing ) at position 4.
17: requirements[0].checks[3].patterns: is missing.
17: requirements[0].checks[3].speaker: `agnt` is not allowed. Did you mean `agent`? Allowed are `agent`, `customer`
17: requirements[0].checks[3].patern: is not known here. Did you mean `patterns` or `speaker`? Known are `type`
18: requirements[1].id: `greets` is the id of requirements[0] already.
19: requirements[1].title: must not be empty.
21: requirements[1].severity: `hihg` is not allowed. Did you mean `high`? Allowed are `low`, `medium`, `high`
22: requirements[1].applies_when.requirment: is not known here. Did you mean `requirement`? Known are `types`
23: requirements[1].checks: must hold at least one entry.
"""


def test_every_mistake_is_named_at_once_with_line_place_and_what_is_allowed() -> None:
    expected = ALL_THAT_IS_BAD.strip().splitlines()
    found = problems(BAD)
    assert len(found) == len(expected)
    for said, start in zip(found, expected, strict=True):
        assert said.startswith(f"f.yaml:{start}")


def requirement(line: str) -> str:
    return f"name: s\ncategories: {{a: {{}}}}\nrequirements:\n  - {{id: r, title: t, category: a, {line}}}\n"


PATTERN = "checks: [{type: pattern, patterns: [x]}]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "f.yaml:1: must be a mapping (`key: value`), but is a list."),
        ("just words", "f.yaml:1: must be a mapping (`key: value`), but is a text."),
        (requirement(f"weight: heavy, {PATTERN}"), "r[0].weight: must be a number, but is a text."),
        (requirement(f"weight: 1001, {PATTERN}"), "r[0].weight: must be at most 1000."),
        (requirement(f"required: maybe, {PATTERN}"), "r[0].required: must be true or false, but is a text."),
        (requirement(f"severity: 5, {PATTERN}"), "r[0].severity: is the number 5, not one of the words."),
        (requirement("checks: [x]"), "r[0].checks[0]: must be a mapping (`key: value`), but is a text."),
        (requirement("checks: {}"), "r[0].checks: must be a list, but is a mapping. Put it in brackets"),
        (requirement("checks: [{patterns: [x]}]"), "r[0].checks[0]: has no `type`"),
        (
            requirement("checks: [{type: pattern, patterns: x}]"),
            "r[0].checks[0].patterns: must be a list, but is a text.",
        ),
        (requirement("checks: [{agent: a}]"), "r[0].checks[0].check: is missing."),
        (
            requirement("checks: [{type: pattern, patterns: [x], speaker: [agent, boss]}]"),
            "r[0].checks[0].speaker[1]: `boss` is not allowed.",
        ),
        (
            requirement("checks: [{type: pattern, patterns: [x], window: {}}]"),
            "r[0].checks[0].window: a window needs first, last or both.",
        ),
        (
            requirement("checks: [{type: absence, of: {type: judge}}]"),
            "r[0].checks[0].of: `judge` is no known thing to look for.",
        ),
        (
            requirement("checks: [{type: timing, local_hours: {earliest: 25:00, latest: 21:00}}]"),
            "r[0].checks[0].local_hours.earliest: must be a time of day",
        ),
        (
            requirement("checks: [{type: json_schema, target: message, schema: [x]}]"),
            "r[0].checks[0].schema: must be a mapping (`key: value`), but is a list.",
        ),
        (requirement(f"applies_when: x, {PATTERN}"), "r[0].applies_when: must be a mapping"),
        (requirement(f"applies_when: {{requirement: 5}}, {PATTERN}"), "r[0].applies_when.requirement: must be a text"),
        (
            requirement(f"applies_when: {{all: [{{found: {{type: tol}}}}]}}, {PATTERN}"),
            "r[0].applies_when.all[0].found: `tol` is no known thing to look for. Did you mean `tool`?",
        ),
        (
            requirement(f"applies_when: {{not: {{any: [{{found: {{type: tool}}}}]}}}}, {PATTERN}"),
            "r[0].applies_when.not.any[0].found.tools: is missing.",
        ),
        (requirement(PATTERN) + "thresholds: {pass: 50}", "f.yaml:5: thresholds: review is above pass."),
        (requirement(PATTERN) + "thresholds: {pass: 101}", "f.yaml:5: thresholds.pass: must be at most 100."),
        (
            requirement(PATTERN) + "aggregation: {caps: {critcal: 1}}",
            "aggregation.caps.critcal: `critcal` is not allowed.",
        ),
        (requirement(PATTERN) + "name: again", "f.yaml:5: name: stands here a second time; the first is on line 1."),
        (requirement(PATTERN) + "description: !!python/name:os.system", "f.yaml:5: description: has the tag"),
    ],
)
def test_a_mistake_gives_one_problem_at_its_place(text: str, expected: str) -> None:
    (problem,) = problems(text)
    assert expected in problem.replace("requirements[", "r[")


def test_the_error_can_be_rendered_over_http() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_definition(requirement("checks: [{type: pattern, patterns: ['(']}]"), "f.yaml")
    assert caught.value.status == 422
    assert caught.value.field == "requirements.0.checks.0.patterns.0"


def test_what_is_written_reads_back_the_same_and_is_written_the_same_again() -> None:
    definition = parse_definition(GOOD, "f.yaml")
    written = dump_definition(definition)
    again = parse_definition(written, "again.yaml")
    assert again == definition
    assert dump_definition(again) == written


def test_what_is_written_reads_like_what_people_write() -> None:
    written = dump_definition(parse_definition(GOOD, "f.yaml"))
    assert written.startswith(
        "name: support\ndescription: |\n  Is it any good?\n  Let us see.\nthresholds:\n  pass: 90\n"
    )
    assert "      - type: pattern\n        patterns:\n          - \\bhello\\b\n          - hi there\n" in written
    assert "ignore_case" not in written  # left to its default


@pytest.mark.parametrize("path", sorted((ROOT / "examples/scorecards").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_are_good_and_survive_being_written(path: Path) -> None:
    definition = load_definition(path)
    assert definition.name == path.stem
    assert parse_definition(dump_definition(definition), "again.yaml") == definition
    assert not list(Draft202012Validator(definition_schema()).iter_errors(read_yaml(path.read_text(), "f").data))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff", "is no text in UTF-8"),
        (b"x" * 4_000_001, "is larger than"),
        (b'{"name": "x",}', "requirements: is missing"),
    ],
)
def test_a_file_that_is_no_scorecard_is_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "card.yaml"
    path.write_bytes(content)
    with pytest.raises(ScorecardError, match=message) as caught:
        load_definition(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ScorecardError, match=r"nowhere.yaml: cannot be read: No such file"):
        load_definition(tmp_path / "nowhere.yaml")
    with pytest.raises(ScorecardError, match=r"cannot be read: Is a directory"):
        load_definition(tmp_path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_definition(path).name == "support"


def test_the_published_schema_is_current() -> None:
    assert json.loads(PUBLISHED.read_text()) == definition_schema(), WRITE_IT


def test_the_schema_says_the_same_as_the_reader() -> None:
    validator = Draft202012Validator(definition_schema())
    validator.check_schema(definition_schema())
    assert not list(validator.iter_errors(read_yaml(GOOD, "f.yaml").data))
    assert list(validator.iter_errors(read_yaml(BAD, "f.yaml").data))

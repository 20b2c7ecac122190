"""Each rule alone; `test_definition.py` shows them together, with lines."""

import pytest

from tahoe_engine.models.scorecard import ScorecardDefinition
from tahoe_engine.scoring.problems import ScorecardError
from tahoe_engine.scoring.validation import validate_definition

JUDGE = {"type": "judge", "question": "Is it?"}


def definition(*requirements: dict[str, object], **entries: object) -> ScorecardDefinition:
    full = [{"id": f"r{n}", "title": "t", "category": "a", "checks": [JUDGE], **r} for n, r in enumerate(requirements)]
    return ScorecardDefinition.model_validate({"name": "s", "categories": {"a": {}}, "requirements": full, **entries})


def problems(card: ScorecardDefinition) -> list[str]:
    try:
        validate_definition(card)
    except ScorecardError as error:
        return [str(problem).removeprefix("scorecard: ") for problem in error.problems]
    return []


def check(**spec: object) -> ScorecardDefinition:
    return definition({"checks": [spec]})


def pattern(text: str) -> ScorecardDefinition:
    return check(type="pattern", patterns=[text])


def needs(*names: str) -> dict[str, object]:
    return {"applies_when": {"all": [{"requirement": name} for name in names]}}


def test_a_sound_scorecard_passes() -> None:
    assert problems(definition({}, needs("r0"), {"checks": [{"agent": "shared", "check": "x"}]})) == []


def test_ids_are_unique() -> None:
    assert problems(definition({"id": "x"}, {}, {"id": "x"})) == [
        "requirements[2].id: `x` is the id of requirements[0] already."
    ]


def test_categories_exist_and_are_used() -> None:
    assert problems(definition({"category": "aa"}, {"category": "zzz"})) == [
        "requirements[0].category: `aa` is no category of this scorecard. Did you mean `a`? Known are `a`.",
        "requirements[1].category: `zzz` is no category of this scorecard. Known are `a`.",
        "categories.a: has no requirement: leave it out, or name it as the category of one.",
    ]


@pytest.mark.parametrize(
    ("requirements", "circles"),
    [
        ([needs("r0")], ["r0 → r0"]),
        ([needs("r1"), needs("r0")], ["r0 → r1 → r0"]),
        ([{}, needs("r3", "r0"), needs("r1"), needs("r2")], ["r1 → r3 → r2 → r1"]),
        ([needs("r1"), needs("r0"), needs("r3"), needs("r2")], ["r0 → r1 → r0", "r2 → r3 → r2"]),
        ([{"applies_when": {"not": {"any": [{"requirement": "r0"}]}}}], ["r0 → r0"]),
        ([{}, needs("r0"), needs("r0", "r1")], []),
    ],
)
def test_a_circle_is_spelled_out(requirements: list[dict[str, object]], circles: list[str]) -> None:
    found = problems(definition(*requirements))
    assert len(found) == len(circles)
    for problem, circle in zip(found, circles, strict=True):
        assert f".applies_when: goes round in a circle: {circle}." in problem


def test_conditions_name_requirements_that_exist() -> None:
    card = definition({"id": "greeting"}, {"applies_when": {"not": {"any": [{"requirement": "greting"}]}}})
    (problem,) = problems(card)
    assert problem.startswith("requirements[1].applies_when.not.any[0].requirement: `greting` is no requirement")
    assert problem.endswith("Did you mean `greeting`?")


def test_agents_run_a_check() -> None:
    shared: dict[str, object] = {"checks": [{"agent": "shared", "check": "x"}]}
    assert problems(definition({}, shared, agents={"s.a": {"weight": 2}, "shared": {}})) == []
    assert problems(definition({}, shared, agents={"s.b": {}})) == [
        "agents.s.b: `s.b` runs no check of this scorecard. Did you mean `s.a`? Those that do are `s.a`, `shared`."
    ]
    assert problems(definition(shared, agents={"s.a": {}})) == [
        "agents.s.a: `s.a` runs no check of this scorecard. Those that do are `shared`."
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(abc", "“(abc” is no regular expression: missing ) at position 4."),
        ("*a", "“*a” is no regular expression: nothing to repeat at position 0."),
        ("[z-a]", "is no regular expression: bad character range"),
        (r"\L<words>", "is no regular expression: undefined named list"),
        ("x*", "“x*” fits the empty text too"),
        ("^(?!.*sorry)", "fits the empty text too"),
        ("hello|", "fits the empty text too"),
        ("\bhello", "holds a backspace"),
        ("x" * 5001, "has 5,001 characters; 5,000 are allowed."),
        ("(" * 2000 + "a" + ")" * 2000, "is no regular expression: it cannot be understood."),
        ("(?:a){2d<}", "is no regular expression: it cannot be understood."),
    ],
)
def test_patterns_are_regular_expressions_that_name_something(text: str, message: str) -> None:
    (problem,) = problems(pattern(text))
    assert problem.startswith("requirements[0].checks[0].patterns[0]: ")
    assert message in problem


def test_patterns_are_found_wherever_they_stand() -> None:
    bad = {"type": "pattern", "patterns": ["fine", "("]}
    order = {"type": "order", "before": bad, "after": {"type": "tool", "tools": ["x"]}}
    condition = {"all": [{"found": bad}]}
    card = definition({"checks": [{"type": "absence", "of": bad}, order], "applies_when": condition})
    assert [problem.split(": ")[0] for problem in problems(card)] == [
        "requirements[0].checks[0].of.patterns[1]",
        "requirements[0].checks[1].before.patterns[1]",
        "requirements[0].applies_when.all[0].found.patterns[1]",
    ]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ({"earliest": "08:00", "latest": "21:00", "time_zone": "America/New_York"}, []),
        ({"earliest": "08:00", "latest": "21:00", "time_zone": "+02:00"}, []),
        ({"earliest": "08:00", "latest": "21:00", "time_zone": "America/New_Yrok"}, ["time_zone"]),
        ({"earliest": "08:00", "latest": "21:00", "time_zone": "../etc/passwd"}, ["time_zone"]),
        ({"earliest": "08:00", "latest": "21:00", "time_zone": "America"}, ["time_zone"]),
        ({"earliest": 8, "latest": "21:00:30"}, ["earliest", "latest"]),
        ({"earliest": "08:00Z", "latest": "21:00"}, ["earliest"]),
    ],
)
def test_local_hours_are_times_of_day_in_a_zone_that_exists(hours: dict[str, object], expected: list[str]) -> None:
    found = problems(check(type="timing", local_hours=hours))
    assert [problem.split(": ")[0].rpartition(".")[2] for problem in found] == expected


def test_a_misspelt_time_zone_is_answered_with_the_nearest() -> None:
    hours = {"earliest": "08:00", "latest": "21:00", "time_zone": "Europe/Belrin"}
    assert "Did you mean `Europe/Berlin` or" in problems(check(type="timing", local_hours=hours))[0]


def test_a_share_lies_between_0_and_1() -> None:
    assert problems(check(type="ratio", measure="talk_share", max=0.6)) == []
    assert problems(check(type="ratio", measure="questions", min=3)) == []
    assert problems(check(type="ratio", measure="talk_share", min=40, max=60)) == [
        "requirements[0].checks[0].min: must be a share between 0 and 1, for instance 0.6 for 60%.",
        "requirements[0].checks[0].max: must be a share between 0 and 1, for instance 0.6 for 60%.",
    ]


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"type": "object"}, None),
        (True, None),
        ({"properties": {"a": {"type": "strin"}}}, "schema.properties.a.type"),
        ({"anyOf": [{"minimum": "x"}]}, "schema.anyOf[0].minimum"),
        ({"$ref": "https://example.com/s.json"}, "schema.$ref"),
    ],
)
def test_schemas_are_valid_and_stand_on_their_own(schema: object, place: str | None) -> None:
    found = problems(check(type="json_schema", target="message", schema=schema))
    assert [problem.split(": ")[0] for problem in found] == ([f"requirements[0].checks[0].{place}"] if place else [])


def test_regions_are_countries() -> None:
    assert problems(check(type="personal_data", kinds=["phone"], regions=["US", "de"])) == []
    assert problems(check(type="personal_data", kinds=["email"], regions=["nowhere"])) == []
    assert problems(check(type="personal_data", kinds=["phone"], regions=["US", "UK"])) == [
        "requirements[0].checks[0].regions[1]: “UK” is no country code of ISO 3166, such as US or GB."
    ]

import pytest
from pydantic import TypeAdapter

from tahoe_engine.models.check_specs import CheckSpec
from tahoe_engine.models.scorecard import ScorecardAgent, ScorecardDefinition
from tahoe_engine.scoring.binding import bind_definition
from tahoe_engine.scoring.problems import ScorecardError

SPEC: CheckSpec = TypeAdapter[CheckSpec](CheckSpec).validate_python({"type": "judge", "question": "Shared?"})
DEFINITION = ScorecardDefinition.model_validate(
    {
        "name": "support",
        "categories": {"opening": {"weight": 2}, "closing": {}},
        "agents": {"shared": {"weight": 3, "is_required": True}},
        "requirements": [
            {
                "id": "greets",
                "title": "Greets",
                "category": "opening",
                "checks": [{"type": "judge", "question": "Inline?"}, {"agent": "shared", "check": "tone"}],
            },
            {
                "id": "closes",
                "title": "Closes",
                "category": "closing",
                "applies_when": {"requirement": "greets"},
                "checks": [{"type": "judge", "question": "Inline?"}],
            },
        ],
    }
)


def test_inline_checks_belong_to_the_specialist_of_their_category() -> None:
    bound = bind_definition(DEFINITION, {("shared", "tone"): SPEC})
    assert [[check.agent for check in requirement.checks] for requirement in bound.requirements] == [
        ["support.opening", "shared"],
        ["support.closing"],
    ]
    assert bound.requirements[0].checks[1].spec == SPEC
    assert bound.requirements[1].applies_when == DEFINITION.requirements[1].applies_when


def test_specialists_take_part_as_written_and_otherwise_by_default() -> None:
    bound = bind_definition(DEFINITION, {("shared", "tone"): SPEC})
    assert bound.agents == {
        "support.opening": ScorecardAgent(),
        "shared": ScorecardAgent(weight=3, is_required=True),
        "support.closing": ScorecardAgent(),
    }


def test_what_is_not_stored_has_version_0() -> None:
    bound = bind_definition(DEFINITION, {("shared", "tone"): SPEC})
    assert (bound.id, bound.version) == (None, 0)
    assert set(bound.template_versions.values()) == {0}


@pytest.mark.parametrize(
    ("references", "message"),
    [
        ({}, "refers to the agent `shared`, which is not known."),
        ({("shard", "tone"): SPEC}, "refers to the agent `shared`, which is not known. Did you mean `shard`?"),
        (
            {("shared", "tones"): SPEC},
            "refers to the check `tone`, which `shared` does not have. Did you mean `tones`?",
        ),
    ],
)
def test_a_reference_to_nothing_is_refused(references: dict[tuple[str, str], CheckSpec], message: str) -> None:
    with pytest.raises(ScorecardError) as caught:
        bind_definition(DEFINITION, references, source="f.yaml")
    assert [str(problem) for problem in caught.value.problems] == [f"f.yaml: requirements[0].checks[1]: {message}"]

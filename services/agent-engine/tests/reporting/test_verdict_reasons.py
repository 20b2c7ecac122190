from typing import Any

import pytest

from tahoe_engine.models.analysis import Analysis, AnalysisStatus, Verdict
from tahoe_engine.models.scorecard import BoundScorecard
from tahoe_engine.reporting.verdict_reasons import list_reasons


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, ("A critical violation caps the score at 40.",)),
        ({"overall_score": 39.0}, ()),
        ({"overall_score": None}, ("Nothing could be evaluated, so there is no score.",)),
        (
            {"overall_score": 90.0, "verdict": Verdict.REVIEW, "coverage": 0.4},
            ("The score would pass, but only 40% of what applies was evaluated; a pass needs 50%.",),
        ),
        ({"overall_score": 90.0, "verdict": Verdict.PASS}, ()),
        (
            {"overall_score": 12.0, "status": AnalysisStatus.FAILED},
            ("The analysis failed; what is shown is what was found before it did.",),
        ),
    ],
)
def test_the_reasons_say_what_the_score_does_not(
    analysis: Analysis, scorecard: BoundScorecard, changes: dict[str, Any], reasons: tuple[str, ...]
) -> None:
    assert list_reasons(analysis.model_copy(update=changes), scorecard) == reasons


def test_a_required_requirement_that_was_not_evaluated_is_named(analysis: Analysis, scorecard: BoundScorecard) -> None:
    requirements = tuple(
        item.model_copy(update={"required": True}) if item.id == "tone" else item for item in scorecard.requirements
    )
    changed = analysis.model_copy(update={"overall_score": 90.0, "verdict": Verdict.REVIEW})
    assert list_reasons(changed, scorecard.model_copy(update={"requirements": requirements})) == (
        "“Keeps a professional tone throughout” is required and was not evaluated.",
    )

"""The rules at the head of `aggregation.py`, one by one."""

from collections.abc import Sequence

import pytest

from tahoe_engine.models.analysis import AnalysisStatus, Verdict
from tahoe_engine.models.finding import Evidence, Finding, Outcome, Severity
from tahoe_engine.models.scorecard import (
    AggregationRules,
    BoundRequirement,
    BoundScorecard,
    Category,
    ScorecardAgent,
    Thresholds,
)
from tahoe_engine.scoring.aggregation import Aggregate, Conflict, JudgedRequirement, aggregate, judge_requirement

MET, NOT, NA, OPEN = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.NOT_RUN
AGENTS = {
    "one": ScorecardAgent(),
    "three": ScorecardAgent(weight=3),
    "needed": ScorecardAgent(is_required=True),
}
type Vote = tuple[Outcome, float | None] | tuple[Outcome, float | None, str]


def requirement(
    name: str = "r",
    category: str = "a",
    weight: float = 1,
    severity: Severity = Severity.MEDIUM,
    *,
    required: bool = False,
    recommendation: str = "",
) -> BoundRequirement:
    return BoundRequirement(
        id=name,
        title=f"Title of {name}",
        category=category,
        weight=weight,
        severity=severity,
        required=required,
        applies_when=None,
        checks=(),
        recommendation=recommendation,
    )


def judged(
    required_of: BoundRequirement, *votes: Vote, conflict: Conflict = "lowest", evidence: Sequence[Evidence] = ()
) -> JudgedRequirement:
    findings = [
        Finding(
            requirement=required_of.id,
            check="pattern",
            agent=vote[2] if len(vote) == 3 else "one",
            outcome=vote[0],
            severity=required_of.severity,
            confidence=vote[1],
            evidence=tuple(evidence),
            explanation=f"{vote[0].value} at {vote[1]}.",
        )
        for vote in votes
    ]
    return judge_requirement(required_of, findings, AGENTS, conflict)


def scorecard(
    caps: dict[Severity, float] | None = None, thresholds: Thresholds | None = None, **categories: float
) -> BoundScorecard:
    return BoundScorecard(
        name="s",
        version=0,
        thresholds=thresholds or Thresholds(),
        aggregation=AggregationRules() if caps is None else AggregationRules(caps=caps),
        categories={name: Category(weight=weight) for name, weight in (categories or {"a": 1.0}).items()},
        agents=AGENTS,
        requirements=(),
        template_versions={},
    )


class TestRequirement:
    @pytest.mark.parametrize(
        ("conflict", "votes", "outcome", "value", "confidence"),
        [
            ("lowest", [(MET, 1.0)], MET, 1, 1.0),
            ("lowest", [(NOT, 0.7)], NOT, 0, 0.7),
            ("lowest", [(MET, 0.9), (NOT, 0.4)], NOT, 0, 0.4),
            ("lowest", [(NOT, 0.4), (NOT, 0.8)], NOT, 0, 0.8),
            ("lowest", [(MET, 0.9), (MET, 0.6)], MET, 1, 0.6),
            ("highest", [(MET, 0.9), (NOT, 0.4)], MET, 1, 0.9),
            ("highest", [(MET, 0.3), (MET, 0.5)], MET, 1, 0.5),
            ("highest", [(NOT, 0.9), (NOT, 0.6)], NOT, 0, 0.6),
            ("weighted", [(MET, 1.0), (NOT, 1.0)], NOT, 0.5, 1.0),
            ("weighted", [(MET, 1.0), (NOT, 0.5)], MET, 2 / 3, 0.75),
            ("weighted", [(MET, 1.0), (NOT, 1.0, "three")], NOT, 0.25, 1.0),
            ("weighted", [(MET, 1.0, "three"), (NOT, 1.0)], MET, 0.75, 1.0),
            ("weighted", [(MET, 0.2, "three"), (NOT, 0.9)], NOT, 0.4, 0.375),
            ("weighted", [(MET, 0.0), (NOT, 0.0, "three")], NOT, 0.25, 0.0),
            ("lowest", [(MET, None)], MET, 1, 1.0),
            ("lowest", [(NA, None), (MET, 0.8)], MET, 1, 0.8),
            ("lowest", [(NA, None), (NA, None)], NA, None, None),
            ("lowest", [(OPEN, None)], OPEN, None, None),
            ("lowest", [(OPEN, None), (NA, None)], OPEN, None, None),
            ("lowest", [(OPEN, None), (MET, 0.8)], MET, 1, 0.8),
        ],
    )
    def test_checks_that_disagree_are_settled_by_the_conflict_rule(
        self, conflict: Conflict, votes: list[Vote], outcome: Outcome, value: float | None, confidence: float | None
    ) -> None:
        item = judged(requirement(), *votes, conflict=conflict)
        assert item.outcome is outcome
        assert item.value == (None if value is None else pytest.approx(value))
        assert item.confidence == (None if confidence is None else pytest.approx(confidence))

    @pytest.mark.parametrize(
        ("votes", "evaluated"),
        [
            ([(MET, 1.0)], 1),
            ([(OPEN, None)], 0),
            ([(MET, 1.0), (OPEN, None)], 0.5),
            ([(MET, 1.0, "three"), (OPEN, None)], 0.75),
            ([(MET, 1.0), (OPEN, None, "three")], 0.25),
            ([(MET, 1.0), (NA, None, "three")], 1),
        ],
    )
    def test_the_evaluated_share_goes_by_agent_weight(self, votes: list[Vote], evaluated: float) -> None:
        assert judged(requirement(), *votes).evaluated == evaluated

    @pytest.mark.parametrize(
        ("conflict", "votes", "decided"),
        [
            ("lowest", [(MET, 1.0)], True),
            ("lowest", [(NA, None)], True),
            ("lowest", [(OPEN, None)], False),
            ("lowest", [(MET, 1.0), (OPEN, None)], False),
            ("lowest", [(NOT, 1.0), (OPEN, None)], True),
            ("highest", [(MET, 1.0), (OPEN, None)], True),
            ("highest", [(NOT, 1.0), (OPEN, None)], False),
            ("weighted", [(MET, 1.0), (OPEN, None)], False),
            ("weighted", [(NOT, 1.0), (OPEN, None)], False),
        ],
    )
    def test_it_is_decided_when_the_missing_checks_could_not_change_it(
        self, conflict: Conflict, votes: list[Vote], decided: bool
    ) -> None:
        assert judged(requirement(), *votes, conflict=conflict).is_decided is decided


def example(b2: Outcome = OPEN, severity: Severity = Severity.MEDIUM) -> Aggregate:
    """The example at the head of the module."""
    return aggregate(
        scorecard(a=3, b=1),
        [
            judged(requirement("a1", "a", 1), (MET, 1.0)),
            judged(requirement("a2", "a", 3, severity), (NOT, 1.0)),
            judged(requirement("b1", "b", 1), (MET, 1.0)),
            judged(requirement("b2", "b", 1), (b2, None)),
        ],
    )


class TestScore:
    def test_the_documented_example(self) -> None:
        total = example()
        assert {name: category.score for name, category in total.categories.items()} == {"a": 25, "b": 100}
        assert total.overall_score == 43.75
        assert total.coverage == 0.875
        assert example(severity=Severity.CRITICAL).overall_score == 40

    def test_what_does_not_apply_is_missed_by_nobody(self) -> None:
        total = example(NA)
        assert (total.overall_score, total.coverage) == (43.75, 1)

    def test_a_category_without_an_answer_has_no_score_and_no_weight(self) -> None:
        total = aggregate(
            scorecard(a=1, b=9),
            [judged(requirement("a1", "a"), (MET, 1.0)), judged(requirement("b1", "b"), (OPEN, None))],
        )
        assert total.categories["b"].score is None
        assert total.overall_score == 100
        assert total.coverage == 0.1

    def test_a_category_that_does_not_apply_is_left_out_of_the_coverage(self) -> None:
        total = aggregate(
            scorecard(a=1, b=9),
            [judged(requirement("a1", "a"), (MET, 1.0)), judged(requirement("b1", "b"), (NA, None))],
        )
        assert (total.overall_score, total.coverage, total.verdict) == (100, 1, Verdict.PASS)

    def test_a_requirement_that_was_run_in_part_is_covered_in_part(self) -> None:
        half = judged(requirement(), (MET, 1.0), (OPEN, None))
        total = aggregate(scorecard(), [half])
        assert (total.overall_score, total.coverage) == (100, 0.5)

    @pytest.mark.parametrize(
        ("caps", "violated", "score"),
        [
            ({}, [Severity.CRITICAL], 90),
            ({Severity.CRITICAL: 40}, [Severity.CRITICAL], 40),
            ({Severity.CRITICAL: 40}, [Severity.HIGH], 90),
            ({Severity.CRITICAL: 40, Severity.HIGH: 75}, [Severity.HIGH], 75),
            ({Severity.CRITICAL: 40, Severity.HIGH: 75}, [Severity.HIGH, Severity.CRITICAL], 40),
            ({Severity.HIGH: 30, Severity.CRITICAL: 40}, [Severity.HIGH, Severity.CRITICAL], 30),
            ({Severity.LOW: 95}, [Severity.LOW], 90),
            ({Severity.CRITICAL: 0}, [Severity.CRITICAL], 0),
        ],
    )
    def test_a_violation_caps_the_score_by_its_severity(
        self, caps: dict[Severity, float], violated: list[Severity], score: float
    ) -> None:
        bad = [
            judged(requirement(f"bad{n}", weight=1 / len(violated), severity=s), (NOT, 1.0))
            for n, s in enumerate(violated)
        ]
        total = aggregate(scorecard(caps), [judged(requirement("good", weight=9), (MET, 1.0)), *bad])
        assert total.overall_score == score

    @pytest.mark.parametrize("outcome", [MET, NA, OPEN])
    def test_only_what_is_not_met_caps(self, outcome: Outcome) -> None:
        critical = judged(requirement("c", severity=Severity.CRITICAL), (outcome, None))
        assert aggregate(scorecard(), [judged(requirement("good"), (MET, 1.0)), critical]).overall_score == 100

    def test_numbers_are_rounded_once_and_at_the_end(self) -> None:
        items = [judged(requirement(f"r{n}"), (outcome, 1.0)) for n, outcome in enumerate([MET, MET, NOT])]
        total = aggregate(scorecard(), [*items, judged(requirement("x", weight=4), (OPEN, None))])
        assert total.overall_score == 66.67
        assert total.coverage == 0.4286

    def test_confidence_is_weighted_like_the_score(self) -> None:
        total = aggregate(
            scorecard(a=3, b=1),
            [
                judged(requirement("a1", "a", 1), (MET, 1.0)),
                judged(requirement("a2", "a", 3), (NOT, 0.6)),
                judged(requirement("b1", "b", 1), (MET, 0.5)),
                judged(requirement("b2", "b", 1), (OPEN, None)),
            ],
        )
        assert total.confidence == pytest.approx((3 * 0.7 + 0.5) / 4)

    def test_nothing_evaluated_is_no_score(self) -> None:
        for outcome in (OPEN, NA):
            total = aggregate(scorecard(), [judged(requirement(), (outcome, None))])
            assert (total.overall_score, total.confidence, total.coverage) == (None, None, 0)
            assert (total.verdict, total.status) == (Verdict.REVIEW, AnalysisStatus.NEEDS_REVIEW)


def verdict_at(score: int, *others: JudgedRequirement, thresholds: Thresholds | None = None) -> tuple[str, str]:
    items = [
        judged(requirement("good", weight=max(score, 0.001)), (MET, 1.0)),
        judged(requirement("bad", weight=max(100 - score, 0.001)), (NOT, 1.0)),
    ]
    total = aggregate(scorecard(thresholds=thresholds), [*items, *others])
    return total.verdict.value, total.status.value


class TestVerdict:
    @pytest.mark.parametrize(
        ("score", "verdict", "status"),
        [
            (100, "pass", "complete"),
            (80, "pass", "complete"),
            (79, "review", "needs_review"),
            (60, "review", "needs_review"),
            (59, "high_risk", "complete"),
            (0, "high_risk", "complete"),
        ],
    )
    def test_thresholds_begin_their_verdicts(self, score: int, verdict: str, status: str) -> None:
        assert verdict_at(score) == (verdict, status)

    def test_the_verdict_is_that_of_the_score_as_it_is_shown(self) -> None:
        thirds = [judged(requirement(f"r{n}"), (outcome, 1.0)) for n, outcome in enumerate([MET, MET, NOT])]
        shown = Thresholds.model_validate({"pass": 66.67})
        assert aggregate(scorecard(thresholds=shown), thirds).verdict is Verdict.PASS

    @pytest.mark.parametrize(
        ("votes", "required", "verdict"),
        [
            ([(OPEN, None)], True, "review"),
            ([(OPEN, None)], False, "pass"),
            ([(MET, 1.0), (OPEN, None)], True, "review"),
            ([(NA, None)], True, "pass"),
            ([(OPEN, None, "needed")], False, "review"),
            ([(MET, 1.0), (OPEN, None, "needed")], False, "review"),
            ([(NA, None, "needed")], False, "pass"),
        ],
    )
    def test_what_was_required_and_not_run_makes_a_pass_a_review(
        self, votes: list[Vote], required: bool, verdict: str
    ) -> None:
        other = judged(requirement("other", weight=10, required=required), *votes)
        assert verdict_at(95, other)[0] == verdict

    def test_a_required_requirement_that_is_not_met_anyway_is_no_gap(self) -> None:
        other = judged(requirement("other", weight=1, required=True), (NOT, 1.0), (OPEN, None))
        assert verdict_at(100, other) == ("pass", "complete")

    def test_too_little_coverage_makes_a_pass_a_review(self) -> None:
        assert verdict_at(100, judged(requirement("other", weight=99), (OPEN, None)))[0] == "pass"
        assert verdict_at(100, judged(requirement("other", weight=101), (OPEN, None)))[0] == "review"
        lenient = Thresholds(min_coverage=0)
        assert verdict_at(100, judged(requirement("x", weight=101), (OPEN, None)), thresholds=lenient)[0] == "pass"

    def test_a_gap_makes_no_verdict_better_but_asks_for_a_person(self) -> None:
        gap = judged(requirement("gap", required=True), (OPEN, None))
        assert verdict_at(10, gap) == ("high_risk", "needs_review")
        assert verdict_at(70, gap) == ("review", "needs_review")


def quote(turn: int) -> Evidence:
    return Evidence(turn=turn, start=0, end=1, quote="x")


class TestViolations:
    def test_the_worst_come_first(self) -> None:
        items = [
            judged(requirement("low", "a", 9, Severity.LOW), (NOT, 1.0)),
            judged(requirement("light", "a", 1, Severity.HIGH), (NOT, 1.0)),
            judged(requirement("heavy", "b", 1, Severity.HIGH), (NOT, 1.0)),
            judged(requirement("first", "a", 2, Severity.CRITICAL), (NOT, 1.0)),
            judged(requirement("second", "a", 2, Severity.CRITICAL), (NOT, 1.0)),
            judged(requirement("fine", "a", 2, Severity.CRITICAL), (MET, 1.0)),
            judged(requirement("open", "a", 2, Severity.CRITICAL), (OPEN, None)),
        ]
        total = aggregate(scorecard(a=1, b=2), items)
        assert [violation.requirement for violation in total.violations] == ["first", "second", "heavy", "light", "low"]

    def test_evidence_and_words_are_those_of_the_checks_that_say_no(self) -> None:
        item = judged(requirement(), (NOT, 0.5), (NOT, 0.6), (NOT, 0.5), (OPEN, None), evidence=[quote(1), quote(2)])
        (violation,) = aggregate(scorecard(), [item]).violations
        assert violation.evidence == (quote(1), quote(2))
        assert violation.explanation == "not_met at 0.5. not_met at 0.6."
        assert violation.title == "Title of r"

    def test_recommendations_follow_the_violations_and_are_given_once(self) -> None:
        items = [
            judged(requirement("a", severity=Severity.LOW, recommendation="Listen."), (NOT, 1.0)),
            judged(requirement("b", severity=Severity.HIGH, recommendation="Verify."), (NOT, 1.0)),
            judged(requirement("c", severity=Severity.CRITICAL, recommendation="Listen."), (NOT, 1.0)),
            judged(requirement("d", severity=Severity.CRITICAL), (NOT, 1.0)),
            judged(requirement("e", recommendation="Never shown."), (MET, 1.0)),
        ]
        total = aggregate(scorecard(), items)
        assert [(item.requirement, item.text) for item in total.recommendations] == [("c", "Listen."), ("b", "Verify.")]

    def test_categories_hold_every_finding_in_the_order_of_the_scorecard(self) -> None:
        items = [
            judged(requirement("x", "b"), (MET, 1.0), (NOT, 1.0)),
            judged(requirement("y", "a"), (NA, None)),
            judged(requirement("z", "b"), (OPEN, None)),
        ]
        total = aggregate(scorecard(a=1, b=2), items)
        assert list(total.categories) == ["a", "b"]
        assert [finding.requirement for finding in total.categories["b"].findings] == ["x", "x", "z"]
        assert total.categories["b"].weight == 2

import pytest

from tahoe_engine.models.analysis import AnalysisStatus, ScoredResult, Verdict
from tahoe_engine.models.finding import CheckResult, Evidence, Outcome
from tahoe_engine.models.interaction import Interaction, Role, Turn
from tahoe_engine.scoring.binding import bind_definition
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.scoring.checks import pattern
from tahoe_engine.scoring.definition import parse_definition
from tahoe_engine.scoring.scorer import Scorer

CARD = r"""
name: support
categories:
  opening: {}
  safety: {weight: 3}
requirements:
  - id: verifies
    title: The agent verifies who is there
    category: safety
    severity: critical
    applies_when: {requirement: mentions-account}
    recommendation: Ask for the date of birth first.
    checks:
      - type: order
        before: {type: pattern, patterns: [date of birth], speaker: agent}
        after: {type: pattern, patterns: [balance], speaker: agent}
  - id: greets
    title: The agent greets
    category: opening
    checks: [{type: pattern, patterns: ['\bhello\b'], speaker: agent, window: {first: 1}}]
  - id: mentions-account
    title: The account is talked about
    category: opening
    checks: [{type: pattern, patterns: [account]}]
  - id: tone
    title: The tone is kind
    category: opening
    checks: [{type: judge, question: Is the tone kind?}]
  - id: depends
    title: Depends on the tone
    category: opening
    applies_when: {requirement: tone}
    checks: [{type: pattern, patterns: [x]}]
"""


def chat(*turns: tuple[Role, str]) -> Interaction:
    return Interaction(turns=tuple(Turn(role=role, speaker=role, text=text, spoken=len(text)) for role, text in turns))


def scorer(text: str = CARD) -> Scorer:
    return Scorer(bind_definition(parse_definition(text, "f.yaml")), CheckKit())


def outcomes(result: ScoredResult) -> dict[str, Outcome]:
    return {f.requirement: f.outcome for category in result.categories.values() for f in category.findings}


A, C = Role.AGENT, Role.CUSTOMER
BAD_CHAT = chat(
    (A, "Hello 👋"),
    (C, "I have a question about my account"),
    (A, "Your balance is 5. And your date of birth?"),
)


def test_a_whole_interaction_is_scored() -> None:
    result = scorer().score(BAD_CHAT)
    assert outcomes(result) == {
        "greets": Outcome.MET,
        "mentions-account": Outcome.MET,
        "tone": Outcome.NOT_RUN,
        "depends": Outcome.NOT_RUN,
        "verifies": Outcome.NOT_MET,
    }
    assert result.overall_score == 25  # (1 * 100 + 3 * 0) / 4; the cap of 40 is higher
    assert result.coverage == 0.875  # (1 * 2/4 + 3 * 1) / 4
    assert (result.verdict, result.status) == (Verdict.HIGH_RISK, AnalysisStatus.COMPLETE)
    assert [violation.requirement for violation in result.violations] == ["verifies"]
    assert [item.text for item in result.recommendations] == ["Ask for the date of birth first."]


def test_the_audit_trail_says_how_it_came_about() -> None:
    trail = scorer().score(BAD_CHAT, trace_id="0af7651916cd43dd8448eb211c80319c").audit_trail
    assert trail.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert trail.checks_run == 3
    assert trail.not_run == {
        "tone": "This question is for a model, and no model is configured.",
        "depends": "Not run, since it depends on “tone”, which was not run.",
    }
    assert trail.template_versions == {"support.opening": 0, "support.safety": 0}
    assert 0 < trail.execution_ms < 1000


def test_a_trace_id_is_made_up_when_there_is_none() -> None:
    first, second = (scorer().score(BAD_CHAT).audit_trail.trace_id for _ in range(2))
    assert first != second
    assert len(first) == 32
    int(first, 16)


def test_what_does_not_apply_says_why() -> None:
    result = scorer().score(chat((A, "Hello"), (C, "Bye")))
    assert outcomes(result)["verifies"] is Outcome.NOT_APPLICABLE
    (finding,) = result.categories["safety"].findings
    assert finding.explanation == "Does not apply, since “mentions-account” is not met."
    assert finding.confidence is None
    assert result.categories["safety"].score is None


def test_findings_stand_in_the_order_of_the_scorecard_whatever_waits_for_what() -> None:
    findings = scorer().score(BAD_CHAT).categories["opening"].findings
    assert [finding.requirement for finding in findings] == ["greets", "mentions-account", "tone", "depends"]


def test_a_finding_names_its_check_and_its_specialist() -> None:
    (finding,) = scorer().score(BAD_CHAT).categories["safety"].findings
    assert (finding.check, finding.agent) == ("order", "support.safety")
    assert [(evidence.turn, evidence.quote) for evidence in finding.evidence] == [(2, "balance"), (2, "date of birth")]


def test_an_interaction_without_known_speakers_goes_to_review() -> None:
    result = scorer().score(chat((Role.OTHER, "Hello"), (Role.OTHER, "My account")))
    assert outcomes(result)["greets"] is Outcome.NOT_RUN
    assert "mapping the speakers to roles" in result.audit_trail.not_run["greets"]
    assert result.verdict is Verdict.REVIEW


def test_nothing_to_judge_is_no_score() -> None:
    only_greeting = """
name: s
categories: {a: {}}
requirements:
  - {id: g, title: t, category: a, checks: [{type: pattern, patterns: [hello], speaker: agent}]}
"""
    result = scorer(only_greeting).score(chat((C, "Is anybody there?")))
    assert (result.overall_score, result.confidence, result.coverage) == (None, None, 0)
    assert (result.verdict, result.status) == (Verdict.REVIEW, AnalysisStatus.NEEDS_REVIEW)


def test_a_pattern_that_would_run_for_ever_costs_its_own_requirement_only() -> None:
    card = CARD.replace(r"patterns: ['\bhello\b']", "patterns: ['(a|aa)+$']")
    result = scorer(card).score(chat((A, "a" * 80 + "b"), (C, "My account")))
    assert outcomes(result)["greets"] is Outcome.NOT_RUN
    assert outcomes(result)["mentions-account"] is Outcome.MET
    assert "took longer than 250 ms on turn 0" in result.audit_trail.not_run["greets"]


class TestAFailingCheck:
    """A mistake of ours in one check: the others go on, the log knows, the interaction stays out of it."""

    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        run = pattern.PatternRunner.run

        def fail(self: pattern.PatternRunner, interaction: Interaction) -> CheckResult:
            if "hello" in self._spec.patterns[0]:
                raise KeyError(interaction.turns[0].text)
            return run(self, interaction)

        monkeypatch.setattr(pattern.PatternRunner, "run", fail)

    def test_is_reported_as_not_run_and_the_others_go_on(self, broken: None) -> None:
        result = scorer().score(BAD_CHAT, trace_id="f" * 32)
        assert outcomes(result)["greets"] is Outcome.NOT_RUN
        assert outcomes(result)["verifies"] is Outcome.NOT_MET
        assert result.audit_trail.not_run["greets"] == (
            f"The check failed unexpectedly (KeyError); the log says more under trace id {'f' * 32}."
        )

    def test_is_logged_without_a_word_of_the_interaction(self, broken: None, caplog: pytest.LogCaptureFixture) -> None:
        scorer().score(BAD_CHAT, trace_id="f" * 32)
        (record,) = caplog.records
        entry = vars(record)
        assert (record.message, entry["requirement"], entry["error"]) == ("check failed", "greets", "KeyError")
        assert entry["trace_id"] == "f" * 32
        assert "in fail" in entry["stack"]
        assert "👋" not in str(entry)

    def test_in_a_condition_is_no_answer_either(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(_self: pattern.PatternRunner, _interaction: Interaction) -> list[Evidence]:
            raise KeyError

        monkeypatch.setattr(pattern.PatternRunner, "find", fail)
        card = CARD.replace("{requirement: tone}", "{found: {type: pattern, patterns: [x]}}")
        result = scorer(card).score(BAD_CHAT)
        assert outcomes(result)["depends"] is Outcome.NOT_RUN
        assert "failed unexpectedly (KeyError)" in result.audit_trail.not_run["depends"]

    @pytest.mark.parametrize(
        "evidence",
        [
            Evidence(turn=0, start=0, end=5, quote="Howdy"),
            Evidence(turn=0, start=1, end=6, quote="Hello"),
            Evidence(turn=99, start=0, end=5, quote="Hello"),
        ],
    )
    def test_may_not_quote_what_does_not_stand_there(self, evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
        def lie(_self: pattern.PatternRunner, _interaction: Interaction) -> CheckResult:
            return CheckResult(outcome=Outcome.MET, confidence=1, evidence=(evidence,), explanation="It is there.")

        monkeypatch.setattr(pattern.PatternRunner, "run", lie)
        result = scorer().score(BAD_CHAT)
        assert outcomes(result)["greets"] is Outcome.NOT_RUN
        assert all(not finding.evidence for finding in result.categories["opening"].findings)


def test_the_same_scorer_scores_many_interactions_alike() -> None:
    shared = scorer()
    other = chat((A, "Good day"), (C, "account"))
    first = shared.score(BAD_CHAT)
    shared.score(other)
    again = shared.score(BAD_CHAT)
    assert first.model_dump(exclude={"audit_trail"}) == again.model_dump(exclude={"audit_trail"})

"""What holds for every interaction and every scorecard, however odd."""

import json

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tahoe_engine.models.analysis import ScoredResult, Verdict
from tahoe_engine.models.finding import Evidence, Outcome
from tahoe_engine.models.interaction import Interaction, InteractionType, Role, ToolCall, Turn
from tahoe_engine.models.scorecard import BoundScorecard, ScorecardDefinition
from tahoe_engine.scoring.binding import bind_definition
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.scoring.scorer import Scorer

WORDS = (
    *("hello", "refund", "my account", "4111 1111 1111 1111", "ann@example.com", "+1 212 555 0123", "order 42", "why?"),
    *("👩\u200d👩\u200d👧", "👋🏽", "e\u0301", "ﬁ", "İ", "ẞ", "שלום", "مرحبا", "नमस्ते", "\u202eabc\u202c"),
    *("\u0000", "\u2028", "\r\n", '{"a": 1}'),
)
KIT = CheckKit()
FEW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.tuples(st.sampled_from(WORDS), st.integers(1000, 20_000)).map(lambda pair: pair[0] * pair[1]),
)
arguments = st.dictionaries(
    st.sampled_from(("id", "name", "🔑")), st.sampled_from((1, "order 42", "👋🏽", None)), max_size=2
)
calls = st.tuples(st.sampled_from(("look_up", "refund_order", "größe")), arguments)


def turn(role: Role, said: str, wanted: list[tuple[str, dict[str, object]]]) -> Turn:
    """Renders tool calls as the readers of interactions do."""
    text, rendered = said, []
    for name, given_arguments in wanted:
        text += "\n" if text else ""
        written = json.dumps(given_arguments, ensure_ascii=False)
        start = len(text) + len(name) + 1
        rendered.append(ToolCall.model_validate(
            {"name": name, "arguments": given_arguments, "arguments_text": written, "start": start}
        ))  # fmt: skip
        text += f"{name}({written})"
    return Turn(role=role, speaker=role.value, text=text, spoken=len(said), tool_calls=tuple(rendered))


interactions = st.builds(
    Interaction,
    type=st.sampled_from(InteractionType),
    language=st.sampled_from((None, "en", "he")),
    turns=st.lists(
        st.builds(turn, st.sampled_from((Role.AGENT, Role.CUSTOMER, *Role)), texts, st.lists(calls, max_size=2)),
        min_size=1,
        max_size=8,
    ).map(tuple),
)

speakers = st.sampled_from((None, None, "agent", "customer", "action", ["agent", "tool"]))
windows = st.sampled_from((None, {"first": 1}, {"last": 2}, {"first": 2, "last": 1}))
patterns = st.lists(
    st.sampled_from(
        (
            "hello",
            r"\w+",
            "(?s).+",
            r"\X",
            "[^\\x00-\\x7f]+",
            "ﬁ",
            r"(.)\1",
            "(?i)İ",
            "refund|account",
            r"\s",
            r"(?=h)",
            "👋",
        )
    ),
    min_size=1,
    max_size=3,
)
pattern_checks = st.fixed_dictionaries(
    {
        "type": st.just("pattern"),
        "patterns": patterns,
        "speaker": speakers,
        "window": windows,
        "min_matches": st.sampled_from((1, 1, 1, 3)),
    }
)
personal_data_checks = st.fixed_dictionaries(
    {"type": st.just("personal_data"), "kinds": st.just(["card", "email"]), "speaker": speakers}
)
tools = st.fixed_dictionaries(
    {"type": st.just("tool"), "tools": st.sampled_from((["*"], ["refund*"], ["größe", "*hello*"]))}
)
matchers = st.one_of(pattern_checks, personal_data_checks, tools)
checks = st.one_of(
    pattern_checks,
    personal_data_checks,
    st.fixed_dictionaries({"type": st.just("absence"), "of": matchers}),
    st.fixed_dictionaries({"type": st.just("order"), "before": matchers, "after": matchers}),
    st.sampled_from(
        (
            {"type": "judge", "question": "Is it?"},
            {"type": "phrase", "examples": ["Hello"]},
            {"type": "ratio", "measure": "talk_share", "max": 0.5},
            {"type": "ratio", "measure": "questions", "min": 1},
            {"type": "timing", "response_time": {"max_seconds": 60}},
            {"type": "grounded_arguments"},
            {"type": "tool_sequence", "no_repeats": True, "needs": {"refund_order": ["look_up"]}},
            {"type": "json_schema", "target": "message", "schema": {"type": "object"}, "speaker": "agent"},
        )
    ),
)
weights = st.sampled_from((0.1, 1, 3, 1000))
SEVERITIES = ("low", "medium", "high", "critical")


@st.composite
def scorecards(draw: st.DrawFn) -> ScorecardDefinition:
    requirements = []
    for number in range(draw(st.integers(1, 5))):
        conditions: list[st.SearchStrategy[object]] = [
            st.none(),
            st.builds(lambda matcher: {"found": matcher}, matchers),
            st.just({"languages": ["en"]}),
        ]
        if number:
            earlier = st.sampled_from([f"r{index}" for index in range(number)])
            conditions.append(st.builds(lambda name: {"requirement": name}, earlier))
            conditions.append(st.builds(lambda name: {"not": {"requirement": name}}, earlier))
        requirements.append(
            {
                "id": f"r{number}",
                "title": "t",
                "category": draw(st.sampled_from("ab")),
                "weight": draw(weights),
                "severity": draw(st.sampled_from(SEVERITIES)),
                "required": draw(st.booleans()),
                "applies_when": draw(st.one_of(conditions)),
                "checks": draw(st.lists(checks, min_size=1, max_size=2)),
            }
        )
    return ScorecardDefinition.model_validate({
        "name": "s",
        "categories": {"a": {"weight": draw(weights)}, "b": {"weight": draw(weights)}, "c": {"weight": draw(weights)}},
        "aggregation": {"conflict": draw(st.sampled_from(("lowest", "highest", "weighted")))},
        "requirements": draw(st.permutations(requirements)),
    })  # fmt: skip


def bound(definition: ScorecardDefinition) -> BoundScorecard:
    return bind_definition(definition)


def all_evidence(result: ScoredResult) -> list[Evidence]:
    findings = [finding for category in result.categories.values() for finding in category.findings]
    return [
        *(evidence for finding in findings for evidence in finding.evidence),
        *(evidence for violation in result.violations for evidence in violation.evidence),
    ]


def comparable(result: ScoredResult) -> dict[str, object]:
    document = result.model_dump(mode="json")
    del document["audit_trail"]["trace_id"], document["audit_trail"]["execution_ms"]
    return document


@FEW
@given(interactions, scorecards())
def test_every_quote_is_the_slice_that_it_claims_to_be(
    interaction: Interaction, definition: ScorecardDefinition
) -> None:
    result = Scorer(bound(definition), KIT).score(interaction)
    assert not [reason for reason in result.audit_trail.not_run.values() if "unexpectedly" in reason]
    evidence = all_evidence(result)
    event("with evidence" if evidence else "without evidence")
    for place in evidence:
        assert interaction.turns[place.turn].text[place.start : place.end] == place.quote


@FEW
@given(interactions, scorecards())
def test_every_number_stays_in_its_range(interaction: Interaction, definition: ScorecardDefinition) -> None:
    result = Scorer(bound(definition), KIT).score(interaction)
    assert 0 <= result.coverage <= 1
    assert result.overall_score is None or 0 <= result.overall_score <= 100
    assert (result.overall_score is None) == (result.confidence is None)
    for category in result.categories.values():
        assert category.score is None or 0 <= category.score <= 100
        for finding in category.findings:
            answered = finding.outcome in {Outcome.MET, Outcome.NOT_MET}
            assert (finding.confidence is not None) == answered
            assert finding.explanation
    assert {violation.requirement for violation in result.violations} <= {item.id for item in definition.requirements}


@FEW
@given(interactions, scorecards(), weights, st.sampled_from("abc"), st.sampled_from(SEVERITIES), st.booleans())
def test_what_is_not_run_never_raises_score_coverage_or_verdict(
    interaction: Interaction,
    definition: ScorecardDefinition,
    weight: float,
    category: str,
    severity: str,
    required: bool,
) -> None:
    addition = {
        "id": "added", "title": "t", "category": category, "weight": weight, "severity": severity,
        "required": required, "checks": [{"type": "judge", "question": "Is it?"}],
    }  # fmt: skip
    document = definition.model_dump(mode="json", by_alias=True)
    document["requirements"].append(addition)
    less = Scorer(bound(definition), KIT).score(interaction)
    more = Scorer(bound(ScorecardDefinition.model_validate(document)), KIT).score(interaction)
    assert more.overall_score == less.overall_score
    assert more.coverage <= less.coverage
    best_first = list(Verdict)
    assert best_first.index(more.verdict) >= best_first.index(less.verdict)


@FEW
@given(interactions, scorecards())
def test_scoring_is_deterministic_and_does_not_depend_on_the_order_of_requirements(
    interaction: Interaction, definition: ScorecardDefinition
) -> None:
    first = Scorer(bound(definition), KIT).score(interaction)
    assert comparable(Scorer(bound(definition), KIT).score(interaction)) == comparable(first)
    turned = definition.model_copy(update={"requirements": definition.requirements[::-1]})
    other = Scorer(bound(turned), KIT).score(interaction)
    assert (other.overall_score, other.coverage, other.verdict, other.confidence) == (
        first.overall_score,
        first.coverage,
        first.verdict,
        first.confidence,
    )

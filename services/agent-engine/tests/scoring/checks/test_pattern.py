import pytest

from tahoe_engine.models.check_specs import PatternCheck
from tahoe_engine.models.finding import Outcome
from tahoe_engine.models.interaction import Interaction, Role, Turn
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.pattern import PatternRunner
from tahoe_engine.scoring.evidence import MAX_QUOTE

A, C = Role.AGENT, Role.CUSTOMER


def interaction(*turns: tuple[Role, str]) -> Interaction:
    return Interaction(turns=tuple(Turn(role=role, speaker=role, text=text, spoken=len(text)) for role, text in turns))


def runner(*patterns: str, **entries: object) -> PatternRunner:
    spec = PatternCheck.model_validate({"type": "pattern", "patterns": patterns, **entries})
    return PatternRunner(spec, CheckKit())


CHAT = interaction(
    (C, "Hello, anybody there?"),
    (A, "👋 Hello and welcome! How can I help?"),
    (C, "I want a refund"),
    (A, "Hello again. A refund it is."),
    (A, "Bye"),
)


@pytest.mark.parametrize(
    ("patterns", "entries", "outcome", "quotes", "explanation"),
    [
        (
            ("hello",),
            {"speaker": "agent", "window": {"first": 1}},
            Outcome.MET,
            [(1, "Hello")],
            "“Hello” is said by the agent in turn 1.",
        ),
        (
            ("hello", "hi there"),
            {"speaker": "agent"},
            Outcome.MET,
            [(1, "Hello"), (3, "Hello")],
            "“Hello” is said by the agent in turn 1 and in 1 more turn.",
        ),
        (
            ("hello",),
            {},
            Outcome.MET,
            [(0, "Hello"), (1, "Hello"), (3, "Hello")],
            "“Hello” is said in turn 0 and in 2 more turns.",
        ),
        (
            ("refund", "money back"),
            {"speaker": "agent", "window": {"first": 1}},
            Outcome.NOT_MET,
            [],
            "Nothing like “refund” (or 1 more) is said by the agent in the first turn.",
        ),
        (
            ("refund",),
            {"speaker": ["agent", "customer"], "window": {"first": 2, "last": 1}},
            Outcome.NOT_MET,
            [],
            "Nothing like “refund” is said by the agent or the customer in the first 2 turns or the last turn.",
        ),
        (
            ("hello",),
            {"speaker": "agent", "min_matches": 3},
            Outcome.NOT_MET,
            [(1, "Hello"), (3, "Hello")],
            "“Hello” is said by the agent in turn 1, but in 2 turns only where 3 are asked for.",
        ),
        (("hello",), {"speaker": "agent", "ignore_case": False}, Outcome.NOT_MET, [], None),
        (("hello",), {"speaker": "tool"}, Outcome.NOT_APPLICABLE, [], "A tool says nothing in this interaction."),
    ],
)
def test_a_pattern_is_judged(
    patterns: tuple[str, ...],
    entries: dict[str, object],
    outcome: Outcome,
    quotes: list[tuple[int, str]],
    explanation: str | None,
) -> None:
    result = runner(*patterns, **entries).run(CHAT)
    assert result.outcome is outcome
    assert result.confidence == (None if outcome is Outcome.NOT_APPLICABLE else 1)
    assert [(evidence.turn, evidence.quote) for evidence in result.evidence] == quotes
    if explanation:
        assert result.explanation == explanation


def test_offsets_count_code_points() -> None:
    (evidence,) = runner("how can i help", speaker="agent").find(CHAT)
    assert (evidence.turn, evidence.start, evidence.end) == (1, 21, 35)


def test_of_many_places_the_first_are_quoted_and_the_rest_counted() -> None:
    result = runner("x").run(interaction(*[(A, "x")] * 30))
    assert len(result.evidence) == 20
    assert result.explanation == "“x” is said in turn 0 and in 29 more turns. The first 20 places are quoted."


def test_an_endless_match_is_quoted_by_its_beginning() -> None:
    (evidence,) = runner("(?s)a.+").run(interaction((A, "a" + "b" * 1000))).evidence
    assert evidence.end == MAX_QUOTE
    assert evidence.quote == "a" + "b" * (MAX_QUOTE - 1)


def test_finding_asks_for_as_many_turns_as_judging() -> None:
    assert len(runner("hello", speaker="agent", min_matches=2).find(CHAT)) == 2
    assert runner("hello", speaker="agent", min_matches=3).find(CHAT) == []


def test_unknown_speakers_are_not_judged() -> None:
    unknown = interaction((Role.OTHER, "Hello"), (Role.OTHER, "Hi"))
    with pytest.raises(CheckNotRunError, match="mapping the speakers to roles"):
        runner("hello", speaker="agent").run(unknown)
    assert runner("hello").run(unknown).outcome is Outcome.MET

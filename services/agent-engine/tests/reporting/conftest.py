"""A support call as the scorer would leave it: every outcome, overlapping evidence, tool calls, personal data."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from tahoe_engine.models.analysis import (
    Analysis,
    AnalysisStatus,
    AuditTrail,
    CategoryResult,
    Recommendation,
    ScorecardRef,
    Verdict,
    Violation,
)
from tahoe_engine.models.check_specs import JudgeCheck, PatternCheck, PersonalDataCheck
from tahoe_engine.models.finding import Evidence, Finding, Outcome, Severity
from tahoe_engine.models.interaction import Interaction, InteractionType, Participant, Role, ToolCall, Turn
from tahoe_engine.models.scorecard import (
    AggregationRules,
    BoundCheck,
    BoundRequirement,
    BoundScorecard,
    Category,
    ScorecardAgent,
    Thresholds,
)

PERSONAL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+|\b(?:\d[ -]?){13,16}\b|\(?\b\d{3}\)?[ -]\d{3}-\d{4}\b")

AGENT, CUSTOMER, ACTION, TOOL = Role.AGENT, Role.CUSTOMER, Role.ACTION, Role.TOOL

TURNS: tuple[tuple[Role, str, str, float], ...] = (
    (AGENT, "Dana", "Thank you for calling Northwind Home, my name is Dana. How can I help you today?", 0),
    (CUSTOMER, "Sam", "Hi Dana. I ordered a standing desk three weeks ago and it still hasn't arrived. I'm getting pretty frustrated.", 6),
    (AGENT, "Dana", "I'm really sorry about that, Sam. Three weeks is far too long, and I understand why you're frustrated.", 16),
    (AGENT, "Dana", "Let me pull up the order for you.", 24),
    (TOOL, "orders", 'lookup_order({"customer": "Sam Okafor", "email": "sam.okafor@example.com"})', 27),
    (TOOL, "orders", '{"order_id": "NW-48213", "status": "in_transit", "carrier": "Parcelway", "total": 389.00}', 29),
    (AGENT, "Dana", "I can see order NW-48213 for $389, a walnut standing desk. It left our warehouse on the 14th.", 33),
    (CUSTOMER, "Sam", "Right, that's the one. Shouldn't you check who I am first?", 42),
    (AGENT, "Dana", "Good point. Could you confirm the e-mail address and phone number on the account?", 48),
    (CUSTOMER, "Sam", "Sure: sam.okafor@example.com, and the phone is (977) 625-2661.", 55),
    (ACTION, "action", "Identity verified for Sam Okafor", 63),
    (AGENT, "Dana", "Thank you, that matches. The carrier shows your parcel has been sitting in their depot since Monday.", 66),
    (CUSTOMER, "Sam", "So what happens now? I took a day off work to build this thing.", 77),
    (AGENT, "Dana", "I can send a replacement by express delivery, or refund you in full. Which would you prefer?", 83),
    (CUSTOMER, "Sam", "Refund, please. Do you need the card again? It's 4111 1111 1111 1111.", 92),
    (AGENT, "Dana", "You shouldn't read that out, but thank you. I'll use the card 4111 1111 1111 1111 that we have on file.", 101),
    (TOOL, "payments", 'issue_refund({"order_id": "NW-48213", "amount": 389.00})', 110),
    (AGENT, "Dana", "The refund of $389 is on its way, and you'll definitely have it tomorrow. I guarantee it.", 114),
    (CUSTOMER, "Sam", "Okay. Thanks for sorting it out.", 124),
    (AGENT, "Dana", "Happy to help. Is there anything else I can do for you today?", 128),
    (CUSTOMER, "Sam", "No, that's all.", 133),
    (AGENT, "Dana", "Then have a good evening, Sam. Goodbye!", 136),
)


def make_turn(role: Role, speaker: str, text: str, at: float | None = None) -> Turn:
    """Makes a turn; a tool's `name(arguments)` becomes a call that was not said."""
    call = re.fullmatch(r"(\w+)\((\{.*\})\)", text)
    if role is TOOL and call:
        tool_call = ToolCall(name=call[1], arguments=None, arguments_text=call[2], start=call.start(2))
        return Turn(role=role, speaker=speaker, text=text, spoken=0, offset_seconds=at, tool_calls=(tool_call,))
    return Turn(role=role, speaker=speaker, text=text, spoken=len(text), offset_seconds=at)


def quote(interaction: Interaction, turn: int, words: str) -> Evidence:
    """Quotes words of a turn."""
    start = interaction.turns[turn].text.index(words)
    return Evidence.of(turn, interaction.turns[turn], start, start + len(words))


def mask_personal(text: str) -> str:
    """Stands in for the detector of `scoring`: e-mail addresses, card and phone numbers."""
    return PERSONAL.sub(lambda match: "•" * len(match[0]), text)


# Requirement: id, title, category, severity, required, recommendation.
REQUIREMENTS = (
    ("greeting", "Opens with a greeting and a name", "courtesy", Severity.LOW, False, ""),
    ("empathy", "Acknowledges how the customer feels", "courtesy", Severity.MEDIUM, False, ""),
    ("closing", "Offers further help before closing", "courtesy", Severity.LOW, False, ""),
    ("identity", "Verifies identity before discussing the account", "compliance", Severity.HIGH, True,
     "Ask for two identifiers before naming an order, an amount or an address."),
    ("card-data", "Never repeats a card number", "compliance", Severity.CRITICAL, True,
     "Refer to a card by its last four digits, and stop customers who begin to read one out."),
    ("no-guarantee", "Promises no date that a third party decides", "compliance", Severity.MEDIUM, False,
     "Say what is usual: “refunds take three to five working days”."),
    ("choice", "Offers the customer a choice", "resolution", Severity.MEDIUM, False, ""),
    ("resolved", "Resolves the issue on this contact", "resolution", Severity.HIGH, True, ""),
    ("grounded", "Tool calls use only what was said", "process", Severity.HIGH, True, ""),
    ("sequence", "Looks the order up before refunding", "process", Severity.MEDIUM, False, ""),
    ("tone", "Keeps a professional tone throughout", "courtesy", Severity.MEDIUM, False, ""),
    ("hold", "Asks before putting the customer on hold", "process", Severity.LOW, False, ""),
)  # fmt: skip


@pytest.fixture(scope="session")
def interaction() -> Interaction:
    return Interaction(
        external_id="NW-2026-00417",
        type=InteractionType.CALL,
        language="en-US",
        occurred_at=datetime(2026, 3, 12, 17, 5, tzinfo=UTC),
        time_zone="America/Chicago",
        participants=(Participant(name="Dana Reyes", role=AGENT), Participant(name="Sam Okafor", role=CUSTOMER)),
        turns=tuple(make_turn(*turn) for turn in TURNS),
        metadata={"title": "Late standing desk, refunded in full", "queue": "orders-us", "caller": "(977) 625-2661"},
    )


@pytest.fixture(scope="session")
def scorecard() -> BoundScorecard:
    def bind(requirement: str) -> BoundCheck:
        if requirement == "tone":
            return BoundCheck(agent="tone-judge", spec=JudgeCheck(type="judge", question="Is the tone professional?"))
        if requirement == "card-data":
            return BoundCheck(agent="support-quality.compliance", spec=PersonalDataCheck(type="personal_data"))
        return BoundCheck(agent="support-quality", spec=PatternCheck(type="pattern", patterns=("x",)))

    return BoundScorecard(
        name="support-quality",
        version=3,
        thresholds=Thresholds(),
        aggregation=AggregationRules(),
        categories={
            "compliance": Category(title="Compliance", weight=4),
            "resolution": Category(title="Resolution", weight=3),
            "courtesy": Category(title="Courtesy", weight=2),
            "process": Category(title="Process", weight=1),
        },
        agents={"support-quality": ScorecardAgent()},
        requirements=tuple(
            BoundRequirement(
                id=name,
                title=title,
                category=category,
                weight=1,
                severity=severity,
                required=required,
                applies_when=None,
                checks=(bind(name),),
                recommendation=recommendation,
            )
            for name, title, category, severity, required, recommendation in REQUIREMENTS
        ),
        template_versions={"support-quality.compliance": 3, "support-quality.courtesy": 1, "tone-judge": 2},
    )


def list_findings(interaction: Interaction) -> dict[str, Finding]:
    """Lists a finding of each requirement, by its id."""
    severities = {row[0]: row[3] for row in REQUIREMENTS}

    def found(
        requirement: str, check: str, outcome: Outcome, confidence: float | None, explanation: str, *places: tuple[int, str]
    ) -> Finding:
        return Finding(
            requirement=requirement,
            check=check,
            agent="support-quality",
            outcome=outcome,
            severity=severities[requirement],
            confidence=confidence,
            evidence=tuple(quote(interaction, *place) for place in places),
            explanation=explanation,
        )

    met, not_met = Outcome.MET, Outcome.NOT_MET
    findings = (
        found("identity", "order", not_met, 0.96, "The order and its price were named in turn 6; identity was first asked for in turn 8.",
              (6, "I can see order NW-48213 for $389"), (8, "Could you confirm the e-mail address and phone number")),
        found("card-data", "personal_data", not_met, 1.0, "A card number was said, and repeated by the agent.",
              (14, "4111 1111 1111 1111"), (15, "4111 1111 1111 1111")),
        found("no-guarantee", "absence", not_met, 0.88, "A bank decides when a refund arrives, yet a date was promised.",
              (17, "you'll definitely have it tomorrow. I guarantee it")),
        found("choice", "phrase", met, 0.91, "A replacement and a refund were both offered.",
              (13, "send a replacement by express delivery, or refund you in full. Which would you prefer?")),
        found("resolved", "tool_sequence", met, 0.97, "The refund was issued while the customer was on the line.",
              (16, 'issue_refund({"order_id": "NW-48213"'), (17, "The refund of $389 is on its way, and you'll definitely have it tomorrow")),
        found("greeting", "pattern", met, 1.0, "Company and name in the first turn.",
              (0, "Thank you for calling Northwind Home, my name is Dana")),
        found("empathy", "phrase", met, 0.84, "Named the feeling, and apologised before asking for anything.",
              (2, "I'm really sorry about that, Sam"), (2, "I understand why you're frustrated")),
        found("closing", "phrase", met, 0.93, "Asked two turns before the end.", (19, "Is there anything else I can do for you today?")),
        found("grounded", "grounded_arguments", not_met, 0.9, "The e-mail address was used before the customer had given it.",
              (4, '"email": "sam.okafor@example.com"')),
        found("sequence", "tool_sequence", met, 1.0, "lookup_order came before issue_refund.", (4, "lookup_order"), (16, "issue_refund")),
        found("tone", "judge", Outcome.NOT_RUN, None, "No model is configured, so the judge could not be asked."),
        found("hold", "pattern", Outcome.NOT_APPLICABLE, None, "The customer was never put on hold."),
    )  # fmt: skip
    return {finding.requirement: finding for finding in findings}


@pytest.fixture(scope="session")
def analysis(interaction: Interaction) -> Analysis:
    findings = list_findings(interaction)
    requirements = {row[0]: row for row in REQUIREMENTS}

    def category(score: float | None, weight: float, *names: str) -> CategoryResult:
        return CategoryResult(score=score, weight=weight, findings=tuple(findings[name] for name in names))

    violated = [finding for finding in findings.values() if finding.outcome is Outcome.NOT_MET]
    return Analysis(
        analysis_id=UUID("0198c2a1-7b3e-7c42-9f00-5d1f0a6b2c11"),
        interaction_id=UUID("0198c29f-11aa-7d10-8a43-b1e94f0c7e02"),
        scorecard=ScorecardRef(name="support-quality", version=3),
        status=AnalysisStatus.NEEDS_REVIEW,
        verdict=Verdict.HIGH_RISK,
        overall_score=40.0,
        coverage=0.923,
        confidence=0.938,
        categories={
            "compliance": category(21.4, 4, "identity", "card-data", "no-guarantee"),
            "resolution": category(100, 3, "choice", "resolved"),
            "courtesy": category(100, 2, "greeting", "empathy", "closing", "tone"),
            "process": category(66.7, 1, "grounded", "sequence", "hold"),
        },
        violations=tuple(
            Violation(
                requirement=finding.requirement,
                title=requirements[finding.requirement][1],
                category=requirements[finding.requirement][2],
                severity=finding.severity,
                evidence=finding.evidence,
                explanation=finding.explanation,
            )
            for finding in violated
        ),
        recommendations=tuple(
            Recommendation(requirement=name, text=row[5]) for name, row in requirements.items() if row[5]
        ),
        audit_trail=AuditTrail(
            trace_id="9f2c41d07be84a3c8d5e6f7081920abc",
            checks_run=11,
            not_run={"tone": "No model is configured, so the judge could not be asked."},
            template_versions={"support-quality.compliance": 3, "support-quality.courtesy": 1, "tone-judge": 2},
            execution_ms=41.7,
        ),
    )


Masking = Callable[[str], str]


@pytest.fixture(scope="session")
def masker() -> Masking:
    return mask_personal

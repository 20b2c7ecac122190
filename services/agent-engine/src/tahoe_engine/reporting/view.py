"""What a report shows, ready to be drawn: every text masked and visible, every number computed.

`build.py` makes it, `html.py` and `terminal.py` draw it; neither decides anything about it.
"""

from dataclasses import dataclass
from datetime import datetime

from tahoe_engine.models.analysis import AnalysisStatus, Verdict
from tahoe_engine.models.finding import Outcome, Severity
from tahoe_engine.models.interaction import InteractionType, Role


@dataclass(frozen=True, slots=True)
class EvidenceMark:
    """One piece of evidence: the how-manieth of which finding, both from 1."""

    finding: int
    ordinal: int

    @property
    def anchor(self) -> str:
        """The place of the words in the page."""
        return f"e{self.finding}-{self.ordinal}"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a turn with the same evidence throughout.

    Attributes:
        marks: The evidence that covers it, the finding that weighs most first; empty for plain words.
        opens: The evidence that begins here.
        closes: The evidence that ends here.
        omitted: Characters that were left out here; the text is empty then.
    """

    text: str
    marks: tuple[EvidenceMark, ...] = ()
    opens: tuple[EvidenceMark, ...] = ()
    closes: tuple[EvidenceMark, ...] = ()
    omitted: int = 0


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn of the transcript.

    Attributes:
        time: When it began, as the interaction counts; empty where unknown.
        said: What was said.
        calls: The tool calls, as the turn's text renders them.
        results: What the tools answered, where the source keeps it beside the call.
        continues: Whether the same speaker goes on from the turn before.
    """

    index: int
    role: Role
    speaker: str
    time: str
    said: tuple[Segment, ...]
    calls: tuple[Segment, ...]
    results: tuple[str, ...]
    continues: bool

    @property
    def has_evidence(self) -> bool:
        """Whether any word of it is quoted by a finding."""
        return any(segment.marks for segment in (*self.said, *self.calls))


@dataclass(frozen=True, slots=True)
class TurnGap:
    """Turns that the page leaves out to stay small; both ends are included."""

    first: int
    last: int

    @property
    def turns(self) -> int:
        """How many."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class QuoteView:
    """The words that a finding quotes."""

    mark: EvidenceMark
    turn: int
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding.

    Attributes:
        number: From 1, in the order of the report: evaluated ones first.
        confidence: 0 to 1; None when it did not run or does not apply.
        required: Whether the verdict is at least review while this is not evaluated.
        more_quotes: Evidence beyond `quotes`.
    """

    number: int
    requirement: str
    title: str
    category: str
    check: str
    agent: str
    outcome: Outcome
    severity: Severity
    confidence: float | None
    required: bool
    explanation: str
    quotes: tuple[QuoteView, ...]
    more_quotes: int = 0


@dataclass(frozen=True, slots=True)
class CategoryView:
    """One category with the findings that were evaluated.

    Attributes:
        score: 0 to 100; None when nothing in it was evaluated.
        share: Its part of all categories' weight, 0 to 1.
        not_evaluated: How many findings of it were not run.
    """

    title: str
    score: float | None
    share: float
    findings: tuple[FindingView, ...]
    not_evaluated: int


@dataclass(frozen=True, slots=True)
class ViolationView:
    """A requirement that is not met, and what to do about it.

    Attributes:
        finding: Number of the finding that says so; None when it has no finding.
    """

    title: str
    category: str
    severity: Severity
    explanation: str
    recommendation: str
    finding: int | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A turn in the timeline, or a few neighbouring ones where there are many.

    Attributes:
        turn: Index of the first.
        x: Where it begins, per cent of the timeline's length.
        width: Per cent of the timeline's length.
        shown: Whether the page holds the turn.
    """

    turn: int
    x: float
    width: float
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Lane:
    """One role's turns in the timeline."""

    role: Role
    label: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Marker:
    """A finding in the timeline.

    Attributes:
        x: Per cent of the timeline's length.
        level: 0 for the row nearest to the lanes; higher where markers would overlap.
        lane: Index of the lane that the turn stands in.
    """

    finding: int
    turn: int
    mark: EvidenceMark
    x: float
    level: int
    lane: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A label under the timeline; `x` is per cent of its length."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The shape of the conversation.

    Attributes:
        by_time: Whether it runs over time; otherwise over the turns' order.
    """

    by_time: bool
    lanes: tuple[Lane, ...]
    markers: tuple[Marker, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class ThresholdsView:
    """Where the verdicts begin: scores 0 to 100, coverage 0 to 1."""

    pass_from: float
    review_from: float
    min_coverage: float


@dataclass(frozen=True, slots=True)
class AuditView:
    """How the result came about."""

    trace_id: str
    analysis_id: str
    interaction_id: str
    checks_run: int
    checks_not_run: int
    execution_ms: float
    template_versions: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ReportView:
    """Everything that a report shows.

    Attributes:
        occurred: When it happened, in its own zone; empty where unknown.
        time_zone: IANA name of that zone; empty where unknown, or where `occurred` says all of it.
        language: BCP 47 tag of the transcript; empty where unknown.
        score: 0 to 100; None when nothing was evaluated.
        coverage: 0 to 1.
        confidence: 0 to 1; None when nothing was evaluated.
        reasons: Why the verdict is another than the score alone would give; whole sentences.
        facts: Further facts about the interaction, name and value.
        turn_count: Turns of the interaction, those left out of `transcript` included.
        masked: Whether personal data is masked.
        findings_left_out: Findings that the page leaves out to stay small.
    """

    title: str
    type: InteractionType
    language: str
    occurred_at: datetime | None
    occurred: str
    time_zone: str
    participants: tuple[str, ...]
    scorecard: str
    scorecard_version: int
    status: AnalysisStatus
    verdict: Verdict
    reasons: tuple[str, ...]
    score: float | None
    coverage: float
    confidence: float | None
    thresholds: ThresholdsView
    categories: tuple[CategoryView, ...]
    violations: tuple[ViolationView, ...]
    advice: tuple[str, ...]
    not_evaluated: tuple[FindingView, ...]
    not_applicable: tuple[FindingView, ...]
    timeline: Timeline
    transcript: tuple[TurnView | TurnGap, ...]
    turn_count: int
    facts: tuple[tuple[str, str], ...]
    audit: AuditView
    masked: bool
    findings_left_out: int = 0

    @property
    def evaluated(self) -> tuple[FindingView, ...]:
        """The findings that came out met or not met."""
        return tuple(finding for category in self.categories for finding in category.findings)

    def count_outcome(self, outcome: Outcome) -> int:
        """Counts the findings with an outcome."""
        return sum(
            finding.outcome is outcome for finding in (*self.evaluated, *self.not_evaluated, *self.not_applicable)
        )

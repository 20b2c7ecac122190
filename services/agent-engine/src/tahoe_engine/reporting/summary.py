"""One report in a line: what the index page and the terminal's table list."""

from dataclasses import dataclass
from datetime import datetime

from tahoe_engine.models.analysis import AnalysisStatus, Verdict
from tahoe_engine.models.finding import Outcome
from tahoe_engine.models.interaction import InteractionType
from tahoe_engine.reporting.view import ReportView


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What a list of reports says of one.

    Attributes:
        report: Path of the report, relative to the page with the list; empty where there is none.
        occurred: When the interaction happened, in its own zone; empty where unknown.
        score: 0 to 100; None when nothing was evaluated.
        coverage: 0 to 1.
        not_met: How many findings are not met.
    """

    report: str
    title: str
    type: InteractionType
    scorecard: str
    scorecard_version: int
    status: AnalysisStatus
    verdict: Verdict
    score: float | None
    coverage: float
    not_met: int
    turn_count: int
    occurred_at: datetime | None
    occurred: str
    masked: bool


def summarize(view: ReportView, report: str = "") -> ReportSummary:
    """Summarizes a view.

    Args:
        view: The report.
        report: Path of its page, relative to the page with the list.
    """
    return ReportSummary(
        report=report,
        title=view.title,
        type=view.type,
        scorecard=view.scorecard,
        scorecard_version=view.scorecard_version,
        status=view.status,
        verdict=view.verdict,
        score=view.score,
        coverage=view.coverage,
        not_met=view.count_outcome(Outcome.NOT_MET),
        turn_count=view.turn_count,
        occurred_at=view.occurred_at,
        occurred=view.occurred,
        masked=view.masked,
    )

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console

from tahoe_cli.output import say
from tahoe_engine.analysis.batches import Analyzed
from tahoe_engine.interactions.reading import ReadFailure
from tahoe_engine.models.scorecard import BoundScorecard
from tahoe_engine.reporting.build import build_view
from tahoe_engine.reporting.listing import print_table
from tahoe_engine.reporting.redaction import Masker
from tahoe_engine.reporting.summary import ReportSummary, summarize
from tahoe_engine.reporting.terminal import print_report

if TYPE_CHECKING:
    from tahoe_engine.reporting.view import ReportView

NOTES = 10
"""So many kinds of doubt about what was read are told; the most frequent first."""
FULL_REPORTS = 3
"""So many analyses are printed in full; more of them as a table."""


class ScreenSink:
    """Prints a few analyses in full, many as a table, and the failures at the end."""

    def __init__(self, scorecard: BoundScorecard, masker: Masker | None) -> None:
        self._scorecard = scorecard
        self._masker = masker
        self._views: list[ReportView] = []
        self._summaries: list[ReportSummary] = []
        self._notes: Counter[str] = Counter()

    def add(self, analyzed: Analyzed) -> None:
        """Keeps what will be printed of an analysis."""
        view = build_view(analyzed.analysis, analyzed.read.interaction, self._scorecard, self._masker)
        if len(self._views) < FULL_REPORTS:
            self._views.append(view)
        self._summaries.append(summarize(view))
        self._notes.update(analyzed.read.notes)

    def close(self, failures: list[ReadFailure]) -> None:
        """Prints."""
        console = Console()
        if len(self._summaries) <= FULL_REPORTS:
            for view in self._views:
                print_report(console, view)
        else:
            print_table(console, self._summaries)
        for note, count in self._notes.most_common(NOTES):
            say(f"! {note}{f' ({count} interactions)' if count > 1 else ''}", err=True)
        for failure in failures:
            place = f"{failure.source}: " if failure.source.path else ""
            say(f"✗ {place}{failure.message}", err=True, color="red")
            if failure.cure:
                say(f"  → {failure.cure}", err=True)
        if failures:
            say(f"{len(self._summaries)} scored, {len(failures)} could not be.", err=True)

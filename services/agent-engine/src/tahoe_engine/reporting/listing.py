"""Prints many analyses in a terminal: a line each, or a table with totals."""

from collections import Counter
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tahoe_engine.models.analysis import Verdict
from tahoe_engine.reporting.figures import count, format_percent, format_score
from tahoe_engine.reporting.pen import VERDICT_STYLES, VERDICT_WORDS, Pen, score_words
from tahoe_engine.reporting.summary import ReportSummary

_WIDE = 76
_WIDEST = 96


def print_line(console: Console, summary: ReportSummary) -> None:
    """Prints one analysis on one line: whole into a pipe, cut where a terminal ends."""
    pen = Pen(console)
    line = _verdict(pen, summary.verdict)
    line.pad_right(13 - len(line))
    line.append_text(pen.text(f"{score_words(summary.score):>8}", "bold"))
    line.append_text(pen.text(f"  {format_percent(summary.coverage):>4} covered  ", "dim"))
    line.append_text(pen.text(summary.title))
    line.append_text(pen.text(f"  {_scorecard(summary)}", "dim"))
    if console.is_terminal:
        line.truncate(console.width, overflow="ellipsis")
    console.print(line, soft_wrap=True)


def print_table(console: Console, summaries: Sequence[ReportSummary]) -> None:
    """Prints a table of analyses in the order given, and the totals beneath."""
    pen = Pen(console)
    table = Table(box=SIMPLE_HEAD, safe_box=True, pad_edge=False, width=min(console.width, 120))
    table.add_column("Verdict", no_wrap=True)
    table.add_column("Score", justify="right", no_wrap=True)
    if pen.width >= _WIDE:
        table.add_column("Coverage", justify="right", no_wrap=True)
        table.add_column("Not met", justify="right", no_wrap=True)
    table.add_column("Interaction", ratio=1, overflow="fold")
    if pen.width >= _WIDEST:
        table.add_column("Scorecard", no_wrap=True)
    for summary in summaries:
        cells = [_verdict(pen, summary.verdict), pen.text(format_score(summary.score), "bold")]
        if pen.width >= _WIDE:
            cells += [pen.text(format_percent(summary.coverage)), pen.text(str(summary.not_met))]
        cells.append(pen.text(summary.title))
        if pen.width >= _WIDEST:
            cells.append(pen.text(_scorecard(summary), "dim"))
        table.add_row(*cells)
    if summaries:
        console.print(table)
    console.print(_totals(pen, summaries))


def _totals(pen: Pen, summaries: Sequence[ReportSummary]) -> Text:
    """Sums up: how many of each verdict, and the means; a mean score counts only what has a score."""
    line = pen.text(count(len(summaries), "analysis", "analyses"), "bold")
    verdicts = Counter(summary.verdict for summary in summaries)
    for verdict in Verdict:
        if verdicts[verdict]:
            line.append_text(pen.text(f" {pen.signs.dot} ", "dim"))
            line.append_text(pen.text(f"{verdicts[verdict]} {VERDICT_WORDS[verdict].lower()}", VERDICT_STYLES[verdict]))
    scores = [summary.score for summary in summaries if summary.score is not None]
    if scores:
        score = format_score(sum(scores) / len(scores))
        coverage = format_percent(sum(summary.coverage for summary in summaries) / len(summaries))
        line.append_text(pen.text(f" {pen.signs.dot} mean score {score}, coverage {coverage}", "dim"))
    return line


def _verdict(pen: Pen, verdict: Verdict) -> Text:
    return pen.text(f"{pen.signs.verdicts[verdict]} {VERDICT_WORDS[verdict]}", VERDICT_STYLES[verdict])


def _scorecard(summary: ReportSummary) -> str:
    return f"{summary.scorecard} v{summary.scorecard_version}"

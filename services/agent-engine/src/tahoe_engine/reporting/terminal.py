"""Prints the report of one analysis in a terminal, or into a pipe."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from tahoe_engine.models.finding import Outcome
from tahoe_engine.reporting.figures import count, format_duration, format_percent, format_score, format_weight
from tahoe_engine.reporting.pen import (
    OUTCOME_STYLES,
    SEVERITY_STYLES,
    VERDICT_STYLES,
    VERDICT_WORDS,
    Pen,
    score_style,
    score_words,
)
from tahoe_engine.reporting.view import CategoryView, FindingView, QuoteView, ReportView

_INDENT = "  "
_GUTTER = " " * 8
_NARROW = 76
_QUOTES = 3
_LONGEST_QUOTE = 220
_LONGEST_NAME = 26


def print_report(console: Console, view: ReportView) -> None:
    """Prints the whole report; colour is the console's affair, and nothing is said by colour alone."""
    pen = Pen(console)
    _print_heading(pen, view)
    _print_glance(pen, view)
    _print_categories(pen, view)
    for category in view.categories:
        if category.findings:
            _print_title(pen, f"{category.title}  {format_score(category.score)}")
            for finding in category.findings:
                _print_finding(pen, finding)
    _print_absent(pen, "Not evaluated", view.not_evaluated)
    _print_absent(pen, "Does not apply", view.not_applicable)
    _print_violations(pen, view)
    _print_audit(pen, view)


def _print_heading(pen: Pen, view: ReportView) -> None:
    pen.gap()
    pen.write(pen.text(view.title, "bold"))
    scorecard = f"{view.scorecard} v{view.scorecard_version}"
    facts = pen.join(view.type.value.capitalize(), view.occurred, scorecard, count(view.turn_count, "turn"))
    pen.write(pen.text(facts, "dim"))
    if view.participants:
        pen.write(pen.text(", ".join(view.participants), "dim"))
    pen.gap()
    verdict = f"{pen.signs.verdicts[view.verdict]} {VERDICT_WORDS[view.verdict]}"
    pen.write(pen.text(verdict, VERDICT_STYLES[view.verdict]), _INDENT)
    for reason in view.reasons:
        pen.write(pen.text(reason), _INDENT)
    pen.gap()


def _print_glance(pen: Pen, view: ReportView) -> None:
    limits = view.thresholds
    note = pen.text(
        f"review from {format_score(limits.review_from)}, pass from {format_score(limits.pass_from)}", "dim"
    )
    width = max(12, min(40, pen.width - 50))
    style = score_style(view.score, limits.review_from, limits.pass_from)
    bar = pen.bar(view.score, width, style, (limits.review_from, limits.pass_from))
    score = pen.text(score_words(view.score), "bold")
    wide = pen.width >= _NARROW
    score_width = max(6, len(score.plain) + 2)
    columns = ((pen.text("Score"), 12), (bar, width + 2), (score, score_width), (note if wide else Text(), 0))
    pen.write(_columns(*columns), _INDENT)
    for name, share in (("Coverage", view.coverage), ("Confidence", view.confidence)):
        bar = pen.bar((share or 0) * 100, width, "blue")
        percent = pen.text(format_percent(share), "bold")
        pen.write(_columns((pen.text(name), 12), (bar, width + 2), (percent, 0)), _INDENT)
    if not wide:
        pen.write(note, _INDENT)


def _print_categories(pen: Pen, view: ReportView) -> None:
    if not view.categories:
        return
    limits = view.thresholds
    _print_title(pen, "Categories")
    width = max(10, min(30, pen.width - 60))
    name_width = min(_LONGEST_NAME, max(pen.text(category.title).cell_len for category in view.categories))
    for category in view.categories:
        name = pen.text(category.title)
        name.truncate(name_width, overflow="crop")
        style = score_style(category.score, limits.review_from, limits.pass_from)
        bar = pen.bar(category.score, width, style)
        score = pen.text(score_words(category.score), "bold")
        weight = pen.text(_describe_category(pen, category), "dim")
        pen.write(_columns((name, name_width + 2), (bar, width + 2), (score, 10), (weight, 0)), _INDENT)


def _describe_category(pen: Pen, category: CategoryView) -> str:
    share = format_weight(category.share)
    if pen.width < _NARROW:
        return share
    not_met = sum(finding.outcome is Outcome.NOT_MET for finding in category.findings)
    return pen.join(f"{share} of the score", f"{not_met} not met" if not_met else "")


def _print_finding(pen: Pen, finding: FindingView) -> None:
    style = OUTCOME_STYLES[finding.outcome]
    sign = pen.text(f"{_INDENT}{pen.signs.outcomes[finding.outcome]} {finding.number:>2}  ", style)
    pen.write(pen.text(finding.title, "bold"), sign)
    meta = pen.text("met" if finding.outcome is Outcome.MET else "not met", style)
    meta.append(f" {pen.signs.dot} ", style="dim")
    meta.append_text(pen.text(f"{finding.severity.value} severity", SEVERITY_STYLES[finding.severity]))
    confidence = "" if finding.confidence is None else f"confidence {format_percent(finding.confidence)}"
    rest = pen.join("required" if finding.required else "", confidence, finding.check)
    meta.append_text(pen.text(f" {pen.signs.dot} {rest}", "dim"))
    pen.write(meta, _GUTTER)
    if finding.explanation:
        pen.write(pen.text(finding.explanation), _GUTTER)
    for quote in finding.quotes[:_QUOTES]:
        _print_quote(pen, quote, style)
    more = max(0, len(finding.quotes) - _QUOTES) + finding.more_quotes
    if more:
        pen.write(pen.text(f"and {count(more, 'more place')}", "dim"), _GUTTER)


def _print_quote(pen: Pen, quote: QuoteView, style: str) -> None:
    rule = pen.text(f"{_GUTTER}{pen.signs.quote} ", style)
    line = pen.text(pen.quoted(quote.text, _LONGEST_QUOTE), "italic")
    line.append_text(pen.text(f"  turn {quote.turn}, {quote.speaker}", "dim"))
    pen.write(line, rule, rule)


def _print_absent(pen: Pen, title: str, findings: Sequence[FindingView]) -> None:
    if not findings:
        return
    _print_title(pen, title)
    for finding in findings:
        sign = pen.text(f"{_INDENT}{pen.signs.outcomes[finding.outcome]}     ", "dim")
        name = pen.text(finding.title, "bold")
        if finding.required:
            name.append_text(pen.text(f" {pen.signs.dot} required", "dim"))
        pen.write(name, sign)
        if finding.explanation:
            pen.write(pen.text(finding.explanation, "dim"), _GUTTER)


def _print_violations(pen: Pen, view: ReportView) -> None:
    if view.violations:
        _print_title(pen, f"{count(len(view.violations), 'violation')}, the worst first")
    for violation in view.violations:
        number = f"{violation.finding:>2}" if violation.finding else "  "
        name = pen.text(violation.title, "bold")
        severity = f" {pen.signs.dot} {violation.severity.value}"
        name.append_text(pen.text(severity, SEVERITY_STYLES[violation.severity]))
        pen.write(name, pen.text(f"{_INDENT}{pen.signs.outcomes[Outcome.NOT_MET]} {number}  ", "red"))
        if violation.recommendation:
            _print_advice(pen, [violation.recommendation])
    if view.advice:
        _print_title(pen, "Further recommendations")
        _print_advice(pen, view.advice)


def _print_advice(pen: Pen, texts: Iterable[str]) -> None:
    for text in texts:
        pen.write(pen.text(text), f"{_GUTTER}{pen.signs.arrow} ")


def _print_audit(pen: Pen, view: ReportView) -> None:
    audit = view.audit
    checks = f"{count(audit.checks_run, 'check')} run, {audit.checks_not_run} not run"
    pen.gap()
    pen.write(pen.text(pen.join(f"trace {audit.trace_id}", checks, format_duration(audit.execution_ms)), "dim"))
    if view.masked:
        pen.write(pen.text("Personal data is masked.", "dim"))


def _print_title(pen: Pen, title: str) -> None:
    pen.gap()
    pen.write(pen.text(title, "bold underline"))


def _columns(*cells: tuple[Text, int]) -> Text:
    """Lays cells side by side, each in its width; the last may have any."""
    line = Text()
    for text, width in cells:
        line.append_text(text)
        line.append(" " * max(0, width - text.cell_len))
    return line

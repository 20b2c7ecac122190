"""Draws views as web pages: one file each, that asks nothing of any network."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from tahoe_engine.models.analysis import Verdict
from tahoe_engine.models.finding import Severity
from tahoe_engine.reporting import figures, gauge
from tahoe_engine.reporting.elision import DETAILS, elide
from tahoe_engine.reporting.summary import ReportSummary
from tahoe_engine.reporting.view import ReportView, TurnView

LARGEST_PAGE = 390_000
"""Bytes that a report takes at most, short of an absurd number of categories."""

_SEVERITY_RANK = {severity: rank for rank, severity in enumerate(Severity)}
# What a turn and a finding take at the very least beside their words; pages sure to be too large are not drawn.
_TURN_BYTES = 150
_FINDING_BYTES = 500


def render_report(view: ReportView) -> str:
    """Draws a report; of a long interaction, it leaves out words that nothing quotes, and says so."""
    page = ""
    for detail in DETAILS:
        shorter = elide(view, detail)
        if _estimate(shorter) > LARGEST_PAGE and detail is not DETAILS[-1]:
            continue
        page = _render("report.html.j2", ("base.css", "report.css"), ("theme.js", "report.js"), view=shorter)
        if len(page.encode()) <= LARGEST_PAGE:
            break
    return page


def render_index(reports: Sequence[ReportSummary]) -> str:
    """Draws the page that lists reports, in the order given."""
    return _render(
        "index.html.j2",
        ("base.css", "index.css"),
        ("theme.js", "index.js"),
        reports=reports,
        verdicts=Counter(report.verdict for report in reports),
        scorecards=sorted({report.scorecard for report in reports}),
        types=sorted({report.type.value for report in reports}),
        masked=all(report.masked for report in reports),
    )


def _estimate(view: ReportView) -> int:
    """Estimates the least that a page takes, in bytes."""
    turns = [turn for turn in view.transcript if isinstance(turn, TurnView)]
    words = sum(len(segment.text) for turn in turns for segment in (*turn.said, *turn.calls))
    return words + _TURN_BYTES * len(turns) + _FINDING_BYTES * len(view.evaluated)


def _render(template: str, styles: Sequence[str], scripts: Sequence[str], **context: object) -> str:
    css, css_hash = _bundle(tuple(styles))
    script, script_hash = _bundle(tuple(scripts))
    # Hashes rather than 'unsafe-inline': markup that found a way through the escaping still could not run.
    policy = (
        f"default-src 'none'; style-src '{css_hash}'; script-src '{script_hash}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return _environment().get_template(template).render(css=css, script=script, policy=policy, **context)


@cache
def _bundle(names: tuple[str, ...]) -> tuple[str, str]:
    """Reads static files into one, with the hash that the content security policy names."""
    folder = resources.files("tahoe_engine.reporting") / "static"
    text = "\n" + "\n".join((folder / name).read_text(encoding="utf-8").strip() for name in names) + "\n"
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return text, f"sha256-{digest}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tahoe_engine.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        score=figures.format_score,
        percent=figures.format_percent,
        weight=figures.format_weight,
        duration=figures.format_duration,
    )
    environment.globals.update(
        count=figures.count, arc=gauge.arc, point=gauge.point, severity_rank=_SEVERITY_RANK, Verdict=Verdict
    )
    return environment

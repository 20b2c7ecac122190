"""Leaves out what a small page can do without: words and turns that no finding quotes."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from tahoe_engine.reporting.view import (
    CategoryView,
    EvidenceMark,
    FindingView,
    ReportView,
    Segment,
    Timeline,
    TurnGap,
    TurnView,
)


@dataclass(frozen=True, slots=True)
class Detail:
    """How much a page shows.

    Attributes:
        context: Turns beside one with evidence that are kept; None keeps every turn.
        plain: Characters of a stretch without evidence.
        quoted: Characters of a quote and of an explanation.
        quotes: Pieces of evidence a finding.
        findings: Findings in each list.
    """

    context: int | None
    plain: int
    quoted: int
    quotes: int
    findings: int = 1000


# From everything to a page that is small whatever it was made of.
DETAILS = (
    Detail(context=None, plain=20_000, quoted=4_000, quotes=40),
    Detail(context=None, plain=1_200, quoted=1_200, quotes=20),
    Detail(context=12, plain=1_200, quoted=800, quotes=12),
    Detail(context=3, plain=600, quoted=600, quotes=8),
    Detail(context=1, plain=400, quoted=400, quotes=5),
    Detail(context=0, plain=160, quoted=200, quotes=3),
    Detail(context=0, plain=80, quoted=120, quotes=1, findings=60),
    Detail(context=0, plain=40, quoted=80, quotes=1, findings=10),
)
_BEGINNING = 3
_END = 2


def elide(view: ReportView, detail: Detail) -> ReportView:
    """Shortens a view to a level of detail; gaps and counts say what is missing."""
    categories = tuple(_elide_category(category, detail) for category in view.categories)
    findings = [finding for category in categories for finding in category.findings]
    numbers = {finding.number for finding in findings}
    marks = {quote.mark for finding in findings for quote in finding.quotes}
    turns = [_elide_turn(turn, marks, detail) for turn in view.transcript if isinstance(turn, TurnView)]
    transcript = _leave_out(turns, detail)
    kept = {item.index for item in transcript if isinstance(item, TurnView)}
    not_evaluated = _elide_findings(view.not_evaluated, detail)
    not_applicable = _elide_findings(view.not_applicable, detail)
    before = len(view.evaluated) + len(view.not_evaluated) + len(view.not_applicable)
    return replace(
        view,
        categories=categories,
        violations=tuple(
            replace(
                item,
                explanation=_clip(item.explanation, detail.quoted),
                recommendation=_clip(item.recommendation, detail.quoted),
                finding=item.finding if item.finding in numbers else None,
            )
            for item in view.violations[: detail.findings]
        ),
        advice=tuple(_clip(text, detail.quoted) for text in view.advice[: detail.findings]),
        not_evaluated=not_evaluated,
        not_applicable=not_applicable,
        timeline=_elide_timeline(view.timeline, marks, kept),
        transcript=transcript,
        findings_left_out=before - len(findings) - len(not_evaluated) - len(not_applicable),
    )


def _elide_timeline(timeline: Timeline, marks: AbstractSet[EvidenceMark], kept: AbstractSet[int]) -> Timeline:
    return replace(
        timeline,
        lanes=tuple(
            replace(lane, bars=tuple(replace(bar, shown=bar.turn in kept) for bar in lane.bars))
            for lane in timeline.lanes
        ),
        markers=tuple(marker for marker in timeline.markers if marker.mark in marks),
    )


def _elide_category(category: CategoryView, detail: Detail) -> CategoryView:
    return replace(category, findings=_elide_findings(category.findings, detail))


def _elide_findings(findings: tuple[FindingView, ...], detail: Detail) -> tuple[FindingView, ...]:
    return tuple(
        replace(
            finding,
            explanation=_clip(finding.explanation, detail.quoted),
            quotes=tuple(
                replace(quote, text=_clip(quote.text, detail.quoted)) for quote in finding.quotes[: detail.quotes]
            ),
            more_quotes=finding.more_quotes + max(0, len(finding.quotes) - detail.quotes),
        )
        for finding in findings[: detail.findings]
    )


def _elide_turn(turn: TurnView, marks: AbstractSet[EvidenceMark], detail: Detail) -> TurnView:
    return replace(
        turn,
        said=_elide_segments(turn.said, marks, detail),
        calls=_elide_segments(turn.calls, marks, detail),
        results=tuple(_clip(result, detail.plain) for result in turn.results),
    )


def _elide_segments(
    segments: tuple[Segment, ...], marks: AbstractSet[EvidenceMark], detail: Detail
) -> tuple[Segment, ...]:
    """Drops the marks of evidence that is not shown, and the middle of long stretches."""
    joined: list[Segment] = []
    for segment in segments:
        kept = replace(
            segment,
            marks=tuple(mark for mark in segment.marks if mark in marks),
            opens=tuple(mark for mark in segment.opens if mark in marks),
            closes=tuple(mark for mark in segment.closes if mark in marks),
        )
        if joined and not kept.marks and not joined[-1].marks:
            joined[-1] = Segment(text=joined[-1].text + kept.text)
        else:
            joined.append(kept)
    return tuple(
        piece for segment in joined for piece in _cut_middle(segment, detail.quoted if segment.marks else detail.plain)
    )


def _cut_middle(segment: Segment, limit: int) -> tuple[Segment, ...]:
    """Cuts a stretch in three, the middle one empty; its beginning and end keep what begins and ends there."""
    if len(segment.text) <= limit:
        return (segment,)
    half = limit // 2
    return (
        replace(segment, text=segment.text[:half], closes=()),
        Segment(text="", omitted=len(segment.text) - 2 * half),
        replace(segment, text=segment.text[-half:], opens=()),
    )


def _leave_out(turns: list[TurnView], detail: Detail) -> tuple[TurnView | TurnGap, ...]:
    """Leaves out turns that are neither quoted, nor near a quoted one, nor at either end."""
    if detail.context is None:
        return tuple(turns)
    kept = {*range(min(_BEGINNING, len(turns))), *range(max(0, len(turns) - _END), len(turns))}
    for position, turn in enumerate(turns):
        if turn.has_evidence:
            kept.update(range(max(0, position - detail.context), min(len(turns), position + detail.context + 1)))
    shown: list[TurnView | TurnGap] = []
    for position in sorted(kept):
        turn = turns[position]
        following = _next_index(shown)
        if turn.index > following:
            shown.append(TurnGap(first=following, last=turn.index - 1))
        shown.append(turn if turn.index == following else replace(turn, continues=False))
    return tuple(shown)


def _next_index(shown: list[TurnView | TurnGap]) -> int:
    if not shown:
        return 0
    last = shown[-1]
    return (last.index if isinstance(last, TurnView) else last.last) + 1


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"

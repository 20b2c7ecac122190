"""Evidence that a person can take in: few quotes, none of them endless."""

from collections.abc import Iterable
from itertools import islice

from tahoe_engine.models.finding import Evidence
from tahoe_engine.models.interaction import Turn

MAX_EVIDENCE = 20
"""Quotes kept per finding; the explanation says how many places there are in all."""

MAX_QUOTE = 500
"""Code points of one quote. A longer match is shown by its beginning, so that a quote stays an exact slice."""

type Span = tuple[int, Turn, int, int]
"""A place that was found: index of the turn, the turn, first code point, one past the last."""


def evidence_of(span: Span) -> Evidence:
    """Quotes one place."""
    index, turn, start, end = span
    return Evidence.of(index, turn, start, min(end, start + MAX_QUOTE))


def first_evidence(spans: Iterable[Span]) -> tuple[Evidence, ...]:
    """Quotes the first places, as many as a finding keeps."""
    return tuple(evidence_of(span) for span in islice(spans, MAX_EVIDENCE))


def capped(explanation: str, count: int) -> str:
    """Adds to an explanation that not every place is quoted, where that is so."""
    return explanation if count <= MAX_EVIDENCE else f"{explanation} The first {MAX_EVIDENCE} places are quoted."

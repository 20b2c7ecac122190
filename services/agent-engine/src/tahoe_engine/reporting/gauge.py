"""Geometry of the score's gauge: an arc of 240 degrees, open at the bottom."""

import math

_SWEEP = 240.0
_START = 150.0  # degrees, clockwise from three o'clock: the lower left
_FULL = 100.0
_HALF_TURN = 180.0


def point(score: float, radius: float) -> tuple[float, float]:
    """Finds the place of a score on the arc, relative to the gauge's centre; y grows downward."""
    angle = math.radians(_START + _SWEEP * score / _FULL)
    return round(radius * math.cos(angle), 2), round(radius * math.sin(angle), 2)


def arc(start: float, end: float, radius: float) -> str:
    """Draws the arc between two scores as an SVG path."""
    x1, y1 = point(start, radius)
    x2, y2 = point(end, radius)
    large = int(_SWEEP * (end - start) / _FULL > _HALF_TURN)
    return f"M{x1} {y1}A{radius} {radius} 0 {large} 1 {x2} {y2}"

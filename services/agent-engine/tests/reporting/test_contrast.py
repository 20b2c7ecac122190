"""The colours of the pages, against WCAG 2.2: 4.5 to 1 for text, 3 to 1 for what only has to be seen."""

import re
from importlib import resources

import pytest

CSS = (resources.files("tahoe_engine.reporting") / "static" / "base.css").read_text(encoding="utf-8")
COLOURS = {name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", CSS)}
TEXT = [
    *((ink, paper) for ink in ("ink", "ink-soft", "ink-quiet", "accent") for paper in ("paper", "surface", "sunken")),
    *((tone, paper) for tone in ("good", "warn", "bad") for paper in ("surface", "sunken", f"{tone}-soft")),
    *(("ink", tint) for tint in ("good-soft", "bad-soft", "accent-soft")),
    ("ink-quiet", "accent-soft"),
    ("accent", "accent-soft"),
    ("on-fill", "bad-fill"),
]
SEEN = [(f"{tone}-fill", "surface") for tone in ("good", "bad")] + [("accent", "surface")]


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "paper", "least"), [(*pair, 4.5) for pair in TEXT] + [(*pair, 3.0) for pair in SEEN])
def test_can_be_told_apart(ink: str, paper: str, least: float, theme: int) -> None:
    assert contrast(COLOURS[ink][theme], COLOURS[paper][theme]) >= least

"""What speaks against a call."""

from dataclasses import dataclass
from typing import Literal

from tahoe_engine.scoring.trajectory.values import Path

GroundingRule = Literal["identifier", "text", "choice", "option"]
StepRule = Literal["repeat", "confirm", "dropped", "placeholder", "unknown_tool", "missing"]
OrderRule = Literal["required", "forbidden", "needs", "no_repeats"]


@dataclass(frozen=True, slots=True)
class Flaw:
    """What a rule has against a call.

    Attributes:
        explanation: A sentence that names the turn.
        path: The argument that it is about; None: the whole call.
        part: The words of the argument that it is about, where it is not all of them.
        heard: Index of the customer's turn that shows it.
        certain: Whether it needs no understanding of words.
    """

    rule: GroundingRule | StepRule | OrderRule
    explanation: str
    path: Path | None = None
    part: str = ""
    heard: int | None = None
    certain: bool = False

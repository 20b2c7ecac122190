from typing import Protocol

from tahoe_engine.analysis.batches import Analyzed
from tahoe_engine.interactions.reading import ReadFailure


class Sink(Protocol):
    """Takes results one by one, so that nothing has to be kept."""

    def add(self, analyzed: Analyzed) -> None:
        """Takes an analysis that is stored."""
        ...

    def close(self, failures: list[ReadFailure]) -> str | None:
        """Ends the run, with what could not be read or kept; returns what is to be said at the very end."""
        ...

"""The two shapes that everything in `checks/` has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tahoe_engine.embedding.port import Embedder
from tahoe_engine.models.finding import CheckResult, Evidence
from tahoe_engine.models.interaction import Interaction


class Check(Protocol):
    """A check that has been compiled from its spec; it may run any number of times."""

    def run(self, interaction: Interaction) -> CheckResult:
        """Judges the interaction.

        Raises:
            CheckNotRunError: It could not be evaluated; the message says why.
        """
        ...


class Finder(Protocol):
    """Something that can be looked for: the part that `pattern`, `absence`, `order` and conditions share."""

    def find(self, interaction: Interaction) -> list[Evidence]:
        """Returns every place where it stands, in the order of the interaction.

        Raises:
            CheckNotRunError: It could not be looked for; the message says why.
        """
        ...


class CheckNotRunError(Exception):
    """A check could not be evaluated; its requirement is reported as not run, with this message."""


@dataclass(frozen=True)
class CheckKit:
    """What compiled checks may use.

    Attributes:
        load_embedder: Gives the embedder when first needed, since loading it takes most of a second; None where
            there is none.
        pattern_timeout: Seconds that one search of one turn by one regular expression may take.
    """

    load_embedder: Callable[[], Embedder] | None = None
    pattern_timeout: float = 0.25

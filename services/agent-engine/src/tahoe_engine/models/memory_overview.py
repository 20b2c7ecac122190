"""How much a team remembers, for people who look after it."""

from collections.abc import Mapping

from pydantic import AwareDatetime

from tahoe_engine.models.base import StrictModel


class MemoryOverview(StrictModel):
    """Counts over one team's memory; what there is none of is left out of the mappings.

    Attributes:
        versions: Every version of every memory, erased ones included.
        live: Those that count: active or disputed.
        statuses: Status → versions.
        types: Type → live memories; so are `tiers`, `models` and `pinned`.
        models: Embedding model → live memories with a vector of it.
        unembedded: Live memories without a vector.
        erased: Versions that are tombstones.
        events: Event → how often the log has it.
    """

    versions: int
    live: int
    statuses: Mapping[str, int]
    types: Mapping[str, int]
    tiers: Mapping[str, int]
    models: Mapping[str, int]
    pinned: int
    unembedded: int
    erased: int
    oldest_at: AwareDatetime | None
    newest_at: AwareDatetime | None
    events: Mapping[str, int]

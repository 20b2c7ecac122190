"""What the runs of a turn took together."""

from tahoe_engine.models.turn_models import Turn, TurnUsage
from tahoe_engine.runtime.run_events import NOTHING_SPENT, RunUsage


def add_usage(before: TurnUsage | None, taken: RunUsage) -> TurnUsage:
    """Returns what a turn took, once another run of it has ended."""
    known = {name: getattr(taken, name) for name in TurnUsage.model_fields}
    return TurnUsage(**{name: value + (getattr(before, name) if before else 0) for name, value in known.items()})


def read_spent(turn: Turn) -> RunUsage:
    """Returns what a turn took before it waited, as the runtime counts it."""
    if turn.usage is None:
        return NOTHING_SPENT
    return RunUsage(**turn.usage.model_dump(), cost_usd=turn.cost_usd)

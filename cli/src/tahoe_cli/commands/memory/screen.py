from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from tahoe_cli.memory_view import MemoryView


def draw(agents: Mapping[UUID, str] | None = None) -> "MemoryView":
    """Returns what writes memories on standard output.

    Args:
        agents: What the agents in them are called, by their ids.
    """
    from rich.console import Console  # noqa: PLC0415 - rich is not needed for JSON

    from tahoe_cli.memory_view import MemoryView  # noqa: PLC0415 - as above

    return MemoryView(Console(), agents)

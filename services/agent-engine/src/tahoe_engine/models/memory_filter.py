from uuid import UUID

from pydantic import AwareDatetime

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.memory_models import MemoryStatus, MemoryType


class MemoryFilter(StrictModel):
    """Which versions of memories a list shows; what is left out does not matter.

    Attributes:
        agent_id: Those of this agent alone, not those that it may see.
        user_id: Those of this user alone.
        created_from: From this moment on.
        created_before: Before this moment.
    """

    agent_id: UUID | None = None
    user_id: UUID | None = None
    memory_type: MemoryType | None = None
    status: MemoryStatus | None = None
    subject: str | None = None
    tag: str | None = None
    created_from: AwareDatetime | None = None
    created_before: AwareDatetime | None = None

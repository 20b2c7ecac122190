from uuid import UUID

from pydantic import AwareDatetime

from tahoe_engine.models.agent_models import AgentDNA
from tahoe_engine.models.base import StrictModel


class Agent(StrictModel):
    """A stored agent.

    Attributes:
        version: Counts the changes of its DNA; pausing and the like are none.
        dna: Who it is, with the status that it has now.
        created_at: UTC.
        updated_at: UTC.
    """

    id: UUID
    version: int
    dna: AgentDNA
    created_at: AwareDatetime
    updated_at: AwareDatetime

from uuid import UUID

from pydantic import AwareDatetime

from tahoe_engine.models.agent_models import AgentDNA
from tahoe_engine.models.base import StrictModel


class TemplateRef(StrictModel):
    """A version of an agent template."""

    name: str
    version: int


class Agent(StrictModel):
    """A stored agent.

    Attributes:
        version: Counts the changes of its DNA; pausing and the like are none.
        dna: Who it is, with the status that it has now.
        template: What its first version was made of; None: of DNA alone.
        created_at: UTC.
        updated_at: UTC.
    """

    id: UUID
    version: int
    dna: AgentDNA
    template: TemplateRef | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class AgentVersion(StrictModel):
    """What an agent was from one moment on.

    Attributes:
        dna: With the status that it had when this version was made.
        actor: Who made it; None where nobody said so, and of what was made before versions were kept.
        created_at: UTC. Of an agent that had been changed before versions were kept: of its last change by then.
    """

    agent_id: UUID
    version: int
    dna: AgentDNA
    actor: str | None
    created_at: AwareDatetime

"""Who answers where no agent is named."""

from collections.abc import Sequence

from tahoe_engine.models.agent_models import AgentDNA, AgentStatus, Personality
from tahoe_engine.terminal.default_agent_name import SLUG

_INSTRUCTIONS = (
    "Be brief: your answers are read in a terminal, as plain text. Say it when you do not know something, and never "
    "make up what a tool or a person would have to tell you."
)


def make_default_agent(skills: Sequence[str]) -> AgentDNA:
    """Returns a helpful agent.

    Args:
        skills: Names of shared skills.
    """
    return AgentDNA(
        name="Tahoe",
        slug=SLUG,
        role="a helpful assistant",
        description="You help with whatever you are asked, with your skills where they fit.",
        status=AgentStatus.ACTIVE,
        personality=Personality(instructions=_INSTRUCTIONS),
        shared_skills=tuple(skills),
    )

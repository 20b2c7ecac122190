"""What the API takes to make an agent."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from tahoe_engine.models.agent_models import AgentDNA, AgentName
from tahoe_engine.models.catalog import TemplateName
from tahoe_engine.models.scorecard import Slug


class AgentOfTemplate(AgentDNA):
    """The DNA of an agent, as far as it is to differ from its template.

    Attributes:
        template: The agent template that it is made of.
        template_version: Left out: the newest.
        name: Left out: the template's.
        slug: Left out: made of the name.
    """

    template: TemplateName
    template_version: int | None = Field(default=None, ge=1, le=2**31 - 1)
    name: AgentName = Field(default_factory=str)
    slug: Slug = Field(default_factory=str)  # made once the name is known, which may be the template's


def _choose(value: object) -> object:
    """Reads one of the two, so that what is wrong is told of that one alone."""
    is_of_template = isinstance(value, Mapping) and "template" in value
    return (AgentOfTemplate if is_of_template else AgentDNA).model_validate(value)


NewAgent = Annotated[AgentDNA | AgentOfTemplate, BeforeValidator(_choose)]
"""The DNA of an agent, or a template with what is to be otherwise."""

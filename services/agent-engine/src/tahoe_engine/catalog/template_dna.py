from collections.abc import Mapping

from pydantic import ValidationError

from tahoe_core.errors import InvalidInputError
from tahoe_engine.models.agent_models import AgentDNA
from tahoe_engine.models.agent_requests import AgentOfTemplate
from tahoe_engine.models.catalog import AgentTemplateInput
from tahoe_engine.runtime.agent_blueprint import read_template_settings


def dna_of_template(template: AgentTemplateInput, given: AgentOfTemplate) -> AgentDNA:
    """Makes the DNA of an agent: what the template says, and over it, part by part, what is given.

    Of a template it takes name, description, system prompt, model and `model_config`. The rest says how a specialist is
    called in and what it judges, which is no part of somebody who talks.

    Raises:
        InvalidInputError: The template has no model, its `model_config` says something that is not known, or both
            together make no DNA.
    """
    settings = read_template_settings(template)
    own = {
        "name": template.name,
        "description": template.description,
        "personality": {"instructions": template.system_prompt},
        "model": settings.choose(template.model).model_dump(),
        "boundaries": settings.boundaries.model_dump(),
    }
    otherwise = given.model_dump(exclude_unset=True, exclude={"template", "template_version"})
    try:
        return AgentDNA.model_validate(_lay_over(own, otherwise))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidInputError(
            f"Of the agent template {template.name!r} no agent can be made as it is: {field}: {first['msg']}.",
            cure=f"Give {first['loc'][0]!r} along.",
            field=field,
        ) from error


def _lay_over(own: Mapping[str, object], otherwise: Mapping[str, object]) -> dict[str, object]:
    """Returns what both say; of what both say, the latter, inside of objects as well."""
    laid = {**own, **otherwise}
    for name in own.keys() & otherwise.keys():
        under, over = own[name], otherwise[name]
        if isinstance(under, Mapping) and isinstance(over, Mapping):
            laid[name] = _lay_over(under, over)
    return laid

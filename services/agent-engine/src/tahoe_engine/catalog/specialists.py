"""Which specialists a scorecard needs, and which check of which of them judges what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tahoe_core.errors import InvalidInputError
from tahoe_engine.models.catalog import AgentTemplateInput, TemplateCheck
from tahoe_engine.models.scorecard import CheckReference, Requirement, ScorecardDefinition


@dataclass(frozen=True)
class Plan:
    """A scorecard, taken apart.

    Attributes:
        own: Specialist → the template that its inline checks make.
        referred: Specialists of templates that stand on their own.
        requirements: As they are stored: in full, each check named by its specialist and id.
        agents: Every specialist in the order in which the requirements name them.
    """

    own: Mapping[str, AgentTemplateInput]
    referred: Sequence[str]
    requirements: Sequence[dict[str, object]]
    agents: Sequence[str]


def take_apart(definition: ScorecardDefinition) -> Plan:
    """Gives every inline check to the specialist `<scorecard>.<category>`, under its requirement's id.

    A requirement's second check is called `<id>-2`, and so on; a number is left out where a requirement has that name.

    Raises:
        InvalidInputError: `agents` names a specialist that takes no part, or a check refers to the scorecard's own.
    """
    taken = {requirement.id for requirement in definition.requirements}
    checks: dict[str, list[TemplateCheck]] = {}
    requirements: list[dict[str, object]] = []
    agents: dict[str, bool] = {}
    own = {_specialist(definition, requirement) for requirement in definition.requirements}
    for place, requirement in enumerate(definition.requirements):
        named: list[dict[str, str]] = []
        for index, check in enumerate(requirement.checks):
            if isinstance(check, CheckReference):
                _refuse_own(check, own, f"requirements.{place}.checks.{index}")
                named.append({"agent": check.agent, "check": check.check})
                agents.setdefault(check.agent, False)
            else:
                agent = _specialist(definition, requirement)
                check_id = _name_check(requirement.id, taken, is_first=not any(c["agent"] == agent for c in named))
                checks.setdefault(agent, []).append(TemplateCheck(id=check_id, spec=check))
                named.append({"agent": agent, "check": check_id})
                agents[agent] = True
        requirements.append(requirement.model_dump(mode="json", exclude={"checks"}) | {"checks": named})
    _refuse_idle(definition, agents)
    return Plan(
        own={agent: _template(definition, agent, tuple(found)) for agent, found in checks.items()},
        referred=[agent for agent, is_own in agents.items() if not is_own],
        requirements=requirements,
        agents=list(agents),
    )


def _specialist(definition: ScorecardDefinition, requirement: Requirement) -> str:
    return f"{definition.name}.{requirement.category}"


def _name_check(requirement: str, taken: set[str], *, is_first: bool) -> str:
    if is_first:
        return requirement
    number = 2
    while f"{requirement}-{number}" in taken:
        number += 1
    name = f"{requirement}-{number}"
    taken.add(name)
    return name


def _template(definition: ScorecardDefinition, agent: str, checks: tuple[TemplateCheck, ...]) -> AgentTemplateInput:
    category = agent.removeprefix(f"{definition.name}.")
    return AgentTemplateInput(
        name=agent,
        description=f"The checks that the scorecard {definition.name} states itself in its category {category}.",
        checks=checks,
    )


def _refuse_own(check: CheckReference, own: set[str], field: str) -> None:
    if check.agent in own:
        raise InvalidInputError(
            f"A check refers to {check.agent!r}, which is made of this scorecard's own checks.",
            cure="Write the check out, or refer to an agent template that stands on its own.",
            field=field,
        )


def _refuse_idle(definition: ScorecardDefinition, agents: Mapping[str, bool]) -> None:
    for name in definition.agents:
        if name not in agents:
            raise InvalidInputError(
                f"The agent {name!r} has no check in this scorecard.",
                cure=f"Those that have: {', '.join(agents)}.",
                field=f"agents.{name}",
            )

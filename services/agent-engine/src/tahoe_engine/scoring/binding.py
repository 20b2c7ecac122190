"""From a scorecard as it is written to one that can be scored with."""

from collections.abc import Mapping

from tahoe_core.near_names import did_you_mean
from tahoe_engine.models.check_specs import CheckSpec
from tahoe_engine.models.scorecard import (
    BoundCheck,
    BoundRequirement,
    BoundScorecard,
    CheckReference,
    ScorecardAgent,
    ScorecardDefinition,
)
from tahoe_engine.scoring.problems import Problem, ScorecardError

type References = Mapping[tuple[str, str], CheckSpec]
"""(agent, check) → the check that a reference to them means."""

UNSTORED_VERSION = 0
"""Version of a scorecard that is not stored, and of the specialists of its inline checks."""


def bind_definition(
    definition: ScorecardDefinition, references: References | None = None, source: str = "scorecard"
) -> BoundScorecard:
    """Binds a scorecard without the store: inline checks belong to the specialist `<scorecard>.<category>`.

    Args:
        definition: A scorecard that passed `validate_definition`.
        references: What its references may name.
        source: Where it came from, for messages.

    Raises:
        ScorecardError: A reference names an agent or check that is not there.
    """
    problems: list[Problem] = []
    requirements = []
    for place, requirement in enumerate(definition.requirements):
        checks = []
        for index, check in enumerate(requirement.checks):
            if not isinstance(check, CheckReference):
                checks.append(BoundCheck(agent=f"{definition.name}.{requirement.category}", spec=check))
            elif spec := (references or {}).get((check.agent, check.check)):
                checks.append(BoundCheck(agent=check.agent, spec=spec))
            else:
                location = ("requirements", place, "checks", index)
                problems.append(Problem(source, location, _unknown(check, references or {})))
        requirements.append(
            BoundRequirement(
                id=requirement.id,
                title=requirement.title,
                category=requirement.category,
                weight=requirement.weight,
                severity=requirement.severity,
                required=requirement.required,
                applies_when=requirement.applies_when,
                checks=tuple(checks),
                recommendation=requirement.recommendation,
            )
        )
    if problems:
        raise ScorecardError(problems)
    return _bound(definition, tuple(requirements))


def _bound(definition: ScorecardDefinition, requirements: tuple[BoundRequirement, ...]) -> BoundScorecard:
    agents = dict.fromkeys(check.agent for requirement in requirements for check in requirement.checks)
    return BoundScorecard(
        name=definition.name,
        description=definition.description,
        version=UNSTORED_VERSION,
        thresholds=definition.thresholds,
        aggregation=definition.aggregation,
        categories=definition.categories,
        agents={agent: definition.agents.get(agent, ScorecardAgent()) for agent in agents},
        requirements=requirements,
        template_versions=dict.fromkeys(agents, UNSTORED_VERSION),
    )


def _unknown(check: CheckReference, references: References) -> str:
    agents = {agent for agent, _ in references}
    if check.agent not in agents:
        suggestion = did_you_mean(check.agent, agents, around="`")
        return f"refers to the agent `{check.agent}`, which is not known.{suggestion}"
    checks = {name for agent, name in references if agent == check.agent}
    suggestion = did_you_mean(check.check, checks, around="`")
    return f"refers to the check `{check.check}`, which `{check.agent}` does not have.{suggestion}"

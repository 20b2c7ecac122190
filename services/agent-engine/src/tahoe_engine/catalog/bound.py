"""From rows to a scorecard that can be scored with."""

from collections.abc import Mapping, Sequence
from typing import Any

from tahoe_engine.catalog.portfolio_settings import Rules, lay_over
from tahoe_engine.db.models.agent_template import AgentTemplateORM
from tahoe_engine.db.models.scorecard import ScorecardORM
from tahoe_engine.db.models.scorecard_agent import ScorecardAgentORM
from tahoe_engine.models.catalog import PortfolioConfiguration
from tahoe_engine.models.scorecard import (
    AggregationRules,
    BoundScorecard,
    Category,
    ScorecardDefinition,
    Thresholds,
)

type Agents = Sequence[tuple[ScorecardAgentORM, AgentTemplateORM]]


def bind_rows(row: ScorecardORM, agents: Agents) -> BoundScorecard:
    """Follows the scorecard's references and lays its portfolio's settings over it.

    Args:
        row: One version, with its portfolio.
        agents: Its specialists in the order in which they run.

    Raises:
        InvalidInputError: The scorecard and its portfolio's configuration make no sense together.
    """
    rules = lay_over(_rules(row), row.definition, PortfolioConfiguration.model_validate(row.portfolio.configuration))
    specs = _specs(agents)
    requirements: list[Any] = row.requirements
    return BoundScorecard.model_validate(
        {
            "id": row.id,
            "portfolio_id": row.portfolio_id,
            "name": row.name,
            "description": row.description,
            "version": row.version,
            "thresholds": rules.thresholds,
            "aggregation": rules.aggregation,
            "categories": rules.categories,
            "agents": {
                template.name: {
                    "weight": agent.weight,
                    "is_required": agent.is_required,
                    "execution_order": agent.execution_order,
                }
                for agent, template in agents
            },
            "requirements": [
                requirement
                | {
                    "checks": [
                        {"agent": check["agent"], "spec": specs[check["agent"], check["check"]]}
                        for check in requirement["checks"]
                    ]
                }
                for requirement in requirements
            ],
            "template_versions": {template.name: template.version for _, template in agents},
        }
    )


def read_definition(row: ScorecardORM) -> ScorecardDefinition:
    """Returns what the author wrote."""
    return ScorecardDefinition.model_validate(row.definition)


def _rules(row: ScorecardORM) -> Rules:
    categories: list[Any] = row.categories
    return Rules(
        thresholds=Thresholds.model_validate(row.thresholds),
        aggregation=AggregationRules.model_validate(row.aggregation_rules),
        categories={
            category["name"]: Category(title=category["title"], weight=category["weight"]) for category in categories
        },
    )


def _specs(agents: Agents) -> Mapping[tuple[str, str], object]:
    checks: list[tuple[str, Any]] = [(template.name, check) for _, template in agents for check in template.checks]
    return {(name, check["id"]): check["spec"] for name, check in checks}

"""What a portfolio's configuration does to its scorecards when they are read for scoring.

Three layers, the later wins: the portfolio's `defaults`, what the scorecard's author wrote, the portfolio's
`overrides`. A value that the author left out is Tahoe's own default, and gives way to the portfolio's.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from tahoe_core.errors import InvalidInputError
from tahoe_engine.models.catalog import PortfolioConfiguration
from tahoe_engine.models.scorecard import AggregationRules, Category, Thresholds


@dataclass(frozen=True)
class Rules:
    """By what a scorecard's findings become a score and a verdict."""

    thresholds: Thresholds
    aggregation: AggregationRules
    categories: Mapping[str, Category]


def lay_over(stored: Rules, written: Mapping[str, Any], portfolio: PortfolioConfiguration) -> Rules:
    """Returns the rules that hold.

    Args:
        stored: The scorecard's own rules, in full.
        written: The definition as its author wrote it; only what stands there outranks the portfolio's defaults.
        portfolio: What its portfolio says.

    Raises:
        InvalidInputError: Together they make no sense, for instance a threshold of review above that of pass.
    """
    if portfolio == PortfolioConfiguration():
        return stored
    defaults, overrides = portfolio.defaults, portfolio.overrides
    try:
        return Rules(
            thresholds=Thresholds.model_validate(
                _lay(stored.thresholds, defaults.thresholds, written.get("thresholds", ()), overrides.thresholds)
            ),
            aggregation=AggregationRules.model_validate(
                _lay(stored.aggregation, defaults.aggregation, written.get("aggregation", ()), overrides.aggregation)
            ),
            categories={
                name: category.model_copy(
                    update={"weight": _weigh(name, category, written["categories"][name], portfolio)}
                )
                for name, category in stored.categories.items()
            },
        )
    except ValidationError as error:
        what = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise InvalidInputError(
            f"The scorecard and its portfolio's configuration do not go together: {what}.",
            cure="Change the one or the other.",
            field="portfolio",
        ) from None


def _lay(stored: BaseModel, defaults: BaseModel, written: Collection[str], overrides: BaseModel) -> dict[str, object]:
    from_portfolio = {name: value for name, value in _given(defaults).items() if name not in written}
    return stored.model_dump() | from_portfolio | _given(overrides)


def _given(settings: BaseModel) -> dict[str, object]:
    return settings.model_dump(exclude_none=True)


def _weigh(name: str, category: Category, written: Collection[str], portfolio: PortfolioConfiguration) -> float:
    own = category.weight if "weight" in written else portfolio.defaults.weights.get(name, category.weight)
    return portfolio.overrides.weights.get(name, own)

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.storable import refuse_unstorable, to_json_text
from tahoe_core.errors import InvalidInputError, NotFoundError
from tahoe_engine.catalog.bound import Agents, bind_rows, read_definition
from tahoe_engine.catalog.not_found import no_such_version, not_found, suggest
from tahoe_engine.catalog.specialists import Plan, take_apart
from tahoe_engine.catalog.templates import ensure_template
from tahoe_engine.db.models.agent_template import AgentTemplateORM
from tahoe_engine.db.models.portfolio import PortfolioORM
from tahoe_engine.db.models.scorecard import ScorecardORM
from tahoe_engine.db.models.scorecard_agent import ScorecardAgentORM
from tahoe_engine.db.repositories.agent_template import AgentTemplateRepository
from tahoe_engine.db.repositories.portfolio import PortfolioRepository
from tahoe_engine.db.repositories.scorecard import ScorecardRepository
from tahoe_engine.db.repositories.scorecard_agent import ScorecardAgentRepository
from tahoe_engine.models.catalog import AppliedScorecard, ScorecardSummary
from tahoe_engine.models.scorecard import BoundScorecard, CheckReference, ScorecardAgent, ScorecardDefinition


class ScorecardCatalog:
    """One team's scorecards; a change makes a new version, and no version is ever changed or deleted.

    Args:
        session: As `team_session` opened it; the catalog never commits.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._scorecards = ScorecardRepository(session)
        self._parts = ScorecardAgentRepository(session)
        self._templates = AgentTemplateRepository(session)
        self._portfolios = PortfolioRepository(session)

    async def apply(self, definition: ScorecardDefinition) -> AppliedScorecard:
        """Makes the definition the active version, unless it is already.

        A new version is made when the definition changed, or an agent template that it refers to. Inline checks go
        to the agent template `<scorecard>.<category>`, which gets a new version when they changed. A portfolio that
        does not exist yet is made, without a configuration.

        Args:
            definition: One that passed the scorer's validation.

        Raises:
            InvalidInputError: It refers to an agent template or check that is not there, or to a portfolio that was
                deactivated, or a text in it cannot be stored; `field` says where.
        """
        written = definition.model_dump(mode="json", exclude_unset=True)
        refuse_unstorable(written)
        plan = take_apart(definition)
        await self._scorecards.lock()
        referred = await self._follow(definition, plan)
        newest = await self._scorecards.find_named(definition.name)
        if newest is not None and await self._says(newest, written, referred):
            newest.is_active = True
            await self._scorecards.change(newest)
            return AppliedScorecard(bound=await self._bind(newest), created=False)
        templates = referred | {
            agent: await ensure_template(self._templates, given) for agent, given in plan.own.items()
        }
        portfolio = await self._ensure_portfolio(definition.portfolio)
        row = await self._scorecards.add_version(_to_row(definition, written, plan, portfolio), newest)
        for part in _list_parts(definition, plan, row, templates):
            await self._parts.add(part)
        return AppliedScorecard(bound=await self.get(definition.name), created=True)

    async def get(self, name: str, version: int | None = None) -> BoundScorecard:
        """Returns a version ready to score with; left out: the active one.

        Raises:
            NotFoundError: There is none; near names are suggested.
            InvalidInputError: The scorecard and its portfolio's configuration make no sense together.
        """
        if version is not None:
            return await self._bind(await self._get_row(name, version))
        row = await self._scorecards.find_active(name)
        if row is None:
            await self._get_row(name)
            raise NotFoundError(f"The scorecard {name!r} was deactivated.", cure="Apply it again to use it.")
        return await self._bind(row)

    async def get_definition(self, name: str, version: int | None = None) -> ScorecardDefinition:
        """Returns what the author wrote, active or not; left out: the newest version.

        Raises:
            NotFoundError: There is none; near names are suggested.
        """
        return read_definition(await self._get_row(name, version))

    async def get_summary(self, name: str, version: int | None = None) -> ScorecardSummary:
        """Returns what lists show of a version, active or not; left out: the newest.

        Raises:
            NotFoundError: There is none; near names are suggested.
        """
        return _summarize(await self._get_row(name, version))

    async def deactivate(self, name: str) -> ScorecardSummary:
        """Takes it out of use; what it has judged keeps pointing at it.

        Raises:
            NotFoundError: There is no scorecard of that name.
        """
        await self._scorecards.lock()
        row = await self._get_row(name)
        row.is_active = False
        return _summarize(await self._scorecards.change(row))

    async def list_page(self, request: PageRequest, *, include_inactive: bool = False) -> Page[ScorecardSummary]:
        """Lists the newest version of each, newest first."""
        page = await self._scorecards.list_named(request, include_inactive=include_inactive)
        return page.map(_summarize)

    async def list_versions(self, name: str, request: PageRequest) -> Page[ScorecardSummary]:
        """Lists every version of one, newest first.

        Raises:
            NotFoundError: There is no scorecard of that name.
        """
        await self._get_row(name)
        return (await self._scorecards.list_versions(name, request)).map(_summarize)

    async def _get_row(self, name: str, version: int | None = None) -> ScorecardORM:
        newest = await self._scorecards.find_named(name)
        if newest is None:
            raise not_found(self._scorecards.noun, name, await self._scorecards.list_names())
        if version is None or version == newest.version:
            return newest
        row = await self._scorecards.find_version(name, version) if version < newest.version else None
        if row is None:
            raise no_such_version(self._scorecards.noun, name, version, newest.version)
        return row

    async def _bind(self, row: ScorecardORM) -> BoundScorecard:
        return bind_rows(row, await self._scorecards.load_agents(row))

    async def _follow(self, definition: ScorecardDefinition, plan: Plan) -> dict[str, AgentTemplateORM]:
        """Returns the active version of each template that the scorecard refers to."""
        templates = dict(await self._templates.find_all_active(plan.referred))
        for place, requirement in enumerate(definition.requirements):
            for index, check in enumerate(requirement.checks):
                if isinstance(check, CheckReference):
                    await self._check_reference(check, templates, f"requirements.{place}.checks.{index}")
        return templates

    async def _check_reference(self, check: CheckReference, templates: dict[str, AgentTemplateORM], field: str) -> None:
        template = templates.get(check.agent)
        if template is None:
            cure = suggest(check.agent, await self._templates.list_names()) or "Create it first."
            raise InvalidInputError(f"There is no active agent template {check.agent!r}.", cure=cure, field=field)
        checks = _list_check_ids(template)
        if check.check not in checks:
            raise InvalidInputError(
                f"The agent template {check.agent!r} has no check {check.check!r}.",
                cure=suggest(check.check, checks) or "It has none at all.",
                field=field,
            )

    async def _says(
        self, newest: ScorecardORM, written: dict[str, object], referred: dict[str, AgentTemplateORM]
    ) -> bool:
        """Whether the newest version says this already, of the same versions of templates.

        The texts are compared, since the order of categories and agents is what reports show.
        """
        if to_json_text(newest.definition) != to_json_text(written):
            return False
        used: Agents = await self._scorecards.load_agents(newest)
        return {template.id for template in referred.values()} <= {template.id for _, template in used}

    async def _ensure_portfolio(self, name: str) -> PortfolioORM:
        portfolio = await self._portfolios.find_named(name)
        if portfolio is None:
            return await self._portfolios.add(PortfolioORM(name=name, configuration={}))
        if not portfolio.is_active:
            raise InvalidInputError(
                f"The portfolio {name!r} was deactivated.", cure="Update it to use it again.", field="portfolio"
            )
        return portfolio


def _to_row(
    definition: ScorecardDefinition, written: dict[str, object], plan: Plan, portfolio: PortfolioORM
) -> ScorecardORM:
    return ScorecardORM(
        portfolio_id=portfolio.id,
        name=definition.name,
        description=definition.description,
        definition=written,
        categories=[
            {"name": name, "title": category.title, "weight": category.weight}
            for name, category in definition.categories.items()
        ],
        requirements=list(plan.requirements),
        thresholds=definition.thresholds.model_dump(mode="json"),
        aggregation_rules=definition.aggregation.model_dump(mode="json"),
    )


def _list_parts(
    definition: ScorecardDefinition, plan: Plan, row: ScorecardORM, templates: dict[str, AgentTemplateORM]
) -> list[ScorecardAgentORM]:
    parts = []
    for position, name in enumerate(plan.agents):
        part = definition.agents.get(name, ScorecardAgent())
        parts.append(
            ScorecardAgentORM(
                scorecard_id=row.id,
                agent_template_id=templates[name].id,
                weight=part.weight,
                is_required=part.is_required,
                execution_order=part.execution_order,
                position=position,
            )
        )
    return parts


def _list_check_ids(template: AgentTemplateORM) -> list[str]:
    return sorted(str(check["id"]) for check in template.checks if isinstance(check, dict))


def _summarize(row: ScorecardORM) -> ScorecardSummary:
    return ScorecardSummary(
        id=row.id,
        name=row.name,
        description=row.description,
        version=row.version,
        portfolio=row.portfolio.name,
        is_active=row.is_active,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )

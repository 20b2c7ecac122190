from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.storable import refuse_unstorable
from tahoe_core.errors import ConflictError
from tahoe_engine.catalog.named import refuse_new_name
from tahoe_engine.catalog.not_found import no_such_version, not_found
from tahoe_engine.catalog.template_dna import dna_of_template
from tahoe_engine.catalog.templates import TemplateCatalog
from tahoe_engine.db.models.agent import AgentORM
from tahoe_engine.db.models.agent_version import AgentVersionORM
from tahoe_engine.db.repositories.agent import AgentRepository
from tahoe_engine.db.repositories.agent_version import AgentVersionRepository
from tahoe_engine.models.agent_models import AgentDNA, AgentStatus
from tahoe_engine.models.agent_records import Agent, AgentVersion, TemplateRef
from tahoe_engine.models.agent_requests import AgentOfTemplate


class AgentCatalog:
    """One team's agents, called by slug or id; they are never deleted.

    Args:
        session: As `team_session` opened it; the catalog never commits.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._repository = AgentRepository(session)
        self._versions = AgentVersionRepository(session)
        self._templates = TemplateCatalog(session)

    async def create(self, dna: AgentDNA, template: TemplateRef | None = None) -> Agent:
        """Writes a new agent.

        Args:
            dna: Who it is.
            template: What the DNA was made of.

        Raises:
            ConflictError: The slug is taken, perhaps by one that was archived.
            InvalidInputError: A text in it cannot be stored.
        """
        refuse_unstorable(dna.model_dump(mode="json"))
        if await self._repository.find_by_slug(dna.slug) is not None:
            raise ConflictError(
                f"There is already an agent {dna.slug!r}, archived or not.",
                cure="Update it, or choose another slug.",
                field="slug",
            )
        row = AgentORM(slug=dna.slug, version=1)
        if template is not None:
            row.template_name, row.template_version = template.name, template.version
        _write(row, dna)
        return read_agent(await self._repository.add(row))

    async def create_of_template(self, given: AgentOfTemplate) -> Agent:
        """Writes a new agent, as a template has it but for what is given.

        Raises:
            NotFoundError: There is no such template, or it has no such version.
            ConflictError: The slug is taken, or the template was deactivated.
            InvalidInputError: A text cannot be stored, or no agent can be made of the template.
        """
        template = await self._templates.get(given.template)
        if not template.is_active:
            raise ConflictError(
                f"The agent template {template.name!r} was deactivated.",
                cure="Update it, which takes it into use again, or choose another one.",
                field="template",
            )
        if given.template_version is not None:
            template = await self._templates.get(given.template, given.template_version)
        return await self.create(
            dna_of_template(template, given), TemplateRef(name=template.name, version=template.version)
        )

    async def get(self, agent: str) -> Agent:
        """Returns the agent of that slug or id.

        Raises:
            NotFoundError: There is none; near slugs are suggested.
        """
        return read_agent(await self._get_row(agent))

    async def list_page(self, request: PageRequest, status: AgentStatus | None = None) -> Page[Agent]:
        """Lists agents, newest first."""
        return (await self._repository.list_agents(request, status)).map(read_agent)

    async def list_versions(self, agent: str, request: PageRequest) -> Page[AgentVersion]:
        """Lists every version of an agent, newest first.

        Raises:
            NotFoundError: There is no such agent.
        """
        row = await self._get_row(agent)
        return (await self._versions.list_versions(row.id, request)).map(_read_version)

    async def get_version(self, agent: str, version: int) -> AgentVersion:
        """Returns what an agent was.

        Raises:
            NotFoundError: There is no such agent, or it has no such version.
        """
        row = await self._get_row(agent)
        found = await self._versions.find_version(row.id, version)
        if found is None:
            raise no_such_version(self._repository.noun, row.slug, version, row.version)
        return _read_version(found)

    async def update(self, agent: str, given: AgentDNA) -> Agent:
        """Replaces the DNA, which makes a new version unless it says the same; a status left out stays as it is.

        Raises:
            NotFoundError: There is no such agent.
            InvalidInputError: It would get another slug, or a text in it cannot be stored.
        """
        refuse_unstorable(given.model_dump(mode="json"))
        row = await self._get_row(agent)
        await self._repository.keep_still(row.id)
        known = read_agent(row).dna
        if "slug" in given.model_fields_set:
            refuse_new_name(known.slug, given.slug)
        status = given.status if "status" in given.model_fields_set else known.status
        dna = given.model_copy(update={"slug": known.slug, "status": status})
        if dna.model_copy(update={"status": known.status}) != known:
            row.version += 1
        _write(row, dna)
        return read_agent(await self._repository.change(row))

    async def set_status(self, agent: str, status: AgentStatus) -> Agent:
        """Moves an agent to where it stands in its life; any way is open.

        Raises:
            NotFoundError: There is no such agent.
        """
        row = await self._get_row(agent)
        row.status = status
        return read_agent(await self._repository.change(row))

    async def _get_row(self, agent: str) -> AgentORM:
        row_id = _find_id(agent)
        row = await self._repository.find(row_id) if row_id else None
        row = row or await self._repository.find_by_slug(agent)
        if row is None:
            raise not_found(self._repository.noun, agent, await self._repository.list_slugs())
        return row


def read_agent(row: AgentORM) -> Agent:
    """Returns what a row says."""
    return Agent(
        id=row.id,
        version=row.version,
        dna=AgentDNA.model_validate(row.dna | {"slug": row.slug, "status": row.status}),
        template=_read_template_ref(row),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _read_template_ref(row: AgentORM) -> TemplateRef | None:
    if row.template_name is None or row.template_version is None:
        return None
    return TemplateRef(name=row.template_name, version=row.template_version)


def _read_version(row: AgentVersionORM) -> AgentVersion:
    return AgentVersion(
        agent_id=row.agent_id,
        version=row.version,
        dna=AgentDNA.model_validate(row.dna),
        actor=row.actor,
        created_at=row.created_at,
    )


def _write(row: AgentORM, dna: AgentDNA) -> None:
    row.name = dna.name
    row.description = dna.description
    row.status = dna.status
    row.dna = dna.model_dump(mode="json")


def _find_id(agent: str) -> UUID | None:
    try:
        return UUID(agent)
    except ValueError:
        return None

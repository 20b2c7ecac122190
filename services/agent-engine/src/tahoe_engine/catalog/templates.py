from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.storable import refuse_unstorable
from tahoe_engine.catalog.named import already_there, refuse_new_name
from tahoe_engine.catalog.not_found import no_such_version, not_found
from tahoe_engine.db.models.agent_template import AgentTemplateORM
from tahoe_engine.db.repositories.agent_template import AgentTemplateRepository
from tahoe_engine.models.catalog import AgentTemplate, AgentTemplateInput


class TemplateCatalog:
    """One team's agent templates; a change makes a new version, and no version is ever changed or deleted.

    Args:
        session: As `team_session` opened it; the catalog never commits.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._repository = AgentTemplateRepository(session)

    async def create(self, given: AgentTemplateInput) -> AgentTemplate:
        """Writes the first version of a new template.

        Raises:
            ConflictError: The name is taken, perhaps by one that was deactivated.
            InvalidInputError: A text in it cannot be stored.
        """
        refuse_unstorable(given.model_dump())
        await self._repository.lock()
        if await self._repository.find_named(given.name) is not None:
            raise already_there(self._repository.noun, given.name)
        return read_template(await self._repository.add_version(_to_row(given), None))

    async def update(self, name: str, given: AgentTemplateInput) -> AgentTemplate:
        """Writes the next version, unless it says what the newest says; that one is then active again.

        Scorecards keep the version that they were applied with until they are applied again.

        Raises:
            NotFoundError: There is no template of that name.
            InvalidInputError: It would get another name, or a text in it cannot be stored.
        """
        refuse_unstorable(given.model_dump())
        refuse_new_name(name, given.name)
        await self._repository.lock()
        await self._get_row(name)
        return read_template(await ensure_template(self._repository, given))

    async def get(self, name: str, version: int | None = None) -> AgentTemplate:
        """Returns a version, active or not; left out: the newest.

        Raises:
            NotFoundError: There is none; near names are suggested.
        """
        return read_template(await self._get_row(name, version))

    async def get_by_id(self, row_id: UUID) -> AgentTemplate:
        """Returns the version with that id, active or not.

        Raises:
            NotFoundError: There is none.
        """
        return read_template(await self._repository.get(row_id))

    async def deactivate(self, name: str) -> AgentTemplate:
        """Takes it out of use: nothing refers to it any more; scorecards that do already go on.

        Raises:
            NotFoundError: There is no template of that name.
        """
        await self._repository.lock()
        row = await self._get_row(name)
        row.is_active = False
        return read_template(await self._repository.change(row))

    async def list_page(self, request: PageRequest, *, include_inactive: bool = False) -> Page[AgentTemplate]:
        """Lists the newest version of each, newest first."""
        page = await self._repository.list_named(request, include_inactive=include_inactive)
        return page.map(read_template)

    async def list_versions(self, name: str, request: PageRequest) -> Page[AgentTemplate]:
        """Lists every version of one, newest first.

        Raises:
            NotFoundError: There is no template of that name.
        """
        await self._get_row(name)
        return (await self._repository.list_versions(name, request)).map(read_template)

    async def _get_row(self, name: str, version: int | None = None) -> AgentTemplateORM:
        newest = await self._repository.find_named(name)
        if newest is None:
            raise not_found(self._repository.noun, name, await self._repository.list_names())
        if version is None or version == newest.version:
            return newest
        row = await self._repository.find_version(name, version) if version < newest.version else None
        if row is None:
            raise no_such_version(self._repository.noun, name, version, newest.version)
        return row


async def ensure_template(repository: AgentTemplateRepository, given: AgentTemplateInput) -> AgentTemplateORM:
    """Returns the active version that says this, written now unless the newest one says it; call `lock` before."""
    newest = await repository.find_named(given.name)
    if newest is None or not _says(newest, given):
        return await repository.add_version(_to_row(given), newest)
    newest.is_active = True
    return await repository.change(newest)


def read_template(row: AgentTemplateORM) -> AgentTemplate:
    """Returns what a row says."""
    return AgentTemplate.model_validate(
        {
            **_list_content(row),
            "id": row.id,
            "version": row.version,
            "is_active": row.is_active,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
    )


def _says(row: AgentTemplateORM, given: AgentTemplateInput) -> bool:
    return AgentTemplateInput.model_validate(_list_content(row)) == given


def _list_content(row: AgentTemplateORM) -> dict[str, object]:
    return {name: getattr(row, name) for name in _CONTENT}


def _to_row(given: AgentTemplateInput) -> AgentTemplateORM:
    content = given.model_dump(mode="json", by_alias=True)
    return AgentTemplateORM(**{name: content[name] for name in _CONTENT})


_CONTENT = (
    "name",
    "description",
    "type",
    "model",
    "model_config",
    "capabilities",
    "tools",
    "trigger_rules",
    "system_prompt",
    "user_prompt",
    "checks",
)

"""What the catalogs of things that are changed in place have in common."""

from abc import ABC, abstractmethod
from uuid import UUID

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.storable import refuse_unstorable
from tahoe_core.errors import ConflictError, InvalidInputError
from tahoe_engine.catalog.not_found import not_found
from tahoe_engine.db.models.named import NamedEntity
from tahoe_engine.db.repositories.named import NamedRepository
from tahoe_engine.models.catalog import NamedInput, Stored


class NamedCatalog[Entity: NamedEntity, Input: NamedInput, Record: Stored](ABC):
    """One team's things of one kind; they are called by name, changed in place and never deleted.

    It never commits: what one request does is one transaction of its session.
    """

    def __init__(self, repository: NamedRepository[Entity]) -> None:
        self._repository = repository

    async def create(self, given: Input) -> Record:
        """Writes a new one.

        Raises:
            ConflictError: The name is taken, perhaps by one that was deactivated.
            InvalidInputError: A text in it cannot be stored.
        """
        refuse_unstorable(given.model_dump())
        await self._repository.lock()
        if await self._repository.find_named(given.name) is not None:
            raise already_there(self._repository.noun, given.name)
        row = self._repository.model(name=given.name)
        self._write(row, given)
        return self._read(await self._repository.add(row))

    async def get(self, name: str) -> Record:
        """Returns the one of that name, active or not.

        Raises:
            NotFoundError: There is none; near names are suggested.
        """
        return self._read(await self._get_row(name))

    async def get_by_id(self, row_id: UUID) -> Record:
        """Returns the one with that id, active or not.

        Raises:
            NotFoundError: There is none.
        """
        return self._read(await self._repository.get(row_id))

    async def update(self, name: str, given: Input) -> Record:
        """Replaces what is said of it; one that was deactivated is active again.

        Raises:
            NotFoundError: There is none of that name.
            InvalidInputError: It would get another name, or a text in it cannot be stored.
        """
        refuse_unstorable(given.model_dump())
        refuse_new_name(name, given.name)
        await self._repository.lock()
        row = await self._get_row(name)
        self._write(row, given)
        row.is_active = True
        return self._read(await self._repository.change(row))

    async def deactivate(self, name: str) -> Record:
        """Takes it out of use and out of lists; what refers to it still finds it.

        Raises:
            NotFoundError: There is none of that name.
        """
        await self._repository.lock()
        row = await self._get_row(name)
        row.is_active = False
        return self._read(await self._repository.change(row))

    async def list_page(self, request: PageRequest, *, include_inactive: bool = False) -> Page[Record]:
        """Lists them, newest first."""
        page = await self._repository.list_named(request, include_inactive=include_inactive)
        return page.map(self._read)

    @abstractmethod
    def _write(self, row: Entity, given: Input) -> None:
        """Sets the columns of a row, but for its name."""

    @abstractmethod
    def _read(self, row: Entity) -> Record:
        """Returns what a row says."""

    async def _get_row(self, name: str) -> Entity:
        row = await self._repository.find_named(name)
        if row is None:
            raise not_found(self._repository.noun, name, await self._repository.list_names())
        return row


def already_there(noun: str, name: str) -> ConflictError:
    """Returns the error for a name that is taken."""
    return ConflictError(
        f"There is already a {noun} {name!r}, active or not.", cure="Update it, or choose another name.", field="name"
    )


def refuse_new_name(name: str, given: str) -> None:
    """Holds an update to the name of what it updates.

    Raises:
        InvalidInputError: It says another.
    """
    if given != name:
        raise InvalidInputError(f"A name never changes: it is {name!r}, not {given!r}.", field="name")

"""What the catalogs of things that are changed in place have in common."""

from typing import ClassVar, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.storable import refuse_unstorable
from tahoe_core.errors import ConflictError, InvalidInputError
from tahoe_engine.catalog.near_names import not_found
from tahoe_engine.db.models.named import NamedEntity
from tahoe_engine.db.repositories.named import NamedRepository
from tahoe_engine.models.base import StrictModel


class NamedInput(Protocol):
    """What a person writes of a thing with a name."""

    @property
    def name(self) -> str:
        """By which its team calls it."""
        ...


class NamedCatalog[Entity: NamedEntity, Input: StrictModel, Record: StrictModel]:
    """One team's things of one kind, called by name; they are changed in place and never deleted.

    Args:
        session: As `team_session` opened it; the catalog never commits.
    """

    repository_class: ClassVar[type[NamedRepository[NamedEntity]]]

    def __init__(self, session: AsyncSession) -> None:
        self.repository = self.repository_class(session)

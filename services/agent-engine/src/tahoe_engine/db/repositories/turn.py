from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_core.errors import NotFoundError
from tahoe_engine.db.models.turn import TurnORM
from tahoe_engine.models.turn_models import Turn, TurnStatus

_OPEN = (TurnStatus.RUNNING, TurnStatus.WAITING)


class TurnRepository(BaseRepository[TurnORM]):
    """Queries of `turn`."""

    model = TurnORM
    noun = "turn"

    async def begin(self, conversation_id: UUID, agent_id: UUID | None, lease: timedelta) -> Turn | None:
        """Begins a turn; None where another one of the conversation is running.

        One whose process has died is unfinished from now on, and so is one that waited for an approval.
        """
        model = TurnORM
        mine = [model.team_id == self.team_id, model.conversation_id == conversation_id]
        over = (model.status == TurnStatus.WAITING) | (model.leased_until < func.now())
        ended = {"status": TurnStatus.UNFINISHED, "leased_until": None, "finished_at": func.clock_timestamp()}
        await self.session.execute(update(model).where(*mine, model.status.in_(_OPEN), over).values(**ended))
        values = {"team_id": self.team_id, "conversation_id": conversation_id, "agent_id": agent_id}
        statement = (
            insert(model)
            .values(**values, leased_until=func.now() + lease)
            .on_conflict_do_nothing(
                index_elements=["team_id", "conversation_id"], index_where=text("status = 'running'")
            )
            .returning(model)
        )
        row = (await self.session.scalars(statement)).one_or_none()
        return None if row is None else to_turn(row)

    async def go_on(self, turn_id: UUID, lease: timedelta) -> Turn | None:
        """Lets a turn that waits for an approval run again; None where it does not wait."""
        model = TurnORM
        statement = (
            update(model)
            .where(model.team_id == self.team_id, model.id == turn_id, model.status == TurnStatus.WAITING)
            .values(status=TurnStatus.RUNNING, leased_until=func.now() + lease, pending=[])
            .returning(model)
        )
        row = (await self.session.scalars(statement)).one_or_none()
        return None if row is None else to_turn(row)

    async def renew(self, turn_id: UUID, lease: timedelta) -> bool:
        """Holds on to a running turn; False where it is not ours any more."""
        return await self._change(turn_id, leased_until=func.now() + lease)

    async def note(self, turn_id: UUID, **columns: Any) -> bool:  # noqa: ANN401 - columns, by name
        """Writes down something about a running turn; False where it is not ours any more."""
        return await self._change(turn_id, **columns)

    async def end(self, turn_id: UUID, status: TurnStatus, **columns: Any) -> Turn | None:  # noqa: ANN401 - by name
        """Ends a running turn, or lets it wait, and returns it; None where it is not ours any more."""
        model = TurnORM
        finished_at = None if status is TurnStatus.WAITING else func.clock_timestamp()
        statement = (
            update(model)
            .where(model.team_id == self.team_id, model.id == turn_id, model.status == TurnStatus.RUNNING)
            .values(status=status, leased_until=None, finished_at=finished_at, **columns)
            .returning(model)
        )
        row = (await self.session.scalars(statement)).one_or_none()
        return None if row is None else to_turn(row)

    async def cancel(self, turn_id: UUID) -> Turn | None:
        """Ends a turn that runs or waits, and returns it; None where it had ended."""
        model = TurnORM
        statement = (
            update(model)
            .where(model.team_id == self.team_id, model.id == turn_id, model.status.in_(_OPEN))
            .values(status=TurnStatus.CANCELLED, leased_until=None, finished_at=func.clock_timestamp(), pending=[])
            .returning(model)
        )
        row = (await self.session.scalars(statement)).one_or_none()
        return None if row is None else to_turn(row)

    async def get_turn(self, turn_id: UUID) -> Turn:
        """Returns a turn; a running one whose lease has run out is told as unfinished.

        Raises:
            NotFoundError: There is none, or it is another team's.
        """
        model = TurnORM
        query = select(model, model.leased_until < func.now()).where(model.team_id == self.team_id, model.id == turn_id)
        found = (await self.session.execute(query.execution_options(populate_existing=True))).one_or_none()
        if found is None:
            raise NotFoundError(f"There is no {self.noun} with the id {turn_id}.")
        row, has_lapsed = found
        turn = to_turn(row)
        return turn.model_copy(update={"status": TurnStatus.UNFINISHED}) if has_lapsed else turn

    async def list_turns(self, conversation_id: UUID, request: PageRequest) -> Page[Turn]:
        """Lists the turns of a conversation, newest first."""
        return (await self.list_page(request, TurnORM.conversation_id == conversation_id)).map(to_turn)

    async def _change(self, turn_id: UUID, **columns: Any) -> bool:  # noqa: ANN401 - columns, by name
        model = TurnORM
        where = [model.team_id == self.team_id, model.id == turn_id, model.status == TurnStatus.RUNNING]
        changed = await self.session.execute(update(model).where(*where).values(**columns).returning(model.id))
        return changed.one_or_none() is not None


def to_turn(row: TurnORM) -> Turn:
    """Returns what a row says."""
    return Turn.model_validate(
        {name: getattr(row, name) for name in Turn.model_fields if name != "pending"} | {"pending": tuple(row.pending)}
    )

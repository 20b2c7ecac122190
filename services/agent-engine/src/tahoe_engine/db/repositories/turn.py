"""Queries of `turn`.

They are run several times in each turn. So they are built once: building one, and finding how it was compiled, takes
SQLAlchemy three times as long as running it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, Interval, Row, Select, bindparam, case, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_core.errors import NotFoundError
from tahoe_engine.db.models.turn import TurnORM
from tahoe_engine.models.turn_models import PendingApproval, Turn, TurnStatus, TurnUsage

_TABLE = TurnORM.metadata.tables[TurnORM.__tablename__]
_TURN = _TABLE.c
_READ = [_TURN[name] for name in Turn.model_fields]
_OPEN = (TurnStatus.RUNNING, TurnStatus.WAITING)

_THIS = (_TURN.team_id == bindparam("team"), _TURN.id == bindparam("turn"))
_OURS = (*_THIS, _TURN.status == TurnStatus.RUNNING)
_LEASED = func.now() + bindparam("lease", type_=Interval())
_OVER = {"leased_until": None, "finished_at": func.clock_timestamp()}

_GIVE_UP = (
    update(_TABLE)
    .where(
        _TURN.team_id == bindparam("team"),
        _TURN.conversation_id == bindparam("conversation"),
        _TURN.status.in_(_OPEN),
        (_TURN.status == TurnStatus.WAITING) | (_TURN.leased_until < func.now()),
    )
    .values(status=TurnStatus.UNFINISHED, **_OVER)
)
_BEGIN = (
    insert(_TABLE)
    .values(
        team_id=bindparam("team"),
        conversation_id=bindparam("conversation"),
        agent_id=bindparam("agent"),
        agent_version=bindparam("agent_version"),
        leased_until=_LEASED,
    )
    .on_conflict_do_nothing(index_elements=["team_id", "conversation_id"], index_where=text("status = 'running'"))
    .returning(*_READ)
)
_GO_ON = (
    update(_TABLE)
    .where(*_THIS, _TURN.status == TurnStatus.WAITING)
    .values(status=TurnStatus.RUNNING, leased_until=_LEASED, pending=[], agent_version=bindparam("agent_version"))
    .returning(*_READ)
)
_RENEW = (
    update(_TABLE)
    .where(*_OURS)
    .values(
        leased_until=_LEASED,
        retrieval_ms=func.coalesce(bindparam("retrieval_ms"), _TURN.retrieval_ms),
        memory_tokens=func.coalesce(bindparam("memory_tokens"), _TURN.memory_tokens),
    )
    .returning(_TURN.id)
)
_END = (
    update(_TABLE)
    .where(*_OURS)
    .values(
        status=bindparam("status"),
        leased_until=None,
        finished_at=case((bindparam("status") == TurnStatus.WAITING, None), else_=func.clock_timestamp()),
        pending=bindparam("pending"),
        error=bindparam("error"),
        usage=func.coalesce(bindparam("usage", type_=JSONB(none_as_null=True)), _TURN.usage),
        cost_usd=func.coalesce(bindparam("cost_usd"), _TURN.cost_usd),
    )
    .returning(*_READ)
)
_SETTLE = (
    update(_TABLE)
    .where(*_THIS, _TURN.status.in_((TurnStatus.CANCELLED, TurnStatus.UNFINISHED)))
    .values(
        usage=bindparam("usage", type_=JSONB()),
        cost_usd=func.coalesce(bindparam("cost_usd"), _TURN.cost_usd),
    )
)
_CANCEL = (
    update(_TABLE)
    .where(*_THIS, _TURN.status.in_(_OPEN))
    .values(status=TurnStatus.CANCELLED, pending=[], **_OVER)
    .returning(*_READ)
)
_GET = select(*_READ, (_TURN.leased_until < func.now()).label("has_lapsed")).where(*_THIS)


class TurnRepository(BaseRepository[TurnORM]):
    """Queries of `turn`."""

    model = TurnORM
    noun = "turn"

    async def begin(
        self, conversation_id: UUID, agent_id: UUID | None, agent_version: int | None, lease: timedelta
    ) -> Turn | None:
        """Begins a turn; None where another one of the conversation is running.

        One whose process has died is unfinished from now on, and so is one that waited for an approval.
        """
        values = {"team": self.team_id, "conversation": conversation_id}
        await self.session.execute(_GIVE_UP, values)
        answers = {"agent": agent_id, "agent_version": agent_version}
        return await self._find(_BEGIN, values | answers | {"lease": lease})

    async def go_on(self, turn_id: UUID, agent_version: int | None, lease: timedelta) -> Turn | None:
        """Lets a turn that waits for an approval run again, as the agent is now; None where it does not wait."""
        return await self._find(_GO_ON, self._name(turn_id) | {"agent_version": agent_version, "lease": lease})

    async def renew(
        self, turn_id: UUID, lease: timedelta, retrieval_ms: float | None = None, memory_tokens: int | None = None
    ) -> bool:
        """Holds on to a running turn; False where it is not ours any more.

        Args:
            turn_id: The turn.
            lease: For how long.
            retrieval_ms: How long memory was searched; None: as it was noted before.
            memory_tokens: What the context block took; None: likewise.
        """
        noted = {"lease": lease, "retrieval_ms": retrieval_ms, "memory_tokens": memory_tokens}
        return (await self.session.execute(_RENEW, self._name(turn_id) | noted)).one_or_none() is not None

    async def end(
        self,
        turn_id: UUID,
        status: TurnStatus,
        *,
        usage: TurnUsage | None = None,
        cost_usd: Decimal | None = None,
        error: str | None = None,
        pending: Sequence[PendingApproval] = (),
    ) -> Turn | None:
        """Ends a running turn, or lets it wait, and returns it; None where it is not ours any more.

        Args:
            turn_id: The turn.
            status: What it is from now on.
            usage: Of the whole turn; None: as it was noted before.
            cost_usd: Likewise.
            error: What ended it.
            pending: What it waits for.
        """
        result = {
            "status": status,
            "usage": None if usage is None else usage.model_dump(),
            "cost_usd": cost_usd,
            "error": error,
            "pending": [call.model_dump(mode="json") for call in pending],
        }
        return await self._find(_END, self._name(turn_id) | result)

    async def settle(self, turn_id: UUID, usage: TurnUsage, cost_usd: Decimal | None) -> None:
        """Notes what a turn took that was cut off by others.

        Args:
            turn_id: The turn.
            usage: Of the whole turn.
            cost_usd: Likewise; None: as it was noted before.
        """
        await self.session.execute(_SETTLE, self._name(turn_id) | {"usage": usage.model_dump(), "cost_usd": cost_usd})

    async def cancel(self, turn_id: UUID) -> Turn | None:
        """Ends a turn that runs or waits, and returns it; None where it had ended."""
        return await self._find(_CANCEL, self._name(turn_id))

    async def get_turn(self, turn_id: UUID) -> Turn:
        """Returns a turn; a running one whose lease has run out is told as unfinished.

        Raises:
            NotFoundError: There is none, or it is another team's.
        """
        row = (await self.session.execute(_GET, self._name(turn_id))).one_or_none()
        if row is None:
            raise NotFoundError(f"There is no {self.noun} with the id {turn_id}.")
        turn = _to_turn(row)
        return turn.model_copy(update={"status": TurnStatus.UNFINISHED}) if row.has_lapsed else turn

    async def list_turns(self, conversation_id: UUID, request: PageRequest) -> Page[Turn]:
        """Lists the turns of a conversation, newest first."""
        mine = (_TURN.team_id == self.team_id, _TURN.conversation_id == conversation_id)
        query: Select[*tuple[Any, ...]] = select(*_READ).where(*mine)
        return (await self.page_of(query, request)).map(_to_turn)

    def _name(self, turn_id: UUID) -> dict[str, Any]:
        return {"team": self.team_id, "turn": turn_id}

    async def _find(self, statement: Executable, values: Mapping[str, Any]) -> Turn | None:
        row = (await self.session.execute(statement, values)).one_or_none()
        return None if row is None else _to_turn(row)


def _to_turn(row: Row[*tuple[Any, ...]]) -> Turn:
    values = {name: getattr(row, name) for name in Turn.model_fields}
    return Turn.model_validate(values | {"pending": tuple(row.pending)})

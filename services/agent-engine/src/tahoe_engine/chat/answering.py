"""How an agent answers: a turn begun, run in the background, written down and told."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_core.errors import ConflictError, TahoeError
from tahoe_engine.chat.asking import Asked, Asking
from tahoe_engine.chat.brought import NOTHING_BROUGHT, Brought
from tahoe_engine.chat.chat_events import ChatEvent, Cursor, TextAdded, TurnEnded, tell_messages
from tahoe_engine.chat.event_batches import EventBatches
from tahoe_engine.chat.following import Followers
from tahoe_engine.chat.journal import HOLD_SECONDS, TurnJournal, TurnLostError
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.db.repositories.turn import TurnRepository
from tahoe_engine.memory.upkeep import NoUpkeep, UpkeepRequests
from tahoe_engine.models.agent_records import Agent
from tahoe_engine.models.conversation_models import MessageCreate, MessageRecord, MessageRole
from tahoe_engine.models.turn_models import Turn, TurnStatus
from tahoe_engine.runtime.model_errors import RunCancelledError
from tahoe_engine.runtime.run_events import RunEvent
from tahoe_engine.runtime.tool_port import Decision

WRITERS = 8
"""Turns that write at once: the others wait here, in their order, and take up what comes meanwhile, rather than at the
pool of connections, which gives up on those who wait long."""
TEXT_SECONDS = 0.1
"""The first words of an answer are written and told at once, more of them so often: each time costs milliseconds."""
SETTLE_SECONDS = 1.0
"""Who cancels a turn is told what it took, if that is written down in time; later it is, too."""
STOP_SECONDS = 5.0
"""When the process ends, answers that are stopped have so long to write down what they took."""
POLL_HERE_SECONDS = 5.0
POLL_ELSEWHERE_SECONDS = 0.3

log = logging.getLogger(__name__)


class Runner(Protocol):
    """Makes agents answer; `tahoe_engine.chat.running` does."""

    def __call__(self, asked: Asked, hear_rest: Callable[[RunEvent], None]) -> AsyncGenerator[RunEvent]:
        """Yields what the run tells; `hear_rest` as `RunRequest` has it."""
        ...

    def expect(self, team_id: UUID, agent: Agent, question: str) -> None:
        """Gets ready for a question that an agent will be asked in a moment, unless it is refused."""
        ...


class Answering:
    """The turns that run in this process, and all turns as they can be followed.

    Args:
        sessions: Of the application's role.
        run: Makes the agent answer.
        upkeep: Where upkeep is asked for once a turn has ended: what was said is then remembered.
    """

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        run: Runner,
        upkeep: UpkeepRequests | None = None,
    ) -> None:
        self._sessions = sessions
        self._run = run
        self._asking = Asking(sessions, run.expect)
        self._upkeep = upkeep or NoUpkeep()
        self._followers = Followers()
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._runs: dict[UUID, EventBatches] = {}
        self._writers = asyncio.Semaphore(WRITERS)

    async def say(self, team_id: UUID, conversation_id: UUID, content: str, actor: str) -> Turn:
        """Keeps a user's message, and begins to answer it.

        Raises:
            NotFoundError: There is no such conversation.
            ConflictError: It is closed, its agent does not answer, or an answer is being written.
        """
        said = [MessageCreate(role=MessageRole.USER, content=content)]
        turn, _cursor = await self.take_up(team_id, conversation_id, said, actor)
        return turn

    async def take_up(
        self,
        team_id: UUID,
        conversation_id: UUID,
        said: Sequence[MessageCreate],
        actor: str,
        brought: Brought = NOTHING_BROUGHT,
    ) -> tuple[Turn, Cursor]:
        """Keeps what was said, and begins to answer it; returns the turn, and where its answer will begin.

        Args:
            team_id: Whose conversation it is.
            conversation_id: The conversation.
            said: A user's message, or results of tools that somebody else ran. None: what was said last was not
                answered, and is answered now.
            actor: Who acts.
            brought: What the caller adds to what the agent has.

        Raises:
            NotFoundError: There is no such conversation.
            ConflictError: It is closed, its agent does not answer, or an answer is being written.
        """
        with self._followers.look_out() as cancelled:
            asked, said_until = await self._asking.begin(team_id, conversation_id, said, actor, brought)
            if asked.turn.id not in cancelled:
                self._followers.begin(team_id, asked.turn.id, said_until)
                self._begin(asked, actor)
        return asked.turn, said_until

    async def decide(
        self,
        team_id: UUID,
        turn_id: UUID,
        decisions: Sequence[Decision],
        actor: str,
        brought: Brought = NOTHING_BROUGHT,
    ) -> Turn:
        """Lets a turn that waits for approval, or for its caller's tools, go on.

        Raises:
            NotFoundError: There is no such turn.
            ConflictError: It does not wait, a decision about one of its calls is missing, the conversation is closed,
                or its agent does not answer.
        """
        with self._followers.look_out() as cancelled:
            asked = await self._asking.go_on(team_id, turn_id, decisions, actor, brought)
            if turn_id not in cancelled:
                self._begin(asked, actor)
        return asked.turn

    async def cancel(self, team_id: UUID, turn_id: UUID, actor: str) -> Turn:
        """Stops a turn, wherever it runs; what was written of its answer stays, marked as cut off.

        Raises:
            NotFoundError: There is no such turn.
            ConflictError: It has ended.
        """
        async with team_session(self._sessions, team_id, actor) as session:
            turns = TurnRepository(session)
            turn = await turns.cancel(turn_id)
            if turn is None:
                ended = await turns.get_turn(turn_id)
                raise ConflictError(f"The turn is {ended.status}; there is nothing to cancel.")
        self._followers.note_cancelled(turn_id)
        task = self._tasks.get(turn_id)
        if task is not None:
            self._runs[turn_id].stop()
            await asyncio.wait({task}, timeout=SETTLE_SECONDS)
            async with self._open(team_id) as session:
                turn = await TurnRepository(session).get_turn(turn_id)
        self._followers.tell(turn_id, [TurnEnded(turn)])
        return turn

    async def follow(self, team_id: UUID, turn_id: UUID, after: Cursor | None = None) -> AsyncIterator[ChatEvent]:
        """Yields what a turn tells, from the cursor on, to its end; whichever process runs it.

        Raises:
            NotFoundError: There is no such turn.
        """
        with self._followers.follow(turn_id) as follower:
            is_known = self._followers.is_silent(team_id, turn_id, after)
            while True:
                if not is_known:
                    for event in await self._read(team_id, turn_id, after):
                        after = getattr(event, "cursor", after)
                        yield event
                        if isinstance(event, TurnEnded):
                            return
                is_known = False
                pause = POLL_HERE_SECONDS if turn_id in self._tasks else POLL_ELSEWHERE_SECONDS
                while not follower.is_left_behind:
                    told = await follower.next(pause)
                    if told is None:
                        break
                    news = _cut_off_told(told, after)
                    if news is None:
                        continue
                    after = getattr(news, "cursor", after)
                    yield news
                    if isinstance(news, TurnEnded):
                        return
                follower.is_left_behind = False

    async def _read(self, team_id: UUID, turn_id: UUID, after: Cursor | None) -> list[ChatEvent]:
        """Returns what is written of a turn, from the cursor on."""
        async with self._open(team_id) as session:
            turn = await TurnRepository(session).get_turn(turn_id)
            messages = await MessageRepository(session).list_of_turn(turn_id)
        # A lease that ran out is no end where the turn goes on in this very process, held up for a while.
        is_held_up = turn.status is TurnStatus.UNFINISHED and turn.finished_at is None
        goes_on = turn.status is TurnStatus.RUNNING or (is_held_up and turn_id in self._tasks)
        return [*tell_messages(messages, after), *([] if goes_on else [TurnEnded(turn)])]

    async def list_messages(self, team_id: UUID, turn_id: UUID) -> list[MessageRecord]:
        """Returns what was written of a turn so far, in its order."""
        async with self._open(team_id) as session:
            return await MessageRepository(session).list_of_turn(turn_id)

    async def aclose(self, grace_s: float = 10.0) -> None:
        """Lets the answers that are being written come to their end, and cuts off those that take longer."""
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=grace_s)
        for run in self._runs.values():
            run.stop()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=STOP_SECONDS)
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    def _begin(self, asked: Asked, actor: str) -> None:
        journal = TurnJournal(asked.turn, lambda: self._open_to_write(asked.team_id, actor), asked.brought.sign)
        run = EventBatches(partial(self._run, asked))
        task = asyncio.create_task(self._answer(asked, run, journal))
        self._runs[asked.turn.id], self._tasks[asked.turn.id] = run, task
        task.add_done_callback(lambda done: self._forget(asked.turn.id, done))

    def _forget(self, turn_id: UUID, done: asyncio.Task[None]) -> None:
        if self._tasks.get(turn_id) is done:  # one that waited may go on in another task already
            del self._tasks[turn_id], self._runs[turn_id]
            self._followers.forget(turn_id)

    async def _answer(self, asked: Asked, run: EventBatches, journal: TurnJournal) -> None:
        try:
            await self._drive(run, journal)
        except TurnLostError:
            log.info("turn_lost", extra={"turn": str(asked.turn.id)})
        except RunCancelledError:
            with contextlib.suppress(TahoeError):  # it has ended already, or the database is away
                self._followers.tell(asked.turn.id, await journal.end(TurnStatus.UNFINISHED))
        except TahoeError as error:
            log.warning("turn_failed", extra={"turn": str(asked.turn.id), "error": type(error).__name__})
            with contextlib.suppress(TahoeError):
                self._followers.tell(asked.turn.id, await journal.end(TurnStatus.FAILED, error))
        except Exception:
            log.exception("turn_broke", extra={"turn": str(asked.turn.id)})
            broken = TahoeError("Something of ours went wrong.", cure="Look for the turn's id in the log.")
            with contextlib.suppress(TahoeError):
                self._followers.tell(asked.turn.id, await journal.end(TurnStatus.FAILED, broken))
        finally:
            await self._upkeep.request(asked.team_id)

    async def _drive(self, run: EventBatches, journal: TurnJournal) -> None:
        """Writes while the run goes on: what came meanwhile is written at once, and told after that."""
        next_text = 0.0
        unwritten: list[RunEvent] = []
        try:
            while not run.is_over:
                unwritten = await run.take(HOLD_SECONDS, next_text)
                if unwritten:
                    self._followers.tell(journal.turn.id, await journal.write(unwritten))
                    unwritten = []
                    next_text = asyncio.get_running_loop().time() + TEXT_SECONDS
                if journal.is_due and not run.is_over:
                    await journal.hold()
            await run.finish()
        except TurnLostError:
            run.stop()
            while not run.is_over:
                unwritten += await run.take(HOLD_SECONDS, next_text=0)
            await journal.settle(unwritten)
            raise
        finally:
            await run.aclose()

    @asynccontextmanager
    async def _open_to_write(self, team_id: UUID, actor: str) -> AsyncIterator[AsyncSession]:
        async with self._writers, self._open(team_id, actor) as session:
            yield session

    def _open(self, team_id: UUID, actor: str = "") -> AbstractAsyncContextManager[AsyncSession]:
        return team_session(self._sessions, team_id, actor)


def _cut_off_told(event: ChatEvent, after: Cursor | None) -> ChatEvent | None:
    """Returns what is new in an event for somebody who was told up to the cursor."""
    cursor = getattr(event, "cursor", None)
    if cursor is None or after is None or cursor.position > after.position:
        return event
    if cursor <= after:
        return None
    if isinstance(event, TextAdded):
        return TextAdded(cursor, event.text[-(cursor.characters - after.characters) :])
    return event

"""Many interactions under one scorecard: read, scored and kept batch by batch, in bounded memory."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_core.errors import TahoeError
from tahoe_engine.db.repositories.analysis import AnalysisRepository
from tahoe_engine.db.repositories.analysis_row import NewAnalysis
from tahoe_engine.db.repositories.interaction import NewInteraction
from tahoe_engine.interactions.reading import ReadFailure, ReadInteraction, ReadItem
from tahoe_engine.interactions.store import InteractionStore, prepare
from tahoe_engine.models.analysis import Analysis, ScoredResult
from tahoe_engine.models.scorecard import BoundScorecard
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.scoring.scorer import Scorer

BATCH_ROWS = 64
BATCH_CHARACTERS = 4_000_000
"""A batch is full when it has either; one interaction that is longer stands alone."""


@dataclass(frozen=True)
class Analyzed:
    """An interaction that was read, and what came of it."""

    read: ReadInteraction
    analysis: Analysis


@dataclass(frozen=True)
class _Scored:
    """An interaction that waits for its place in the database."""

    read: ReadInteraction
    row: NewInteraction
    result: ScoredResult


class BatchAnalyzer:
    """Scores many interactions; each batch is one transaction, so that a killed process leaves whole analyses.

    Args:
        sessions: Of the application's role.
        team_id: Whose interactions they are.
        scorecard: A stored one.
        kit: What its checks may use.
    """

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], team_id: UUID, scorecard: BoundScorecard, kit: CheckKit
    ) -> None:
        self._sessions = sessions
        self._team_id = team_id
        self._scorecard = scorecard
        self._scorer = Scorer(scorecard, kit)

    async def run(self, items: Iterable[ReadItem]) -> AsyncIterator[Analyzed | ReadFailure]:
        """Yields every analysis when it is kept, and every failure, in the order of the input within a batch.

        Raises:
            UnavailableError: The database does not answer; what was yielded before is kept.
        """
        for batch in self._batches(items):
            analyses = iter(await self._keep([item for item in batch if isinstance(item, _Scored)]))
            for item in batch:
                yield Analyzed(item.read, next(analyses)) if isinstance(item, _Scored) else item

    def _batches(self, items: Iterable[ReadItem]) -> Iterator[list[_Scored | ReadFailure]]:
        batch: list[_Scored | ReadFailure] = []
        characters = 0
        for item in items:
            scored = self._score(item)
            batch.append(scored)
            if isinstance(scored, _Scored):
                characters += len(scored.row.turns)
            if len(batch) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
                yield batch
                batch, characters = [], 0
        if batch:
            yield batch

    def _score(self, item: ReadItem) -> _Scored | ReadFailure:
        if isinstance(item, ReadFailure):
            return item
        try:
            row = prepare(item.interaction)
        except TahoeError as error:
            return ReadFailure(item.source, error)
        return _Scored(item, row, self._scorer.score(item.interaction))

    async def _keep(self, scored: list[_Scored]) -> list[Analysis]:
        async with team_session(self._sessions, self._team_id) as session:
            saved = await InteractionStore(session).save([item.row for item in scored])
            return await AnalysisRepository(session).insert_many(
                [NewAnalysis(place.id, self._scorecard, item.result) for place, item in zip(saved, scored, strict=True)]
            )

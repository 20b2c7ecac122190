"""One team's analyses: made once, never changed, found again."""

import asyncio
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.session import run_again, team_session
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.db.repositories.analysis import AnalysisRepository
from tahoe_engine.db.repositories.analysis_row import NewAnalysis
from tahoe_engine.db.repositories.interaction import NewInteraction
from tahoe_engine.interactions.store import InteractionStore, prepare
from tahoe_engine.models.analysis import Analysis, ScoredResult
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.models.scorecard import BoundScorecard
from tahoe_engine.models.stored import AnalysisFilter, AnalysisSummary
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.scoring.scorer import Scorer


class Analyses:
    """Scores interactions one by one, and reads what was scored.

    What it needs of the database before and after scoring are transactions of their own: a long transcript takes
    seconds, in which others want the connection.

    Args:
        sessions: Of the application's role.
        team_id: Whose analyses they are.
        kit: What checks may use.
    """

    def __init__(self, sessions: async_sessionmaker[AsyncSession], team_id: UUID, kit: CheckKit) -> None:
        self._sessions = sessions
        self._team_id = team_id
        self._kit = kit

    async def analyze(self, interaction: Interaction, scorecard: str, version: int | None = None) -> Analysis:
        """Scores an interaction, and keeps both in one transaction.

        Raises:
            NotFoundError: There is no such scorecard.
            InvalidInputError: The interaction cannot be kept.
        """
        async with self._session() as session:
            bound = await ScorecardCatalog(session).get(scorecard, version)
        new = await asyncio.to_thread(prepare, interaction)
        return await self._keep_both(new, bound, await self._score(interaction, bound))

    async def analyze_stored(self, interaction_id: UUID, scorecard: str, version: int | None = None) -> Analysis:
        """Scores an interaction that is kept already.

        Raises:
            NotFoundError: There is no such interaction or scorecard.
        """
        async with self._session() as session:
            bound = await ScorecardCatalog(session).get(scorecard, version)
            stored = await InteractionStore(session).get(interaction_id)
        return await self._keep(NewAnalysis(interaction_id, bound, await self._score(stored.interaction, bound)))

    async def ensure(self, interaction: Interaction, scorecard: str) -> Analysis:
        """Returns the newest analysis of this content by the scorecard's active version, made now if there is none.

        Raises:
            NotFoundError: There is no such scorecard.
            InvalidInputError: The interaction cannot be kept.
        """
        new = await asyncio.to_thread(prepare, interaction)
        async with self._session() as session:
            bound = await ScorecardCatalog(session).get(scorecard)
            (saved,) = await InteractionStore(session).save([new])
            repository = AnalysisRepository(session)
            which = AnalysisFilter(interaction_id=saved.id, scorecard=bound.name, scorecard_version=bound.version)
            found = await repository.list_summaries(which, PageRequest(limit=1))
            if found.items:
                return await repository.get_document(found.items[0].analysis_id)
        return await self._keep(NewAnalysis(saved.id, bound, await self._score(interaction, bound)))

    async def rerun(self, analysis_id: UUID) -> Analysis:
        """Scores the same version of the interaction again, with the scorecard's active version; the old one stays.

        Raises:
            NotFoundError: There is no such analysis, or its scorecard is no longer active.
        """
        old = await self.get(analysis_id)
        return await self.analyze_stored(old.interaction_id, old.scorecard.name)

    async def get(self, analysis_id: UUID) -> Analysis:
        """Returns the document as it was made.

        Raises:
            NotFoundError: There is none with this id.
        """
        async with self._session() as session:
            return await AnalysisRepository(session).get_document(analysis_id)

    async def list_page(self, which: AnalysisFilter, request: PageRequest) -> Page[AnalysisSummary]:
        """Lists what fits, newest first."""
        async with self._session() as session:
            return await AnalysisRepository(session).list_summaries(which, request)

    @run_again
    async def _keep_both(self, new: NewInteraction, bound: BoundScorecard, result: ScoredResult) -> Analysis:
        async with self._session() as session:
            (saved,) = await InteractionStore(session).save([new])
            (analysis,) = await AnalysisRepository(session).insert_many([NewAnalysis(saved.id, bound, result)])
            return analysis

    @run_again
    async def _keep(self, new: NewAnalysis) -> Analysis:
        async with self._session() as session:
            (analysis,) = await AnalysisRepository(session).insert_many([new])
            return analysis

    async def _score(self, interaction: Interaction, bound: BoundScorecard) -> ScoredResult:
        # The scorer is made anew: 0.15 ms, as patterns and embeddings are remembered by themselves.
        return await asyncio.to_thread(lambda: Scorer(bound, self._kit).score(interaction))

    def _session(self) -> AbstractAsyncContextManager[AsyncSession]:
        return team_session(self._sessions, self._team_id)

"""One team's analyses: made once, never changed, found again."""

import asyncio
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.page import Page, PageRequest
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.db.repositories.analysis import AnalysisRepository
from tahoe_engine.db.repositories.analysis_row import NewAnalysis, to_analysis
from tahoe_engine.interactions.store import InteractionStore, prepare
from tahoe_engine.models.analysis import Analysis
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.models.scorecard import BoundScorecard
from tahoe_engine.models.stored import AnalysisFilter, AnalysisSummary
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.scoring.scorer import Scorer


class Analyses:
    """Scores interactions one by one, and reads what was scored.

    Args:
        session: As `team_session` opened it.
        kit: What checks may use.
    """

    def __init__(self, session: AsyncSession, kit: CheckKit) -> None:
        self._repository = AnalysisRepository(session)
        self._interactions = InteractionStore(session)
        self._scorecards = ScorecardCatalog(session)
        self._kit = kit

    async def analyze(self, interaction: Interaction, scorecard: str, version: int | None = None) -> Analysis:
        """Keeps an interaction and scores it.

        Raises:
            NotFoundError: There is no such scorecard.
            InvalidInputError: The interaction cannot be kept.
        """
        bound = await self._scorecards.get(scorecard, version)
        new = prepare(interaction)
        (saved,) = await self._interactions.save([new])
        return await self._score(saved.id, interaction, bound)

    async def analyze_stored(self, interaction_id: UUID, scorecard: str, version: int | None = None) -> Analysis:
        """Scores an interaction that is kept already.

        Raises:
            NotFoundError: There is no such interaction or scorecard.
        """
        bound = await self._scorecards.get(scorecard, version)
        stored = await self._interactions.get(interaction_id)
        return await self._score(interaction_id, stored.interaction, bound)

    async def ensure(self, interaction: Interaction, scorecard: str) -> Analysis:
        """Returns the newest analysis of this content by the scorecard's active version, made now if there is none.

        Raises:
            NotFoundError: There is no such scorecard.
            InvalidInputError: The interaction cannot be kept.
        """
        bound = await self._scorecards.get(scorecard)
        (saved,) = await self._interactions.save([prepare(interaction)])
        which = AnalysisFilter(interaction_id=saved.id, scorecard=bound.name, scorecard_version=bound.version)
        found = await self._repository.list_summaries(which, PageRequest(limit=1))
        if found.items:
            return await self.get(found.items[0].analysis_id)
        return await self._score(saved.id, interaction, bound)

    async def rerun(self, analysis_id: UUID) -> Analysis:
        """Scores the same version of the interaction again, with the scorecard's newest version; the old one stays.

        Raises:
            NotFoundError: There is no such analysis, or its scorecard is no longer active.
        """
        old = await self._repository.get(analysis_id)
        return await self.analyze_stored(old.interaction_id, old.scorecard_name)

    async def get(self, analysis_id: UUID) -> Analysis:
        """Returns the document as it was made.

        Raises:
            NotFoundError: There is none with this id.
        """
        return to_analysis(await self._repository.get(analysis_id))

    async def list_page(self, which: AnalysisFilter, request: PageRequest) -> Page[AnalysisSummary]:
        """Lists what fits, newest first."""
        return await self._repository.list_summaries(which, request)

    async def _score(self, interaction_id: UUID, interaction: Interaction, scorecard: BoundScorecard) -> Analysis:
        scorer = Scorer(scorecard, self._kit)
        # In a thread: a long transcript takes seconds, in which others want to be served.
        result = await asyncio.to_thread(scorer.score, interaction)
        (analysis,) = await self._repository.insert_many([NewAnalysis(interaction_id, scorecard, result)])
        return analysis

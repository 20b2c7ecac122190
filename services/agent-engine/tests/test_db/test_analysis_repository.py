from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.page import PageRequest
from tahoe_core.errors import InvalidInputError, NotFoundError
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.db.repositories.analysis import AnalysisRepository
from tahoe_engine.db.repositories.analysis_row import NewAnalysis
from tahoe_engine.interactions.store import InteractionStore, prepare
from tahoe_engine.models.analysis import AnalysisStatus, ScoredResult, Verdict
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.models.scorecard import BoundScorecard, ScorecardDefinition
from tahoe_engine.models.stored import AnalysisFilter

MakeInteraction = Callable[..., Interaction]
MakeResult = Callable[..., ScoredResult]


@pytest.fixture
def analyses(session: AsyncSession) -> AnalysisRepository:
    return AnalysisRepository(session)


@pytest.fixture
async def interaction_id(session: AsyncSession, make_interaction: MakeInteraction) -> UUID:
    [saved] = await InteractionStore(session).save([prepare(make_interaction())])
    return saved.id


class TestInserting:
    async def test_what_comes_back_is_what_went_in(
        self, analyses: AnalysisRepository, interaction_id: UUID, scorecard: BoundScorecard, make_result: MakeResult
    ) -> None:
        result = make_result()
        [document] = await analyses.insert_many([NewAnalysis(interaction_id, scorecard, result)])
        stored = await analyses.get_document(document.analysis_id)
        assert stored == document
        assert stored.interaction_id == interaction_id
        assert (stored.scorecard.name, stored.scorecard.version) == ("support", 1)
        assert (
            ScoredResult.model_validate(stored.model_dump(exclude={"analysis_id", "interaction_id", "scorecard"}))
            == result
        )

    async def test_categories_keep_their_order(
        self, analyses: AnalysisRepository, interaction_id: UUID, scorecard: BoundScorecard, make_result: MakeResult
    ) -> None:
        [document] = await analyses.insert_many([NewAnalysis(interaction_id, scorecard, make_result())])
        assert list((await analyses.get_document(document.analysis_id)).categories) == ["opening", "closing"]

    async def test_scores_come_back_without_noise(
        self, analyses: AnalysisRepository, interaction_id: UUID, scorecard: BoundScorecard, make_result: MakeResult
    ) -> None:
        result = make_result(overall_score=100 / 3, coverage=0.1 + 0.2, confidence=1 / 7)
        [document] = await analyses.insert_many([NewAnalysis(interaction_id, scorecard, result)])
        stored = await analyses.get_document(document.analysis_id)
        assert (stored.overall_score, stored.coverage, stored.confidence) == (100 / 3, 0.1 + 0.2, 1 / 7)

    async def test_nothing_evaluated_is_stored_as_nothing(
        self, analyses: AnalysisRepository, interaction_id: UUID, scorecard: BoundScorecard, make_result: MakeResult
    ) -> None:
        result = make_result(overall_score=None, coverage=0.0, confidence=None, verdict=Verdict.REVIEW)
        [document] = await analyses.insert_many([NewAnalysis(interaction_id, scorecard, result)])
        assert (await analyses.get_document(document.analysis_id)).overall_score is None

    async def test_many_come_back_in_the_order_of_the_input(
        self, analyses: AnalysisRepository, interaction_id: UUID, scorecard: BoundScorecard, make_result: MakeResult
    ) -> None:
        results = [make_result(overall_score=float(number % 101)) for number in range(300)]
        documents = await analyses.insert_many([NewAnalysis(interaction_id, scorecard, result) for result in results])
        assert [document.overall_score for document in documents] == [result.overall_score for result in results]
        newest = await analyses.list_summaries(AnalysisFilter(), PageRequest(2))
        assert [item.analysis_id for item in newest.items] == [documents[-1].analysis_id, documents[-2].analysis_id]

    async def test_the_row_keeps_the_rules_it_was_judged_by(
        self, analyses: AnalysisRepository, interaction_id: UUID, scorecard: BoundScorecard, make_result: MakeResult
    ) -> None:
        [document] = await analyses.insert_many([NewAnalysis(interaction_id, scorecard, make_result())])
        row = await analyses.get(document.analysis_id)
        assert row.metadata_json["thresholds"] == {"pass": 80, "review": 60, "min_coverage": 0.5}
        assert row.metadata_json["aggregation"] == {"conflict": "lowest", "caps": {"critical": 40}}
        assert row.completed_at == row.created_at

    async def test_the_row_counts_what_each_specialist_said(
        self, analyses: AnalysisRepository, interaction_id: UUID, scorecard: BoundScorecard, make_result: MakeResult
    ) -> None:
        [document] = await analyses.insert_many([NewAnalysis(interaction_id, scorecard, make_result())])
        outputs = (await analyses.get(document.analysis_id)).agent_outputs
        none = {"met": 0, "not_met": 0, "not_applicable": 0, "not_run": 0}
        assert outputs == {
            "support.opening": {"template_version": 1, **none, "met": 1},
            "support.closing": {"template_version": 1, **none},
        }

    async def test_an_unknown_interaction_is_bad_input(
        self, analyses: AnalysisRepository, session: AsyncSession, scorecard: BoundScorecard, make_result: MakeResult
    ) -> None:
        with pytest.raises(InvalidInputError, match="interaction_id"):
            async with session.begin_nested():
                await analyses.insert_many([NewAnalysis(uuid4(), scorecard, make_result())])

    async def test_a_scorecard_that_is_not_stored_is_refused(
        self, analyses: AnalysisRepository, interaction_id: UUID, scorecard: BoundScorecard, make_result: MakeResult
    ) -> None:
        unstored = scorecard.model_copy(update={"id": None})
        with pytest.raises(ValueError, match="stored"):
            await analyses.insert_many([NewAnalysis(interaction_id, unstored, make_result())])

    async def test_nothing_is_nothing(self, analyses: AnalysisRepository) -> None:
        assert await analyses.insert_many([]) == []


class TestReading:
    async def test_an_unknown_id_is_not_found(self, analyses: AnalysisRepository) -> None:
        with pytest.raises(NotFoundError, match="analysis"):
            await analyses.get_document(uuid4())

    async def test_lists_are_narrowed(
        self,
        analyses: AnalysisRepository,
        session: AsyncSession,
        interaction_id: UUID,
        definition: ScorecardDefinition,
        make_interaction: MakeInteraction,
        make_result: MakeResult,
    ) -> None:
        catalog = ScorecardCatalog(session)
        first = (await catalog.apply(definition)).bound
        second = (await catalog.apply(definition.model_copy(update={"description": "changed"}))).bound
        other = (await catalog.apply(definition.model_copy(update={"name": "other"}))).bound
        [saved] = await InteractionStore(session).save([prepare(make_interaction("another"))])
        risky = make_result(verdict=Verdict.HIGH_RISK, status=AnalysisStatus.NEEDS_REVIEW)
        await analyses.insert_many(
            [
                NewAnalysis(interaction_id, first, make_result()),
                NewAnalysis(interaction_id, second, risky),
                NewAnalysis(saved.id, other, make_result()),
            ]
        )

        async def count(**which: object) -> int:
            page = await analyses.list_summaries(AnalysisFilter.model_validate(which), PageRequest())
            return len(page.items)

        now = datetime.now(UTC)
        assert await count() == 3
        assert await count(interaction_id=interaction_id) == 2
        assert await count(scorecard="support") == 2
        assert await count(scorecard="support", scorecard_version=2) == 1
        assert await count(verdict="high_risk") == 1
        assert await count(status="complete", scorecard="other") == 1
        assert await count(status="failed") == 0
        assert await count(created_from=now - timedelta(hours=1), created_before=now + timedelta(hours=1)) == 3
        assert await count(created_before=now - timedelta(hours=1)) == 0

    async def test_lists_go_on_page_by_page(
        self, analyses: AnalysisRepository, interaction_id: UUID, scorecard: BoundScorecard, make_result: MakeResult
    ) -> None:
        documents = await analyses.insert_many(
            [NewAnalysis(interaction_id, scorecard, make_result()) for _ in range(7)]
        )
        seen: list[UUID] = []
        cursor = None
        while True:
            page = await analyses.list_summaries(AnalysisFilter(verdict=Verdict.PASS), PageRequest.of(3, cursor))
            seen += [item.analysis_id for item in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == [document.analysis_id for document in reversed(documents)]

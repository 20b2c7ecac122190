import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.page import PageRequest
from tahoe_core.db.session import team_session
from tahoe_core.errors import InvalidInputError, NotFoundError
from tahoe_engine.catalog.portfolios import PortfolioCatalog
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.catalog.templates import TemplateCatalog
from tahoe_engine.models.catalog import AgentTemplateInput, PortfolioInput
from tahoe_engine.models.scorecard import BoundScorecard, ScorecardDefinition
from tahoe_engine.scoring.binding import bind_definition
from tahoe_engine.scoring.definition import load_definition

EXAMPLES = sorted((Path(__file__).parents[4] / "examples" / "scorecards").glob("*.yaml"))
SHARED = AgentTemplateInput.model_validate(
    {
        "name": "shared",
        "checks": [
            {"id": "polite", "spec": {"type": "pattern", "patterns": ["please"]}},
            {"id": "calm", "spec": {"type": "absence", "of": {"type": "pattern", "patterns": ["!"]}}},
        ],
    }
)


def define(**changes: Any) -> ScorecardDefinition:  # noqa: ANN401 - whatever a definition takes
    return ScorecardDefinition.model_validate(
        {
            "name": "quality",
            "description": "How good it was.",
            "categories": {"zeta": {"weight": 3}, "alpha": {"title": "Alpha"}},
            "agents": {"quality.alpha": {"weight": 2, "is_required": True, "execution_order": 1}},
            "requirements": [
                {
                    "id": "greet",
                    "title": "Greets",
                    "category": "zeta",
                    "checks": [
                        {"type": "pattern", "patterns": ["hello"], "window": {"first": 1}},
                        {"type": "phrase", "examples": ["good morning"]},
                    ],
                },
                {
                    "id": "polite",
                    "title": "Says please",
                    "category": "alpha",
                    "severity": "critical",
                    "required": True,
                    "applies_when": {"not": {"requirement": "greet", "outcome": "not_met"}},
                    "checks": [{"type": "timing", "local_hours": {"earliest": "08:00", "latest": "21:00"}}],
                    "recommendation": "Say please.",
                },
            ],
            **changes,
        }
    )


def with_check(check: dict[str, str]) -> ScorecardDefinition:
    requirement = {"id": "shared", "title": "Shared", "category": "zeta", "checks": [check]}
    return define(agents={}, requirements=[requirement])


def comparable(bound: BoundScorecard) -> dict[str, object]:
    """Without what only a stored scorecard has."""
    return bound.model_dump(exclude={"id", "portfolio_id", "version", "template_versions"})


@pytest.fixture
def scorecards(session: AsyncSession) -> ScorecardCatalog:
    return ScorecardCatalog(session)


@pytest.fixture
def templates(session: AsyncSession) -> TemplateCatalog:
    return TemplateCatalog(session)


class TestApplying:
    async def test_a_new_one_is_ready_to_score_with(self, scorecards: ScorecardCatalog) -> None:
        applied = await scorecards.apply(define())
        assert applied.created
        assert (applied.bound.name, applied.bound.version) == ("quality", 1)
        assert applied.bound.id is not None
        assert applied.bound.portfolio_id is not None
        assert applied.bound.template_versions == {"quality.zeta": 1, "quality.alpha": 1}
        assert applied.bound == await scorecards.get("quality") == await scorecards.get("quality", 1)

    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
    async def test_what_is_stored_scores_like_what_is_not(self, scorecards: ScorecardCatalog, path: Path) -> None:
        definition = load_definition(path)
        applied = await scorecards.apply(definition)
        assert comparable(applied.bound) == comparable(bind_definition(definition))
        assert await scorecards.get_definition(definition.name) == definition
        assert not (await scorecards.apply(definition)).created

    def test_there_are_examples(self) -> None:
        assert len(EXAMPLES) >= 3

    async def test_the_definition_comes_back_as_it_was_written(self, scorecards: ScorecardCatalog) -> None:
        definition = define()
        await scorecards.apply(definition)
        read = await scorecards.get_definition("quality")
        assert read == definition
        assert list(read.categories) == ["zeta", "alpha"]
        assert read.model_dump_json(exclude_unset=True) == definition.model_dump_json(exclude_unset=True)

    async def test_again_it_changes_nothing(self, scorecards: ScorecardCatalog, templates: TemplateCatalog) -> None:
        first = await scorecards.apply(define())
        before = await templates.list_page(PageRequest(), include_inactive=True)
        again = await scorecards.apply(define())
        assert not again.created
        assert again.bound == first.bound
        assert await templates.list_page(PageRequest(), include_inactive=True) == before

    async def test_a_change_makes_new_versions_only_of_what_changed(self, scorecards: ScorecardCatalog) -> None:
        first = await scorecards.apply(define())
        changed = define()
        greet, polite = changed.requirements
        greet = greet.model_copy(update={"checks": greet.checks[:1]})
        second = await scorecards.apply(changed.model_copy(update={"requirements": (greet, polite)}))
        assert second.created
        assert second.bound.version == 2
        assert second.bound.template_versions == {"quality.zeta": 2, "quality.alpha": 1}
        assert await scorecards.get("quality", 1) == first.bound
        assert await scorecards.get("quality") == second.bound

    async def test_another_order_of_categories_is_a_change(self, scorecards: ScorecardCatalog) -> None:
        await scorecards.apply(define())
        turned = await scorecards.apply(define(categories={"alpha": {"title": "Alpha"}, "zeta": {"weight": 3}}))
        assert turned.created
        assert list(turned.bound.categories) == ["alpha", "zeta"]

    async def test_old_content_that_comes_back_is_a_new_version(self, scorecards: ScorecardCatalog) -> None:
        first = await scorecards.apply(define())
        await scorecards.apply(define(description="other"))
        third = await scorecards.apply(define())
        assert third.bound.version == 3
        assert comparable(third.bound) == comparable(first.bound)

    async def test_specialists_run_in_their_order(self, scorecards: ScorecardCatalog) -> None:
        bound = (await scorecards.apply(define())).bound
        assert list(bound.agents) == ["quality.zeta", "quality.alpha"]
        assert bound.agents["quality.alpha"].model_dump() == {"weight": 2, "is_required": True, "execution_order": 1}

    async def test_a_category_and_a_check_may_have_the_longest_names(self, scorecards: ScorecardCatalog) -> None:
        name = "x" * 100
        definition = define(
            name=name,
            categories={name: {}},
            agents={},
            requirements=[
                {
                    "id": name,
                    "title": "Long",
                    "category": name,
                    "checks": [{"type": "pattern", "patterns": [str(number)]} for number in range(3)],
                }
            ],
        )
        bound = (await scorecards.apply(definition)).bound
        assert list(bound.agents) == [f"{name}.{name}"]
        assert [check.spec for check in bound.requirements[0].checks] == list(definition.requirements[0].checks)

    async def test_the_same_from_many_sides_is_one_version(self, engine: AsyncEngine) -> None:
        team = uuid4()

        async def apply(definition: ScorecardDefinition) -> tuple[int, bool]:
            async with team_session(get_session_factory(engine), team) as session:
                applied = await ScorecardCatalog(session).apply(definition)
                return applied.bound.version, applied.created

        assert sorted(await asyncio.gather(*(apply(define()) for _ in range(5)))) == [(1, False)] * 4 + [(1, True)]
        different = await asyncio.gather(*(apply(define(description=str(number))) for number in range(5)))
        assert sorted(version for version, _ in different) == [2, 3, 4, 5, 6]


REFERENCE = {"agent": "shared", "check": "polite"}


class TestReferences:
    async def test_are_followed_to_the_active_version(
        self, scorecards: ScorecardCatalog, templates: TemplateCatalog
    ) -> None:
        await templates.create(SHARED)
        bound = (await scorecards.apply(with_check(REFERENCE))).bound
        [check] = bound.requirements[0].checks
        assert check.agent == "shared"
        assert check.spec == SHARED.checks[0].spec
        assert bound.template_versions == {"shared": 1}

    async def test_keep_their_version_until_the_scorecard_is_applied_again(
        self, scorecards: ScorecardCatalog, templates: TemplateCatalog
    ) -> None:
        await templates.create(SHARED)
        first = (await scorecards.apply(with_check(REFERENCE))).bound
        await templates.update("shared", SHARED.model_copy(update={"description": "changed"}))
        assert await scorecards.get("quality") == first
        again = await scorecards.apply(with_check(REFERENCE))
        assert again.created
        assert again.bound.template_versions == {"shared": 2}
        assert (await scorecards.get("quality", 1)).template_versions == {"shared": 1}

    async def test_can_stand_beside_inline_checks(
        self, scorecards: ScorecardCatalog, templates: TemplateCatalog
    ) -> None:
        await templates.create(SHARED)
        inline = {"type": "pattern", "patterns": ["x"]}
        requirement = {"id": "a", "title": "A", "category": "zeta", "checks": [REFERENCE, inline, inline]}
        bound = (await scorecards.apply(define(agents={"shared": {"weight": 5}}, requirements=[requirement]))).bound
        assert [check.agent for check in bound.requirements[0].checks] == ["shared", "quality.zeta", "quality.zeta"]
        assert bound.agents["shared"].weight == 5
        assert [check.id for check in (await templates.get("quality.zeta")).checks] == ["a", "a-2"]

    @pytest.mark.parametrize(
        ("check", "said"),
        [
            ({"agent": "shered", "check": "polite"}, "Did you mean shared"),
            ({"agent": "shared", "check": "polit"}, "Did you mean polite"),
            ({"agent": "shared", "check": "zzzz"}, "There are: calm, polite"),
        ],
    )
    async def test_that_lead_nowhere_are_named(
        self, scorecards: ScorecardCatalog, templates: TemplateCatalog, check: dict[str, str], said: str
    ) -> None:
        await templates.create(SHARED)
        with pytest.raises(InvalidInputError, match=said) as raised:
            await scorecards.apply(with_check(check))
        assert raised.value.field == "requirements.0.checks.0"

    async def test_to_what_was_deactivated_lead_nowhere(
        self, scorecards: ScorecardCatalog, templates: TemplateCatalog
    ) -> None:
        await templates.create(SHARED)
        await scorecards.apply(with_check(REFERENCE))
        await templates.deactivate("shared")
        assert (await scorecards.get("quality")).template_versions == {"shared": 1}
        with pytest.raises(InvalidInputError, match="no active agent template"):
            await scorecards.apply(with_check(REFERENCE))

    async def test_to_its_own_checks_are_refused(self, scorecards: ScorecardCatalog) -> None:
        own = {"agent": "quality.zeta", "check": "greet"}
        with pytest.raises(InvalidInputError, match="own checks"):
            await scorecards.apply(with_check(own))

    async def test_an_agent_without_a_check_is_refused(self, scorecards: ScorecardCatalog) -> None:
        with pytest.raises(InvalidInputError) as raised:
            await scorecards.apply(define(agents={"nobody": {}}))
        assert raised.value.field == "agents.nobody"


class TestNamesOfChecks:
    async def test_never_meet_a_requirement_s(self, scorecards: ScorecardCatalog, templates: TemplateCatalog) -> None:
        def check(pattern: str) -> dict[str, object]:
            return {"type": "pattern", "patterns": [pattern]}

        requirements = [
            {"id": "a", "title": "A", "category": "zeta", "checks": [check("1"), check("2"), check("3")]},
            {"id": "a-2", "title": "A2", "category": "zeta", "checks": [check("4")]},
        ]
        definition = define(agents={}, requirements=requirements)
        bound = (await scorecards.apply(definition)).bound
        names = [check.id for check in (await templates.get("quality.zeta")).checks]
        assert names == ["a", "a-3", "a-4", "a-2"]
        for stored, written in zip(bound.requirements, definition.requirements, strict=True):
            assert [check.spec for check in stored.checks] == list(written.checks)


class TestReading:
    async def test_unknown_names_and_versions(self, scorecards: ScorecardCatalog) -> None:
        with pytest.raises(NotFoundError, match="none at all"):
            await scorecards.get("quality")
        await scorecards.apply(define())
        for read in (scorecards.get, scorecards.get_definition, scorecards.get_summary):
            with pytest.raises(NotFoundError, match="Did you mean quality"):
                await read("qualty")
            with pytest.raises(NotFoundError, match="no version 9"):
                await read("quality", 9)
        with pytest.raises(NotFoundError):
            await scorecards.list_versions("qualty", PageRequest())

    async def test_one_that_was_deactivated_scores_no_more_and_can_be_read(self, scorecards: ScorecardCatalog) -> None:
        first = await scorecards.apply(define())
        assert not (await scorecards.deactivate("quality")).is_active
        with pytest.raises(NotFoundError, match="was deactivated"):
            await scorecards.get("quality")
        assert await scorecards.get("quality", 1) == first.bound
        assert await scorecards.get_definition("quality") == define()
        assert (await scorecards.list_page(PageRequest())).items == []

    async def test_applying_it_brings_it_back_as_it_was(self, scorecards: ScorecardCatalog) -> None:
        first = await scorecards.apply(define())
        await scorecards.deactivate("quality")
        again = await scorecards.apply(define())
        assert (again.created, again.bound) == (False, first.bound)
        assert (await scorecards.get_summary("quality")).is_active

    async def test_lists(self, scorecards: ScorecardCatalog) -> None:
        await scorecards.apply(define())
        await scorecards.apply(define(description="second"))
        await scorecards.apply(define(name="other", agents={}, portfolio="calls"))
        page = await scorecards.list_page(PageRequest())
        assert [(one.name, one.version, one.portfolio) for one in page.items] == [
            ("other", 1, "calls"),
            ("quality", 2, "default"),
        ]
        versions = await scorecards.list_versions("quality", PageRequest())
        assert [(one.version, one.is_active, one.description) for one in versions.items] == [
            (2, True, "second"),
            (1, False, "How good it was."),
        ]


class TestPortfolios:
    async def test_a_missing_one_is_made(self, scorecards: ScorecardCatalog, session: AsyncSession) -> None:
        bound = (await scorecards.apply(define(portfolio="calls"))).bound
        assert (await PortfolioCatalog(session).get("calls")).id == bound.portfolio_id

    async def test_one_that_was_deactivated_is_refused(
        self, scorecards: ScorecardCatalog, session: AsyncSession
    ) -> None:
        await PortfolioCatalog(session).create(PortfolioInput(name="calls"))
        await PortfolioCatalog(session).deactivate("calls")
        with pytest.raises(InvalidInputError) as raised:
            await scorecards.apply(define(portfolio="calls"))
        assert raised.value.field == "portfolio"

    async def configure(self, session: AsyncSession, configuration: dict[str, object]) -> None:
        given = PortfolioInput.model_validate({"name": "default", "configuration": configuration})
        await PortfolioCatalog(session).update("default", given)

    async def test_defaults_hold_where_the_author_said_nothing(
        self, scorecards: ScorecardCatalog, session: AsyncSession
    ) -> None:
        await scorecards.apply(define(thresholds={"pass": 70}))
        await self.configure(
            session,
            {
                "defaults": {
                    "thresholds": {"pass": 95, "review": 50},
                    "aggregation": {"caps": {"critical": 10, "high": 50}},
                    "weights": {"zeta": 9, "alpha": 8, "unknown": 7},
                }
            },
        )
        bound = await scorecards.get("quality")
        assert (bound.thresholds.pass_, bound.thresholds.review, bound.thresholds.min_coverage) == (70, 50, 0.5)
        assert bound.aggregation.caps == {"critical": 10, "high": 50}
        assert bound.aggregation.conflict == "lowest"
        assert {name: category.weight for name, category in bound.categories.items()} == {"zeta": 3, "alpha": 8}
        assert bound.categories["alpha"].title == "Alpha"

    async def test_overrides_hold_whatever_the_author_said(
        self, scorecards: ScorecardCatalog, session: AsyncSession
    ) -> None:
        await scorecards.apply(define(thresholds={"pass": 70}, aggregation={"conflict": "highest"}))
        await self.configure(
            session,
            {
                "defaults": {"thresholds": {"min_coverage": 0.9}},
                "overrides": {
                    "thresholds": {"pass": 99},
                    "aggregation": {"conflict": "weighted", "caps": {}},
                    "weights": {"zeta": 1},
                },
            },
        )
        bound = await scorecards.get("quality")
        assert (bound.thresholds.pass_, bound.thresholds.min_coverage) == (99, 0.9)
        assert (bound.aggregation.conflict, bound.aggregation.caps) == ("weighted", {})
        assert bound.categories["zeta"].weight == 1

    async def test_a_change_of_them_makes_no_version(self, scorecards: ScorecardCatalog, session: AsyncSession) -> None:
        await scorecards.apply(define())
        await self.configure(session, {"overrides": {"thresholds": {"pass": 99}}})
        assert not (await scorecards.apply(define())).created
        assert await scorecards.get_definition("quality") == define()

    async def test_what_makes_no_sense_together_is_said(
        self, scorecards: ScorecardCatalog, session: AsyncSession
    ) -> None:
        await scorecards.apply(define(thresholds={"review": 75}))
        await self.configure(session, {"overrides": {"thresholds": {"pass": 70}}})
        with pytest.raises(InvalidInputError, match="review is above pass"):
            await scorecards.get("quality")


class TestBadInput:
    async def test_what_cannot_be_stored_is_named(self, scorecards: ScorecardCatalog) -> None:
        with pytest.raises(InvalidInputError) as raised:
            await scorecards.apply(define(description="b\0d"))
        assert raised.value.field == "description"

"""Tools, model providers and portfolios: created, read, updated in place, deactivated, listed."""

from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.page import PageRequest
from tahoe_core.errors import ConflictError, InvalidInputError, NotFoundError
from tahoe_engine.catalog.model_providers import ModelProviderCatalog
from tahoe_engine.catalog.named import NamedCatalog
from tahoe_engine.catalog.portfolios import PortfolioCatalog
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.catalog.tools import ToolCatalog
from tahoe_engine.models.catalog import ModelProviderInput, NamedInput, PortfolioInput, ToolInput, ToolType
from tahoe_engine.models.scorecard import ScorecardDefinition

CASES: list[tuple[Any, NamedInput, dict[str, Any]]] = [
    (
        ToolCatalog,
        ToolInput(name="get_weather", type=ToolType.API, configuration={"url": "https://w.example", "n": [1, 2.5]}),
        {"type": ToolType.FUNCTION, "description": "changed", "configuration": {}},
    ),
    (
        ModelProviderCatalog,
        ModelProviderInput(
            name="local", base_url="http://localhost:11434/v1", api_key_env_var="LOCAL_KEY", models=("a", "b")
        ),
        {"base_url": None, "models": ("c",)},
    ),
    (
        PortfolioCatalog,
        PortfolioInput.model_validate(
            {"name": "calls", "configuration": {"defaults": {"thresholds": {"pass": 90}}, "overrides": {}}}
        ),
        {"description": "changed"},
    ),
]


@pytest.fixture(params=CASES, ids=["tools", "model_providers", "portfolios"])
def case(request: pytest.FixtureRequest, session: AsyncSession) -> tuple[NamedCatalog[Any, Any, Any], Any, Any]:
    catalog, given, changes = request.param
    return catalog(session), given, given.model_copy(update=changes)


Case = tuple[NamedCatalog[Any, Any, Any], Any, Any]


class TestEveryCatalog:
    async def test_gives_back_what_was_created(self, case: Case) -> None:
        catalog, given, _ = case
        created = await catalog.create(given)
        assert created.is_active
        assert type(given).model_validate(created.model_dump(include=set(type(given).model_fields))) == given
        assert await catalog.get(given.name) == created
        assert await catalog.get_by_id(created.id) == created

    async def test_updates_in_place(self, case: Case) -> None:
        catalog, given, changed = case
        created = await catalog.create(given)
        updated = await catalog.update(given.name, changed)
        assert updated.id == created.id
        assert updated.updated_at > created.updated_at
        assert updated.created_at == created.created_at
        assert type(given).model_validate(updated.model_dump(include=set(type(given).model_fields))) == changed

    async def test_an_update_that_says_the_same_changes_nothing(self, case: Case) -> None:
        catalog, given, _ = case
        assert await catalog.create(given) == await catalog.update(given.name, given)

    async def test_refuses_a_name_twice(self, case: Case) -> None:
        catalog, given, changed = case
        await catalog.create(given)
        with pytest.raises(ConflictError, match=given.name):
            await catalog.create(changed)

    async def test_a_name_never_changes(self, case: Case) -> None:
        catalog, given, _ = case
        await catalog.create(given)
        with pytest.raises(InvalidInputError) as raised:
            await catalog.update(given.name, given.model_copy(update={"name": "another"}))
        assert raised.value.field == "name"

    async def test_what_is_deactivated_leaves_the_list_and_can_be_read(self, case: Case) -> None:
        catalog, given, _ = case
        await catalog.create(given)
        assert not (await catalog.deactivate(given.name)).is_active
        assert (await catalog.list_page(PageRequest())).items == []
        listed = await catalog.list_page(PageRequest(), include_inactive=True)
        assert [item.name for item in listed.items] == [given.name]
        assert not (await catalog.get(given.name)).is_active

    async def test_an_update_brings_it_back(self, case: Case) -> None:
        catalog, given, _ = case
        await catalog.create(given)
        await catalog.deactivate(given.name)
        assert (await catalog.update(given.name, given)).is_active

    async def test_deactivating_twice_is_once(self, case: Case) -> None:
        catalog, given, _ = case
        await catalog.create(given)
        assert await catalog.deactivate(given.name) == await catalog.deactivate(given.name)

    async def test_lists_the_newest_first_page_by_page(self, case: Case) -> None:
        catalog, given, _ = case
        for number in range(3):
            await catalog.create(given.model_copy(update={"name": f"n{number}"}))
        first = await catalog.list_page(PageRequest(2))
        rest = await catalog.list_page(PageRequest.of(2, first.next_cursor))
        assert [item.name for item in [*first.items, *rest.items]] == ["n2", "n1", "n0"]

    async def test_suggests_near_names(self, case: Case) -> None:
        catalog, given, _ = case
        await catalog.create(given)
        with pytest.raises(NotFoundError, match=f"Did you mean {given.name}"):
            await catalog.get(f"{given.name[:-1]}x")

    async def test_lists_the_names_where_none_is_near(self, case: Case) -> None:
        catalog, given, _ = case
        await catalog.create(given)
        with pytest.raises(NotFoundError, match=f"There are: {given.name}"):
            await catalog.deactivate("zzzzzzzzzzzz")

    async def test_says_so_where_there_is_none_at_all(self, case: Case) -> None:
        catalog, given, _ = case
        with pytest.raises(NotFoundError, match="none at all"):
            await catalog.update(given.name, given)
        with pytest.raises(NotFoundError):
            await catalog.get_by_id(uuid4())

    async def test_refuses_what_cannot_be_stored(self, case: Case) -> None:
        catalog, given, _ = case
        with pytest.raises(InvalidInputError) as raised:
            await catalog.create(given.model_copy(update={"name": "b\0d"}))
        assert raised.value.field == "name"


class TestPortfolios:
    async def test_one_that_holds_active_scorecards_stays(
        self, session: AsyncSession, definition: ScorecardDefinition
    ) -> None:
        scorecards, portfolios = ScorecardCatalog(session), PortfolioCatalog(session)
        await scorecards.apply(definition)
        with pytest.raises(ConflictError, match=definition.name):
            await portfolios.deactivate(definition.portfolio)
        await scorecards.deactivate(definition.name)
        assert not (await portfolios.deactivate(definition.portfolio)).is_active


class TestModelProviders:
    @pytest.mark.parametrize(
        "fields",
        [
            {"api_key_env_var": "sk-proj-4711"},
            {"base_url": "http://user:secret@host/v1"},
            {"base_url": "http://host/v1?key=secret"},
            {"base_url": "ftp://host"},
        ],
    )
    def test_take_no_secret(self, fields: dict[str, str]) -> None:
        with pytest.raises(ValidationError):
            ModelProviderInput.model_validate({"name": "x", **fields})

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.page import PageRequest
from tahoe_core.db.session import team_session
from tahoe_core.errors import ConflictError, InvalidInputError, NotFoundError
from tahoe_engine.catalog.templates import TemplateCatalog
from tahoe_engine.models.catalog import AgentTemplateInput

GIVEN = AgentTemplateInput.model_validate(
    {
        "name": "compliance",
        "description": "Looks for disclosures.",
        "model": "small",
        "model_config": {"temperature": 0.1, "nested": {"b": [1], "a": None}},
        "capabilities": ["disclosures"],
        "tools": ["get_weather"],
        "trigger_rules": {"types": ["call"]},
        "system_prompt": "You are fair.",
        "user_prompt": "Judge {interaction}.",
        "checks": [
            {"id": "hours", "spec": {"type": "timing", "local_hours": {"earliest": "08:00", "latest": "21:00"}}},
            {"id": "schema", "spec": {"type": "json_schema", "target": "result", "schema": {"type": "object"}}},
        ],
    }
)


@pytest.fixture
def templates(session: AsyncSession) -> TemplateCatalog:
    return TemplateCatalog(session)


async def test_gives_back_what_was_created(templates: TemplateCatalog) -> None:
    created = await templates.create(GIVEN)
    assert (created.version, created.is_active) == (1, True)
    content = created.model_dump(include=set(AgentTemplateInput.model_fields))
    assert AgentTemplateInput.model_validate(content) == GIVEN
    assert await templates.get("compliance") == created
    assert await templates.get_by_id(created.id) == created


async def test_a_change_makes_a_new_version_and_leaves_the_old_one(templates: TemplateCatalog) -> None:
    first = await templates.create(GIVEN)
    second = await templates.update("compliance", GIVEN.model_copy(update={"model": "large"}))
    assert (second.version, second.is_active, second.model) == (2, True, "large")
    assert second.id != first.id
    old = await templates.get("compliance", 1)
    assert old.model_copy(update={"is_active": True, "updated_at": first.updated_at}) == first
    assert not old.is_active


async def test_no_change_makes_no_version(templates: TemplateCatalog) -> None:
    first = await templates.create(GIVEN)
    assert await templates.update("compliance", GIVEN) == first


async def test_one_that_was_deactivated_comes_back_as_it_was(templates: TemplateCatalog) -> None:
    first = await templates.create(GIVEN)
    assert not (await templates.deactivate("compliance")).is_active
    again = await templates.update("compliance", GIVEN)
    assert (again.id, again.version, again.is_active) == (first.id, 1, True)


async def test_a_change_of_a_deactivated_one_is_its_next_version(templates: TemplateCatalog) -> None:
    await templates.create(GIVEN)
    await templates.deactivate("compliance")
    assert (await templates.update("compliance", GIVEN.model_copy(update={"model": None}))).version == 2


async def test_lists_show_the_newest_version_of_what_is_active(templates: TemplateCatalog) -> None:
    for name in ("one", "two"):
        await templates.create(GIVEN.model_copy(update={"name": name}))
        await templates.update(name, GIVEN.model_copy(update={"name": name, "model": "large"}))
    await templates.deactivate("one")
    assert [(t.name, t.version) for t in (await templates.list_page(PageRequest())).items] == [("two", 2)]
    everything = await templates.list_page(PageRequest(), include_inactive=True)
    assert [(t.name, t.version) for t in everything.items] == [("two", 2), ("one", 2)]


async def test_every_version_is_listed_newest_first(templates: TemplateCatalog) -> None:
    await templates.create(GIVEN)
    for model in ("b", "c", "d"):
        await templates.update("compliance", GIVEN.model_copy(update={"model": model}))
    first = await templates.list_versions("compliance", PageRequest(3))
    rest = await templates.list_versions("compliance", PageRequest.of(3, first.next_cursor))
    assert [t.version for t in [*first.items, *rest.items]] == [4, 3, 2, 1]


async def test_names_and_versions_that_are_not_there(templates: TemplateCatalog) -> None:
    await templates.create(GIVEN)
    with pytest.raises(ConflictError):
        await templates.create(GIVEN)
    with pytest.raises(NotFoundError, match="Did you mean compliance"):
        await templates.get("complianse")
    with pytest.raises(NotFoundError, match=r"no version 7.*newest is 1"):
        await templates.get("compliance", 7)
    with pytest.raises(NotFoundError):
        await templates.list_versions("complianse", PageRequest())
    with pytest.raises(NotFoundError):
        await templates.get_by_id(uuid4())
    with pytest.raises(InvalidInputError, match="never changes"):
        await templates.update("compliance", GIVEN.model_copy(update={"name": "other"}))
    with pytest.raises(InvalidInputError, match="null byte"):
        await templates.update("compliance", GIVEN.model_copy(update={"user_prompt": "\0"}))


async def test_changes_at_once_are_counted_one_after_the_other(engine: AsyncEngine) -> None:
    team = uuid4()

    async def change(model: str) -> int:
        async with team_session(get_session_factory(engine), team) as session:
            return (
                await TemplateCatalog(session).update("compliance", GIVEN.model_copy(update={"model": model}))
            ).version

    async with team_session(get_session_factory(engine), team) as session:
        await TemplateCatalog(session).create(GIVEN)
    versions = await asyncio.gather(*(change(f"m{number}") for number in range(6)))
    assert sorted(versions) == [2, 3, 4, 5, 6, 7]
    async with team_session(get_session_factory(engine), team) as session:
        assert [t.version for t in (await TemplateCatalog(session).list_page(PageRequest())).items] == [7]

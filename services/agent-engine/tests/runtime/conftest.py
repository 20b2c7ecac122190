from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from tahoe_core.retry import RetryPolicy
from tahoe_engine.models.agent_models import Boundaries
from tahoe_engine.runtime.agent_blueprint import AgentBlueprint
from tahoe_engine.runtime.agent_runtime import AdkRuntime, RunRequest
from tahoe_engine.runtime.chat_client import Patience
from tahoe_engine.runtime.model_endpoint import ChosenModel, ModelEndpoint
from tahoe_engine.runtime.run_events import RunEvent
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel

Ask = Callable[..., Awaitable[list[RunEvent]]]

PATIENCE = Patience(
    connect_s=1, first_byte_s=1, between_s=1, retry=RetryPolicy(attempts=3, first_wait_s=0.01, longest_wait_s=0.5)
)


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as server:
        yield server


@pytest.fixture
def patience() -> Patience:
    return PATIENCE


@pytest.fixture
async def runtime() -> AsyncIterator[AdkRuntime]:
    made = AdkRuntime(PATIENCE)
    yield made
    await made.aclose()


@pytest.fixture
def chosen(model: ScriptedModel) -> ChosenModel:
    return ChosenModel(ModelEndpoint("local", model.base_url), "small")


@pytest.fixture
def ask(runtime: AdkRuntime, chosen: ChosenModel) -> Ask:
    """Runs the agent Ada to the end; what is given by name is the request's, or a boundary's."""

    async def run(message: str | None = "How is the weather?", **given: Any) -> list[RunEvent]:  # noqa: ANN401
        limits = {name: given.pop(name) for name in list(given) if name in Boundaries.model_fields}
        agent = AgentBlueprint("Ada", "You are Ada.", boundaries=Boundaries.model_validate(limits))
        fields: dict[str, Any] = {"agent": agent, "models": [chosen], "message": message} | given
        request = RunRequest(**fields)
        async with aclosing(runtime.run(request)) as events:
            return [event async for event in events]

    return run

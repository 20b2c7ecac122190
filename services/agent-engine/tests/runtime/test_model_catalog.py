import socket

import pytest

from tahoe_engine.runtime.chat_client import Patience
from tahoe_engine.runtime.model_catalog import find_local_servers, list_models
from tahoe_engine.runtime.model_endpoint import LOCAL_SERVERS, ModelEndpoint, WireFormat
from tahoe_engine.runtime.model_errors import (
    RequestRefusedError,
    UnknownModelError,
    UnreachableModelError,
    WrongKeyError,
)
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel


def unused_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


class TestAProvider:
    async def test_lists_its_models(self, model: ScriptedModel) -> None:
        assert await list_models(ModelEndpoint("local", model.base_url)) == ("small", "large")
        assert model.requests[0].path == "/v1/models"

    async def test_wants_its_key(self) -> None:
        with ScriptedModel(api_key="k") as server, pytest.raises(WrongKeyError, match="local"):
            await list_models(ModelEndpoint("local", server.base_url))

    async def test_that_is_not_there_is_an_error(self, patience: Patience) -> None:
        with pytest.raises(UnreachableModelError):
            await list_models(ModelEndpoint("local", unused_url()), patience)

    async def test_at_another_path_is_an_error(self, model: ScriptedModel) -> None:
        with pytest.raises(UnknownModelError, match="nothing at this path"):
            await list_models(ModelEndpoint("local", model.base_url.removesuffix("/v1") + "/v2/other"))

    async def test_of_another_protocol_is_not_asked(self) -> None:
        with pytest.raises(RequestRefusedError):
            await list_models(ModelEndpoint("gemini", speaks=WireFormat.GEMINI))


class TestLocalServers:
    async def test_are_those_that_answer_and_have_a_model(self) -> None:
        with ScriptedModel(models=("llama3.2",)) as ollama, ScriptedModel(models=()) as empty:
            candidates = {"ollama": ollama.base_url, "lmstudio": empty.base_url, "vllm": unused_url()}
            (found,) = await find_local_servers(candidates)
        assert (found.endpoint.name, found.endpoint.base_url, found.models) == (
            "ollama",
            candidates["ollama"],
            ("llama3.2",),
        )

    def test_are_looked_for_on_their_usual_ports(self) -> None:
        assert {name: url.split(":")[2].split("/")[0] for name, url in LOCAL_SERVERS.items()} == {
            "ollama": "11434",
            "lmstudio": "1234",
            "llama.cpp": "8080",
            "vllm": "8000",
        }

"""Where a provider's base_url may lead."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from ipaddress import ip_address

import pytest

from tahoe_engine.network.addresses import Address, may_be_server
from tahoe_engine.network.lookup import Lookup
from tahoe_engine.network.testing import HOST, resolver_of
from tahoe_engine.runtime.chat_client import ChatClient, Patience
from tahoe_engine.runtime.model_catalog import list_models
from tahoe_engine.runtime.model_endpoint import ModelEndpoint
from tahoe_engine.runtime.model_errors import NoModelError, UnknownModelError, UnreachableModelError
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel

METADATA = [
    "http://169.254.169.254/latest/meta-data",
    "http://169.254.169.254:80/v1",
    "http://2852039166/v1",
    "http://0xa9fea9fe/v1",
    "http://169.254.43518/v1",
    "http://[fe80::1]/v1",
    "http://[::ffff:169.254.169.254]/v1",
    "http://[::ffff:a9fe:a9fe]/v1",
    "http://[64:ff9b::a9fe:a9fe]/v1",
    "http://[fd00:ec2::254]/v1",
    "https://0.0.0.0/v1",
    "http://224.0.0.1/v1",
]
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

Say = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def _no_proxy_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def say(patience: Patience) -> AsyncIterator[Say]:
    """Asks a model for an answer, to its end."""
    clients: list[ChatClient] = []

    async def ask(base_url: str, lookup: Lookup | None = None) -> None:
        clients.append(ChatClient(ModelEndpoint("ours", base_url), patience, *([lookup] if lookup else ())))
        async for _ in clients[-1].stream({"model": "small", "messages": [], "stream": True}):
            pass

    yield ask
    for client in clients:
        await client.aclose()


def at(model: ScriptedModel, host: str) -> str:
    return model.base_url.replace("127.0.0.1", host)


class TestAnAddress:
    @pytest.mark.parametrize("base_url", METADATA)
    async def test_where_no_model_can_be_is_refused_at_once(self, say: Say, base_url: str) -> None:
        with pytest.raises(NoModelError, match="ours leads to an address where no model server can be") as caught:
            await say(base_url)
        assert "link-local" in caught.value.cure

    async def test_where_no_model_can_be_is_not_asked_for_its_models(self) -> None:
        with pytest.raises(NoModelError, match="no model server"):
            await list_models(ModelEndpoint("ours", METADATA[0]))

    @pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "localhost"])
    async def test_of_this_machine_is_asked(self, say: Say, model: ScriptedModel, host: str) -> None:
        await say(at(model, host))
        assert len(model.chats) == 1

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", HOST])
    async def test_that_is_refused_is_not_even_connected_to(self, say: Say, model: ScriptedModel, host: str) -> None:
        with pytest.raises(NoModelError):
            await say(at(model, host), Lookup(lambda address: not address.is_loopback, resolver_of(localhost="::1")))
        assert model.connections == 0


class TestAName:
    async def test_of_a_server_is_asked_by_it(self, say: Say, model: ScriptedModel) -> None:
        await say(at(model, HOST), Lookup(may_be_server, resolver_of()))
        assert model.requests[0].headers["host"] == at(model, HOST).split("/")[2]

    @pytest.mark.parametrize(
        "addresses",
        [["169.254.169.254"], ["127.0.0.1", "169.254.169.254"], ["fe80::1"], ["::ffff:169.254.169.254"]],
    )
    async def test_that_leads_to_metadata_is_refused(
        self, say: Say, model: ScriptedModel, addresses: list[str]
    ) -> None:
        lookup = Lookup(may_be_server, resolver_of(metadata_google_internal=addresses))
        with pytest.raises(NoModelError, match="no model server"):
            await say(at(model, "metadata.google.internal"), lookup)
        assert model.connections == 0

    async def test_that_means_another_address_a_moment_later_changes_nothing(
        self, say: Say, model: ScriptedModel
    ) -> None:
        """DNS rebinding: it is looked up once for a connection."""
        lookups = 0

        async def rebind(_host: str, _port: int) -> Sequence[Address]:
            nonlocal lookups
            lookups += 1
            return [ip_address("127.0.0.1" if lookups == 1 else "169.254.169.254")]

        await say(at(model, HOST), Lookup(may_be_server, rebind))
        assert lookups == 1
        assert len(model.chats) == 1

    async def test_whose_first_address_is_dead_is_asked_at_its_second(self, say: Say, model: ScriptedModel) -> None:
        await say(at(model, HOST), Lookup(may_be_server, resolver_of(site_example=["127.0.0.2", "127.0.0.1"])))
        assert len(model.chats) == 1

    async def test_without_an_address_is_not_reached(self, say: Say) -> None:
        with pytest.raises(UnreachableModelError, match="cannot be reached"):
            await say("http://nowhere.example/v1", Lookup(may_be_server, resolver_of()))


class TestAProxyOfTheEnvironment:
    async def test_is_asked_for_what_only_it_may_find(
        self, say: Say, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", model.base_url.removesuffix("/v1"))
        with pytest.raises(UnknownModelError):  # the model is no proxy, but it was asked
            await say("http://models.invalid/v1")
        assert model.requests[0].path == "http://models.invalid/v1/chat/completions"

    @pytest.mark.parametrize("base_url", METADATA)
    async def test_is_not_asked_for_an_address_where_no_model_can_be(
        self, say: Say, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch, base_url: str
    ) -> None:
        monkeypatch.setenv("ALL_PROXY", model.base_url.removesuffix("/v1"))
        with pytest.raises(NoModelError, match="no model server"):
            await say(base_url)
        assert model.connections == 0

    async def test_is_passed_by_where_the_environment_says_so(
        self, say: Say, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", f"other.example,.{HOST}")
        await say(at(model, HOST), Lookup(may_be_server, resolver_of()))
        assert len(model.chats) == 1

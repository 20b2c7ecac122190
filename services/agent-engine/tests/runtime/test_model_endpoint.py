import pytest
from pydantic import SecretStr

from tahoe_engine.models.agent_models import ModelChoice
from tahoe_engine.models.catalog import ModelProviderInput
from tahoe_engine.runtime.model_endpoint import ChosenModel, ModelEndpoint, WireFormat, choose_models, configured_model
from tahoe_engine.runtime.model_errors import NoModelError, WrongKeyError
from tahoe_engine.runtime.provider_keys import ProviderKeys
from tahoe_engine.settings import load_settings

HOME = ModelProviderInput(name="ollama", models=("llama3.2", "qwen3"))
NO_KEYS = ProviderKeys({})
CLOUD = ModelProviderInput(name="openai", api_key_env_var="OPENAI_API_KEY", models=("gpt-4o-mini",))
GATEWAY = ModelProviderInput(name="gateway", base_url="https://models.example.com/v1/")
CONFIGURED = ChosenModel(ModelEndpoint("configured", "http://localhost:9/v1"), "tiny")


class TestAnEndpoint:
    def test_is_where_its_name_says_unless_it_has_an_address(self) -> None:
        assert ModelEndpoint.of(HOME, NO_KEYS).base_url == "http://127.0.0.1:11434/v1"
        assert ModelEndpoint.of(GATEWAY, NO_KEYS).base_url == "https://models.example.com/v1/"

    def test_needs_an_address_where_none_is_known(self) -> None:
        with pytest.raises(NoModelError, match="no address"):
            ModelEndpoint.of(ModelProviderInput(name="mine"), NO_KEYS)

    def test_has_the_key_that_its_variable_holds_and_does_not_show_it(self) -> None:
        endpoint = ModelEndpoint.of(CLOUD, ProviderKeys({"OPENAI_API_KEY": " sk-secret\n"}))
        assert endpoint.api_key is not None
        assert endpoint.api_key.get_secret_value() == "sk-secret"
        assert "sk-secret" not in repr(endpoint)

    @pytest.mark.parametrize(
        "held", [{}, {"OPENAI_API_KEY": ""}, {"OPENAI_API_KEY": "sk and more"}, {"OPENAI_API_KEY": "…"}]
    )
    def test_says_which_variable_lacks_its_key(self, held: dict[str, str]) -> None:
        with pytest.raises(WrongKeyError, match="OPENAI_API_KEY") as caught:
            ModelEndpoint.of(CLOUD, ProviderKeys(held))
        assert "sk and" not in str(caught.value)

    @pytest.mark.parametrize("key", ["…", "sk-secret\n", "sk secret"])
    def test_takes_no_key_that_cannot_be_sent(self, key: str) -> None:
        with pytest.raises(WrongKeyError, match="the key of mine") as caught:
            ModelEndpoint("mine", "http://localhost:9/v1", SecretStr(key))
        assert key not in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "base_url", "speaks"),
        [
            ("gemini", None, WireFormat.GEMINI),
            ("anthropic", None, WireFormat.ANTHROPIC),
            ("anthropic", "https://gateway.example.com/v1", WireFormat.OPENAI),
            ("openai", None, WireFormat.OPENAI),
        ],
    )
    def test_speaks_as_its_provider_does_unless_a_gateway_stands_before_it(
        self, name: str, base_url: str | None, speaks: WireFormat
    ) -> None:
        assert ModelEndpoint.of(ModelProviderInput(name=name, base_url=base_url), NO_KEYS).speaks is speaks


class TestTheConfiguredModel:
    def test_is_none_unless_one_is_named(self) -> None:
        assert configured_model(load_settings({"LLM_PROVIDER": "openai"})) is None

    def test_is_where_its_provider_is_known_to_be(self) -> None:
        chosen = configured_model(
            load_settings({"LLM_PROVIDER": "openrouter", "LLM_MODEL": "a/b", "LLM_API_KEY": "sk-secret"})
        )
        assert chosen is not None
        assert (chosen.model, chosen.endpoint.base_url) == ("a/b", "https://openrouter.ai/api/v1")
        assert chosen.endpoint.api_key is not None
        assert "sk-secret" not in repr(chosen)

    def test_is_where_it_is_said_to_be(self) -> None:
        chosen = configured_model(load_settings({"LLM_MODEL": "m", "LLM_BASE_URL": "http://localhost:1/v1"}))
        assert chosen is not None
        assert chosen.endpoint.base_url == "http://localhost:1/v1"

    @pytest.mark.parametrize(
        ("environ", "name"),
        [
            ({"LLM_BASE_URL": "http://me:sk-secret@gateway.example.com:9/v1"}, "gateway.example.com:9"),
            ({"LLM_BASE_URL": "http://127.0.0.1:8000/v1"}, "127.0.0.1:8000"),
            ({"LLM_BASE_URL": "https://openrouter.ai/api/v1/"}, "openrouter"),
            ({"LLM_BASE_URL": "http://localhost:1/v1", "LLM_PROVIDER": "mine"}, "mine"),
            ({}, "openai"),
        ],
    )
    def test_is_called_after_its_server_where_nobody_names_the_provider(
        self, environ: dict[str, str], name: str
    ) -> None:
        chosen = configured_model(load_settings({"LLM_MODEL": "m"} | environ))
        assert str(chosen) == f"'m' of {name}"


class TestTheChoice:
    def test_is_in_the_order_of_the_agent(self) -> None:
        choices = (ModelChoice(provider="gateway", model="big"), ModelChoice(provider="ollama"))
        found = choose_models(choices, [HOME, GATEWAY], NO_KEYS)
        assert [(one.endpoint.name, one.model) for one in found] == [("gateway", "big"), ("ollama", "llama3.2")]

    def test_falls_on_what_is_configured_where_nothing_is_said(self) -> None:
        found = choose_models((ModelChoice(), ModelChoice(model="other")), [], NO_KEYS, CONFIGURED)
        assert [(one.endpoint.name, one.model) for one in found] == [("configured", "tiny"), ("configured", "other")]

    def test_leaves_out_what_cannot_be_asked_while_something_can(self) -> None:
        choices = (ModelChoice(provider="openai"), ModelChoice(provider="nobody"), ModelChoice(provider="ollama"))
        (found,) = choose_models(choices, [HOME, CLOUD], NO_KEYS)
        assert found.endpoint.name == "ollama"

    @pytest.mark.parametrize(
        ("choice", "said"),
        [
            (ModelChoice(), "No model is configured"),
            (ModelChoice(provider="nobody"), "'nobody'"),
            (ModelChoice(provider="gateway"), "No model of gateway"),
        ],
    )
    def test_says_what_the_first_lacks_where_none_is_left(self, choice: ModelChoice, said: str) -> None:
        with pytest.raises(NoModelError, match=said):
            choose_models((choice, ModelChoice(provider="openai")), [CLOUD, GATEWAY], NO_KEYS)


class TestAKey:
    ELSEWHERE = ModelProviderInput(name="openai", base_url="https://Mine.example.com/v1", api_key_env_var="X_API_KEY")

    def test_goes_to_hosts_that_the_operator_names(self) -> None:
        keys = ProviderKeys({"X_API_KEY": "sk"}, frozenset({"mine.example.com"}))
        key = ModelEndpoint.of(self.ELSEWHERE, keys).api_key
        assert key is not None
        assert key.get_secret_value() == "sk"

    @pytest.mark.parametrize(
        "base_url", ["https://mine.example.com/v1", "http://127.0.0.1.example.com/", "http://10.0.0.1"]
    )
    def test_goes_nowhere_else(self, base_url: str) -> None:
        provider = self.ELSEWHERE.model_copy(update={"base_url": base_url})
        with pytest.raises(WrongKeyError, match="TAHOE_MODEL_HOSTS"):
            ModelEndpoint.of(provider, ProviderKeys({"X_API_KEY": "sk"}))

    def test_is_none_where_none_is_asked_for(self) -> None:
        provider = self.ELSEWHERE.model_copy(update={"api_key_env_var": None})
        assert ModelEndpoint.of(provider, NO_KEYS).api_key is None

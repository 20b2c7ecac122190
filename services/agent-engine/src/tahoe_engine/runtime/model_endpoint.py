"""Whom to ask: providers with their addresses and keys, and the models that an agent would have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import SecretStr

from tahoe_core.security.api_key import is_api_key
from tahoe_engine.models.agent_models import ModelChoice
from tahoe_engine.models.catalog import ModelProviderInput
from tahoe_engine.runtime.model_errors import NoModelError, WrongKeyError
from tahoe_engine.runtime.provider_keys import ProviderKeys
from tahoe_engine.settings import EngineSettings

LOCAL_SERVERS: Mapping[str, str] = {
    "ollama": "http://127.0.0.1:11434/v1",
    "lmstudio": "http://127.0.0.1:1234/v1",
    "llama.cpp": "http://127.0.0.1:8080/v1",
    "vllm": "http://127.0.0.1:8000/v1",
}
"""Programs that serve models on one's own machine, by the port that each takes unless told otherwise."""

_ADDRESSES: Mapping[str, str] = {
    "openai": "https://api.openai.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "groq": "https://api.groq.com/openai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "together": "https://api.together.xyz/v1",
    "x-ai": "https://api.x.ai/v1",
    **LOCAL_SERVERS,
}


_MAX_NAME = 200


class WireFormat(StrEnum):
    """What a provider speaks."""

    OPENAI = "openai"
    GEMINI = "gemini"
    ANTHROPIC = "anthropic"


# Only without an address of one's own: behind one there is a gateway, and gateways speak as OpenAI does.
_OWN_PROTOCOLS: Mapping[str, WireFormat] = {
    "gemini": WireFormat.GEMINI,
    "google": WireFormat.GEMINI,
    "anthropic": WireFormat.ANTHROPIC,
}


@dataclass(frozen=True)
class ModelEndpoint:
    """A provider, ready to be asked.

    Attributes:
        name: As the team calls it.
        base_url: None: where the provider's own client finds it.
        models: The names of its models that the team has written down, its favourite first.

    Raises:
        WrongKeyError: The key is none that can be sent.
    """

    name: str
    base_url: str | None = field(default=None, repr=False)
    api_key: SecretStr | None = field(default=None, repr=False)
    models: tuple[str, ...] = ()
    speaks: WireFormat = WireFormat.OPENAI

    def __post_init__(self) -> None:
        """Refuses here what the clients of providers would each fail at in another way."""
        if self.api_key is not None and not is_api_key(self.api_key.get_secret_value()):
            raise WrongKeyError(
                f"What is given as the key of {self.name} is none: a key is one word of ASCII characters.",
                cure="Copy the key once more.",
            )

    @classmethod
    def of(cls, provider: ModelProviderInput, keys: ProviderKeys) -> "ModelEndpoint":
        """Makes an endpoint of a provider's row.

        Args:
            provider: The row; it names the variable that holds the key, never the key.
            keys: Where that variable is looked up.

        Raises:
            WrongKeyError: Its key is not there, or may not be sent there.
            NoModelError: It has no address, and none is known by its name.
        """
        base_url = _find_address(provider.name, provider.base_url)
        is_known = base_url == _ADDRESSES.get(provider.name.lower())
        return cls(
            name=provider.name,
            base_url=base_url,
            api_key=keys.read(provider, base_url, is_known=is_known),
            models=provider.models,
            speaks=_wire_format(provider.name, provider.base_url),
        )


@dataclass(frozen=True)
class ChosenModel:
    """One model of one provider."""

    endpoint: ModelEndpoint
    model: str

    def __str__(self) -> str:
        """How messages call it."""
        return f"{self.model!r} of {self.endpoint.name}"


def configured_model(settings: EngineSettings) -> ChosenModel | None:
    """Returns the model that the environment names; None: it names none.

    Raises:
        NoModelError: The provider has no address, and none is known by its name.
    """
    if settings.llm_model is None:
        return None
    base_url = settings.llm_base_url
    name = settings.llm_provider or (name_server(base_url) if base_url else "openai")
    endpoint = ModelEndpoint(
        name=name,
        base_url=_find_address(name, base_url),
        api_key=settings.llm_api_key,
        models=(settings.llm_model,),
        speaks=_wire_format(name, base_url),
    )
    return ChosenModel(endpoint, settings.llm_model)


def name_server(base_url: str) -> str:
    """Returns what a server is called that nobody has named: as the provider that is known to be there, or its host."""
    known = next((name for name, url in _ADDRESSES.items() if url == base_url and name not in LOCAL_SERVERS), None)
    return known or urlsplit(base_url).netloc.rpartition("@")[2][:_MAX_NAME]  # before it may stand a password


def choose_models(
    choices: Iterable[ModelChoice],
    providers: Sequence[ModelProviderInput],
    keys: ProviderKeys,
    configured: ChosenModel | None = None,
) -> tuple[ChosenModel, ...]:
    """Returns the models to try, in order; those whose key is missing are left out while another is there.

    Args:
        choices: What the agent would have.
        providers: Those of the team that are active.
        keys: Of the providers.
        configured: What stands in for a choice that names no provider, or no model.

    Raises:
        ModelError: None is left; it says what the first one lacks.
    """
    found: list[ChosenModel] = []
    lacking: list[NoModelError | WrongKeyError] = []
    for choice in choices:
        try:
            found.append(_choose(choice, providers, keys, configured))
        except (NoModelError, WrongKeyError) as error:
            lacking.append(error)
    if found:
        return tuple(dict.fromkeys(found))
    raise lacking[0] if lacking else NoModelError("No model is asked for.", cure="Name one in the agent's `model`.")


def _choose(
    choice: ModelChoice,
    providers: Sequence[ModelProviderInput],
    keys: ProviderKeys,
    configured: ChosenModel | None,
) -> ChosenModel:
    if choice.provider is None:
        if configured is None:
            raise NoModelError("No model is configured.", cure="Set LLM_MODEL and LLM_BASE_URL, or name a provider.")
        return ChosenModel(configured.endpoint, choice.model or configured.model)
    row = next((one for one in providers if one.name == choice.provider), None)
    if row is None:
        raise NoModelError(
            f"This team has no active model provider {choice.provider!r}.",
            cure=f"Those that it has: {', '.join(sorted(one.name for one in providers)) or 'none'}.",
        )
    endpoint = ModelEndpoint.of(row, keys)
    model = choice.model or next(iter(endpoint.models), None)
    if model is None:
        raise NoModelError(f"No model of {endpoint.name} is named.", cure="Name one, or list some at the provider.")
    return ChosenModel(endpoint, model)


def _wire_format(name: str, base_url: str | None) -> WireFormat:
    return _OWN_PROTOCOLS.get(name.lower(), WireFormat.OPENAI) if base_url is None else WireFormat.OPENAI


def _find_address(name: str, base_url: str | None) -> str | None:
    if base_url is not None or _wire_format(name, base_url) is not WireFormat.OPENAI:
        return base_url
    if name.lower() not in _ADDRESSES:
        raise NoModelError(
            f"The model provider {name!r} has no address.",
            cure="Give its base_url (or LLM_BASE_URL), which usually ends in /v1.",
        )
    return _ADDRESSES[name.lower()]

"""Which models there are: at a provider, and on one's own machine."""

import asyncio
from dataclasses import dataclass

from tahoe_engine.runtime.chat_client import ChatClient, Patience
from tahoe_engine.runtime.model_endpoint import LOCAL_SERVERS, ModelEndpoint, WireFormat
from tahoe_engine.runtime.model_errors import BrokenAnswerError, ModelError, RequestRefusedError

_MAX_BYTES = 8 * 1024 * 1024  # OpenRouter's list of some hundred models, with descriptions, takes about one
_MAX_NAME = 200
_AT_HOME = Patience(connect_s=0.3, first_byte_s=1)


@dataclass(frozen=True)
class LocalServer:
    """A program on this machine that serves models."""

    endpoint: ModelEndpoint
    models: tuple[str, ...]


async def list_models(endpoint: ModelEndpoint, patience: Patience | None = None) -> tuple[str, ...]:
    """Returns the names of the models that a provider offers, in its order.

    Raises:
        ModelError: What went wrong, by its class.
    """
    if endpoint.speaks is not WireFormat.OPENAI:
        raise RequestRefusedError(
            f"{endpoint.name} is not asked for its models.", cure="List them at the provider's row."
        )
    client = ChatClient(endpoint, patience or Patience(first_byte_s=15))
    try:
        document = await client.list_models(_MAX_BYTES)
    finally:
        await client.aclose()
    listed = document.get("data") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise BrokenAnswerError(
            f"The model provider {endpoint.name} answers without a list of models.",
            cure="Check that its base_url names an OpenAI-compatible endpoint; it usually ends in /v1.",
        )
    names = (one.get("id") for one in listed if isinstance(one, dict))
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and 0 < len(name) <= _MAX_NAME))


async def find_local_servers(candidates: dict[str, str] | None = None) -> tuple[LocalServer, ...]:
    """Looks for Ollama, LM Studio, llama.cpp and vLLM on their usual ports; those with a model are returned.

    It takes a second at most.

    Args:
        candidates: Name → base URL; None: the usual ones.
    """
    endpoints = [ModelEndpoint(name, url) for name, url in (candidates or LOCAL_SERVERS).items()]
    found = await asyncio.gather(*(_find_models(endpoint) for endpoint in endpoints))
    return tuple(LocalServer(endpoint, models) for endpoint, models in zip(endpoints, found, strict=True) if models)


async def _find_models(endpoint: ModelEndpoint) -> tuple[str, ...]:
    try:
        return await list_models(endpoint, _AT_HOME)
    except ModelError:
        return ()

"""Which model answers where none is configured: one of this machine's, if the person takes it."""

from typing import TYPE_CHECKING

from tahoe_engine.settings import EngineSettings
from tahoe_engine.terminal.line_input import LineInput
from tahoe_engine.terminal.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tahoe_engine.runtime.model_catalog import LocalServer
    from tahoe_engine.runtime.model_endpoint import ChosenModel

SHOWN_MODELS = 20
HOW_TO_CONFIGURE = """\
An agent needs a model. Any server that speaks as OpenAI does will do. Set these, in the environment or in .env:

  On this machine   Start Ollama, LM Studio, llama.cpp or vLLM: it is found by itself. For instance
                      ollama serve
                      ollama pull qwen3
                    Elsewhere than on its usual port:
                      LLM_BASE_URL=http://127.0.0.1:9000/v1
                      LLM_MODEL=qwen3

  OpenAI            LLM_PROVIDER=openai
                    LLM_MODEL=gpt-5-mini
                    LLM_API_KEY=…

  OpenRouter        LLM_PROVIDER=openrouter
                    LLM_MODEL=openai/gpt-5-mini
                    LLM_API_KEY=…

  Gemini            LLM_PROVIDER=gemini       Anthropic   LLM_PROVIDER=anthropic
                    LLM_MODEL=…                           LLM_MODEL=…
                    LLM_API_KEY=…                         LLM_API_KEY=…
"""


class NoModelConfiguredError(Exception):
    """No model answers; the message says what is missing."""


async def find_servers(settings: EngineSettings) -> "tuple[LocalServer, ...]":
    """Returns who could be asked: the server of LLM_BASE_URL if that is set, else those of this machine.

    Raises:
        NoModelConfiguredError: The server of LLM_BASE_URL does not say which models it has.
    """
    # httpx takes 100 ms, and who has configured a model needs none of this before the first prompt.
    from tahoe_engine.runtime.model_catalog import (  # noqa: PLC0415
        LocalServer,
        find_local_servers,
        list_models,
    )
    from tahoe_engine.runtime.model_endpoint import ModelEndpoint, name_server  # noqa: PLC0415
    from tahoe_engine.runtime.model_errors import ModelError  # noqa: PLC0415

    if settings.llm_base_url is None:
        return await find_local_servers()
    name = settings.llm_provider or name_server(settings.llm_base_url)
    endpoint = ModelEndpoint(name, settings.llm_base_url, settings.llm_api_key)
    try:
        models = await list_models(endpoint)
    except ModelError as error:
        said = "LLM_MODEL is not set, and the server of LLM_BASE_URL does not say which models it has."
        raise NoModelConfiguredError(f"{said} {error}") from error
    if not models:
        raise NoModelConfiguredError(f"LLM_MODEL is not set, and {name} (LLM_BASE_URL) has no models.")
    return (LocalServer(endpoint, models),)


def offer(servers: "Sequence[LocalServer]", screen: Screen, lines: LineInput) -> "ChosenModel | None":
    """Lets the person choose among the models that were found; None: nobody did."""
    from tahoe_engine.runtime.model_endpoint import ChosenModel  # noqa: PLC0415 - it was imported when they were found

    found = [ChosenModel(server.endpoint, model) for server in servers for model in server.models][:SHOWN_MODELS]
    if not found:
        return None
    screen.say("LLM_MODEL is not set. These models were found:")
    for number, chosen in enumerate(found, 1):
        screen.say(f"  {number:>2}  {chosen.model}  ({chosen.endpoint.name}, {chosen.endpoint.base_url})")
    if not lines.is_terminal:
        screen.say(f"To use the first:\n  LLM_BASE_URL={found[0].endpoint.base_url}\n  LLM_MODEL={found[0].model}")
        return None
    while True:
        try:
            answer = lines.ask("Which one? [1, or q to quit] ") or "1"
        except (EOFError, KeyboardInterrupt):
            return None
        if answer.lower() in {"q", "quit", "/quit"}:
            return None
        if answer.isdecimal() and 1 <= int(answer) <= len(found):
            return found[int(answer) - 1]
        screen.say(f"A number from 1 to {len(found)}, please.")

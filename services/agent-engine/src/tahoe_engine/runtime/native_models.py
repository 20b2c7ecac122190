"""Gemini and Anthropic by ADK's own classes; their packages are extras."""

from importlib import import_module
from typing import Any

from google.adk.models.base_llm import BaseLlm

from tahoe_engine.runtime.chat_faults import ProviderFault
from tahoe_engine.runtime.model_endpoint import ChosenModel, WireFormat
from tahoe_engine.runtime.model_errors import ModelError, NoModelError

_TIMEOUT_MS = 120_000


def open_native(chosen: ChosenModel) -> BaseLlm:
    """Returns ADK's class for a model of Google's or Anthropic's own protocol.

    Raises:
        NoModelError: What it needs is not installed.
    """
    return _open_gemini(chosen) if chosen.endpoint.speaks is WireFormat.GEMINI else _open_anthropic(chosen)


def explain_native(error: Exception, chosen: ChosenModel) -> ModelError | None:
    """Returns what an error of their clients means; None: it is none of theirs.

    Both clients give the status as a number; what they say beside it may repeat what people said.
    """
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    if not isinstance(status, int):
        return None
    return ProviderFault(str(chosen), status, str(error).encode()).explain(has_key=chosen.endpoint.api_key is not None)


def _open_gemini(chosen: ChosenModel) -> BaseLlm:
    module = _import("google.adk.models.google_llm", chosen, "google-genai")
    options: dict[str, Any] = {"http_options": {"timeout": _TIMEOUT_MS}}
    if chosen.endpoint.api_key is not None:
        options["api_key"] = chosen.endpoint.api_key.get_secret_value()
    model: BaseLlm = module.Gemini(model=chosen.model, client_kwargs=options)
    return model


def _open_anthropic(chosen: ChosenModel) -> BaseLlm:
    client = _import("anthropic", chosen, "anthropic")
    module = _import("google.adk.models.anthropic_llm", chosen, "anthropic")
    key = chosen.endpoint.api_key
    opened = client.AsyncAnthropic(
        api_key=key.get_secret_value() if key else None, timeout=_TIMEOUT_MS / 1000, max_retries=3
    )
    model: BaseLlm = module.AnthropicLlm(model=chosen.model, client=opened)
    return model


def _import(module: str, chosen: ChosenModel, package: str) -> Any:  # noqa: ANN401 - a module
    try:
        return import_module(module)
    except ImportError as error:
        raise NoModelError(
            f"{chosen} needs the package {package}, which is not installed.",
            cure=f"Install it: `uv pip install {package}`.",
        ) from error

"""ADK's request in the words of `/chat/completions`."""

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from google.adk.models.llm_request import LlmRequest
from google.genai import types

from tahoe_engine.runtime.json_schemas import close_schema, is_strict, of_genai
from tahoe_engine.runtime.model_errors import RequestRefusedError

_CHOICES = {
    types.FunctionCallingConfigMode.NONE: "none",
    types.FunctionCallingConfigMode.AUTO: "auto",
    types.FunctionCallingConfigMode.ANY: "required",
}
_OF_OPENAI = "https://api.openai.com/"


def write_body(model: str, request: LlmRequest, *, streams: bool, base_url: str) -> dict[str, Any]:
    """Returns the body to post.

    Args:
        model: As the provider calls it.
        request: As ADK's flow made it.
        streams: Whether the answer is to come in deltas.
        base_url: Whom it is for: OpenAI itself no longer takes `max_tokens`, the others know nothing else.

    Raises:
        RequestRefusedError: Something in it cannot be said in this protocol.
    """
    config = request.config
    body: dict[str, Any] = {"model": model, "messages": [*_system(config), *_messages(request.contents)]}
    if streams:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if tools := [_tool(declaration) for tool in config.tools or () for declaration in _declarations(tool)]:
        body["tools"] = tools
        if (choice := _tool_choice(config)) is not None:
            body["tool_choice"] = choice
    if (response_format := _response_format(config)) is not None:
        body["response_format"] = response_format
    limit = "max_completion_tokens" if base_url.startswith(_OF_OPENAI) else "max_tokens"
    settings = {
        limit: config.max_output_tokens,
        "temperature": config.temperature,
        "top_p": config.top_p,
        "seed": config.seed,
        "stop": config.stop_sequences,
        "presence_penalty": config.presence_penalty,
        "frequency_penalty": config.frequency_penalty,
    }
    return body | {name: value for name, value in settings.items() if value is not None}


def _system(config: types.GenerateContentConfig) -> Iterator[dict[str, Any]]:
    given = config.system_instruction
    if isinstance(given, types.Content):
        given = "\n\n".join(part.text for part in given.parts or () if part.text)
    if isinstance(given, str) and given:
        yield {"role": "system", "content": given}


def _messages(contents: Sequence[types.Content]) -> Iterator[dict[str, Any]]:
    for content in contents:
        parts = content.parts or []
        if content.role == "model":
            yield from _assistant(parts)
        else:
            yield from _results(parts)
            if (said := _said(parts)) is not None:
                yield {"role": "user", "content": said}


def _assistant(parts: Sequence[types.Part]) -> Iterator[dict[str, Any]]:
    # What it thought stays out: providers want it back in ways of their own, or not at all.
    text = "".join(part.text for part in parts if part.text and not part.thought)
    calls = [_call(part.function_call) for part in parts if part.function_call]
    if calls:
        yield {"role": "assistant", "content": text or None, "tool_calls": calls}
    elif text:
        yield {"role": "assistant", "content": text}


def _call(call: types.FunctionCall) -> dict[str, Any]:
    arguments = orjson.dumps(call.args or {}).decode()
    return {"id": call.id or "", "type": "function", "function": {"name": call.name or "", "arguments": arguments}}


def _results(parts: Sequence[types.Part]) -> Iterator[dict[str, Any]]:
    for part in parts:
        if (answer := part.function_response) is not None:
            yield {"role": "tool", "tool_call_id": answer.id or "", "content": _result_text(answer.response or {})}


def _result_text(response: dict[str, Any]) -> str:
    if len(response) == 1:
        ((name, value),) = response.items()
        if name in {"result", "output", "error"} and isinstance(value, str):
            return value
    return orjson.dumps(response, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _said(parts: Sequence[types.Part]) -> str | list[dict[str, Any]] | None:
    said = [part for part in parts if not part.function_response and not part.thought]
    if all(part.text is not None for part in said):
        return "".join(part.text or "" for part in said) if said else None
    return [_shown(part) for part in said]


def _shown(part: types.Part) -> dict[str, Any]:
    if part.text is not None:
        return {"type": "text", "text": part.text}
    if (blob := part.inline_data) is not None and (blob.mime_type or "").startswith("image/"):
        data = base64.b64encode(blob.data or b"").decode()
        return {"type": "image_url", "image_url": {"url": f"data:{blob.mime_type};base64,{data}"}}
    if (file := part.file_data) is not None and (file.mime_type or "").startswith("image/"):
        return {"type": "image_url", "image_url": {"url": file.file_uri}}
    raise RequestRefusedError("Only text and images can be sent to this model.", cure="Leave the other parts out.")


def _declarations(tool: object) -> Sequence[types.FunctionDeclaration]:
    if isinstance(tool, types.Tool) and tool.function_declarations:
        return tool.function_declarations
    raise RequestRefusedError(
        "A tool that the provider runs itself cannot be offered to this model.", cure="Offer functions only."
    )


def _tool(declaration: types.FunctionDeclaration) -> dict[str, Any]:
    parameters = declaration.parameters_json_schema
    if not isinstance(parameters, dict):
        given = declaration.parameters
        parameters = of_genai(given) if given is not None else {"type": "object", "properties": {}}
    function = {"name": declaration.name, "description": declaration.description or "", "parameters": parameters}
    return {"type": "function", "function": function}


def _tool_choice(config: types.GenerateContentConfig) -> object:
    calling = config.tool_config.function_calling_config if config.tool_config else None
    if calling is None or calling.mode is None:
        return None
    names = calling.allowed_function_names or []
    if calling.mode is types.FunctionCallingConfigMode.ANY and len(names) == 1:
        return {"type": "function", "function": {"name": names[0]}}
    return _CHOICES.get(calling.mode)


def _response_format(config: types.GenerateContentConfig) -> dict[str, Any] | None:
    schema = config.response_json_schema
    if schema is None and config.response_schema is not None:
        schema = of_genai(config.response_schema)
    if isinstance(schema, dict):
        closed = close_schema(schema)
        return {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": closed, "strict": is_strict(closed)},
        }
    return {"type": "json_object"} if config.response_mime_type == "application/json" else None

"""A conversation as a file."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from pydantic_core import to_json

from tahoe_core.errors import TahoeError
from tahoe_engine.models.conversation_models import MessageRecord, MessageRole
from tahoe_engine.reporting.visible_text import visible


class UnsavedError(TahoeError):
    """The file cannot be written."""


def save(messages: Sequence[MessageRecord], name: str, agent: str, now: datetime) -> Path:
    """Writes a conversation to a new file that only its owner can read.

    Args:
        messages: The conversation.
        name: Of the file: `.json` is written as OpenAI's chat messages, which `tahoe analyze` reads; anything else as
            Markdown. Empty: it is named by the moment.
        agent: Who answered.
        now: The moment.

    Raises:
        UnsavedError: There is such a file, or it cannot be written.
    """
    path = Path(name or f"chat-{agent}-{now:%Y-%m-%d-%H%M%S}.md").expanduser()
    if path.suffix.lower() == ".json":
        content = to_json({"messages": [_as_openai(message) for message in messages]}, indent=2)
    else:
        content = visible("\n".join(_as_markdown(messages, agent))).encode(errors="replace")
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(content)
    except FileExistsError:
        raise UnsavedError(f"There is already a file {path}.", cure="Name another one: /save FILE") from None
    except OSError as error:
        raise UnsavedError(f"{path} cannot be written: {error.strerror}.", cure="Name another: /save FILE") from None
    return path


def _as_markdown(messages: Sequence[MessageRecord], agent: str) -> Iterator[str]:
    yield f"# Chat with {agent}\n"
    for message in messages:
        when = f"{message.created_at.astimezone():%Y-%m-%d %H:%M}"
        if message.tool_result is not None:
            yield f"> tool `{message.tool_result.tool_name}`{': failed' if message.tool_result.is_error else ''}\n"
            continue
        yield f"**{'You' if message.role is MessageRole.USER else agent}** · {when}\n"
        if message.content:
            yield f"{message.content}\n"
        for call in message.tool_calls:
            yield f"> calls `{call.name}` with `{call.arguments_text}`\n"
        if not message.is_complete:
            yield "*(The answer breaks off here.)*\n"


def _as_openai(message: MessageRecord) -> dict[str, object]:
    written: dict[str, object] = {"role": message.role.value, "content": message.content}
    if message.tool_calls:
        written["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments_text}}
            for call in message.tool_calls
        ]
    if message.tool_result is not None:
        written["tool_call_id"] = message.tool_result.tool_call_id
    return written

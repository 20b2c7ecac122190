"""Turns as server-sent events."""

from collections.abc import AsyncIterator

from pydantic import BaseModel
from pydantic_core import to_json

from tahoe_engine.chat.chat_events import ChatEvent, MessageWritten, TextAdded, ToolStarted, TurnEnded

EVENT_STREAM = "text/event-stream"
# Proxies that buffer would hold an answer back until it is whole.
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
# As OpenAPI 3.1 describes a stream: each event of it.
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"enum": ["text", "message", "tool", "end"]},
        "id": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}
STREAMED = {
    "description": "Server-sent events: `text` adds to an answer, `message` is a whole message, `tool` a tool that "
    "began, `end` the turn as it ended or waits. Their ids are taken as `Last-Event-ID`.",
    "content": {EVENT_STREAM: {"schema": _EVENT}},
}


async def write_events(events: AsyncIterator[ChatEvent]) -> AsyncIterator[bytes]:
    """Yields the events as they go over the wire."""
    async for event in events:
        match event:
            case TextAdded():
                yield _write("text", {"position": event.cursor.position, "text": event.text}, str(event.cursor))
            case MessageWritten():
                yield _write("message", event.message, str(event.cursor))
            case ToolStarted():
                yield _write("tool", event.call)
            case TurnEnded():
                yield _write("end", event.turn)


def _write(kind: str, data: BaseModel | dict[str, object], event_id: str | None = None) -> bytes:
    head = f"event: {kind}\n" if event_id is None else f"event: {kind}\nid: {event_id}\n"
    return head.encode() + b"data: " + to_json(data) + b"\n\n"

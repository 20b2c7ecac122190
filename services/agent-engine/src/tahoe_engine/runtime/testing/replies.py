"""What a scripted model may answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class ScriptedCall:
    """A call of a tool.

    Attributes:
        arguments: As the model writes them, JSON or not.
    """

    name: str
    arguments: str = "{}"
    id: str | None = None


@dataclass(frozen=True)
class Reply:
    """One answer.

    Attributes:
        finish_reason: None: `tool_calls` where there are some, else `stop`.
        usage: Input, cached and output tokens; None: the server counts nothing.
        piece: Characters a delta, of text and of arguments.
        status: Anything but 200 makes `body` the whole answer.
        body: The whole answer; None: it is made of the rest.
        events: The chunks of a stream; None: they are made of the rest.
        first_byte_s: The wait before the first byte.
        between_s: The wait before each later event.
        cut_after: Drops the connection after so many events.
        hangs: Takes the request and says nothing, for ever.
        ends_quietly: Leaves out the `[DONE]` at the end of a stream.
    """

    text: str = ""
    thoughts: str = ""
    calls: tuple[ScriptedCall, ...] = ()
    refusal: str = ""
    finish_reason: str | None = None
    usage: tuple[int, int, int] | None = (20, 0, 5)
    piece: int = 8
    status: int = 200
    body: Any = None
    events: Sequence[Mapping[str, Any]] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    first_byte_s: float = 0
    between_s: float = 0
    cut_after: int | None = None
    hangs: bool = False
    ends_quietly: bool = False

    @property
    def ends_with(self) -> str:
        """Its finish reason."""
        return self.finish_reason or ("tool_calls" if self.calls else "stop")


def fault(status: int, code: str, **headers: str) -> Reply:
    """Makes an error as OpenAI writes it; `Retry_After="1"` sets a header."""
    body = {"error": {"message": f"It is {code}: <what you said>", "type": "error", "code": code}}
    return Reply(status=status, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


WRONG_KEY = fault(HTTPStatus.UNAUTHORIZED, "invalid_api_key")
UNKNOWN_MODEL = fault(HTTPStatus.NOT_FOUND, "model_not_found")
OUT_OF_MONEY = fault(HTTPStatus.TOO_MANY_REQUESTS, "insufficient_quota")
TOO_MANY = fault(HTTPStatus.TOO_MANY_REQUESTS, "rate_limit_exceeded", Retry_After="0")
BROKEN_SERVER = fault(HTTPStatus.INTERNAL_SERVER_ERROR, "server_error")
CONTEXT_FULL = fault(HTTPStatus.BAD_REQUEST, "context_length_exceeded")
REFUSAL = Reply(refusal="I cannot help with that.")
FILTERED = Reply(finish_reason="content_filter")
BROKEN_ARGUMENTS = Reply(calls=(ScriptedCall("look_up", '{"city": "Par'),))
CUT_STREAM = Reply(text="Half of an answer that never", cut_after=2)
HANG = Reply(hangs=True)


def completion(reply: Reply, model: str) -> dict[str, Any]:
    """Returns the whole answer in one document."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.thoughts:
        message["reasoning_content"] = reply.thoughts
    if reply.refusal:
        message["refusal"] = reply.refusal
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": call.id or f"call_{place}",
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for place, call in enumerate(reply.calls)
        ]
    choice = {"index": 0, "message": message, "finish_reason": reply.ends_with}
    answer = _frame("chat.completion", model) | {"choices": [choice]}
    return answer if reply.usage is None else answer | {"usage": _usage(reply.usage)}


def chunks(reply: Reply, model: str, *, with_usage: bool) -> Iterator[dict[str, Any]]:
    """Yields the answer in deltas, the arguments of parallel calls interleaved."""
    if reply.events is not None:
        yield from map(dict, reply.events)
        return
    frame = _frame("chat.completion.chunk", model)

    def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        return frame | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}

    yield chunk({"role": "assistant", "content": ""})
    for field_name, text in (
        ("reasoning_content", reply.thoughts),
        ("content", reply.text),
        ("refusal", reply.refusal),
    ):
        yield from (chunk({field_name: piece}) for piece in _pieces(text, reply.piece))
    for place, call in enumerate(reply.calls):
        begin = {"index": place, "id": call.id or f"call_{place}", "type": "function"}
        yield chunk({"tool_calls": [begin | {"function": {"name": call.name, "arguments": ""}}]})
    for place, piece in _interleave(reply):
        yield chunk({"tool_calls": [{"index": place, "function": {"arguments": piece}}]})
    yield chunk({}, reply.ends_with)
    if with_usage and reply.usage is not None:
        yield frame | {"choices": [], "usage": _usage(reply.usage)}


def _interleave(reply: Reply) -> Iterator[tuple[int, str]]:
    pieces = [list(_pieces(call.arguments, reply.piece)) for call in reply.calls]
    for turn in range(max((len(one) for one in pieces), default=0)):
        yield from ((place, one[turn]) for place, one in enumerate(pieces) if turn < len(one))


def _pieces(text: str, length: int) -> Iterator[str]:
    return (text[start : start + length] for start in range(0, len(text), length))


def _frame(kind: str, model: str) -> dict[str, Any]:
    return {"id": "chatcmpl-scripted", "object": kind, "created": 1_700_000_000, "model": model}


def _usage(counts: tuple[int, int, int]) -> dict[str, Any]:
    given, cached, written = counts
    return {
        "prompt_tokens": given,
        "completion_tokens": written,
        "total_tokens": given + written,
        "prompt_tokens_details": {"cached_tokens": cached},
    }

"""Errors that OpenAI's clients can read: they show what stands under `error.message`, and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import orjson
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tahoe_core.errors import InvalidInputError
from tahoe_core.http.problem import MEDIA_TYPE
from tahoe_engine.models.invalid_request import InvalidRequestError

PATHS = ("/v1/chat/", "/v1/models")

_INVALID_REQUEST = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONTENT_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_CONTENT,
    }
)
"""What OpenAI calls an `invalid_request_error`."""


@contextmanager
def contradictions_are_refused() -> Iterator[None]:
    """Turns what a capability finds wrong with well-formed input into an error that clients do not try again.

    Raises:
        InvalidRequestError: It found something.
    """
    try:
        yield
    except InvalidInputError as error:
        raise InvalidRequestError(error.message, cure=error.cure, field=error.field) from error


class OpenAIErrorMiddleware:
    """Adds `error` to the problems of OpenAI's paths, as RFC 9457 lets a problem be extended.

    It stands outermost, since a refused token never reaches a route.

    Args:
        app: What lies within.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        is_ours = scope["type"] == "http" and scope["path"].removeprefix(scope.get("root_path", "")).startswith(PATHS)
        await self._app(scope, receive, _ProblemSender(send).send if is_ours else send)


class _ProblemSender:
    """Sends an answer on; a problem is held until it is whole."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._head: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_problem(message):
            self._head = message
        elif self._head is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_problem(self._head)

    async def _send_problem(self, head: Message) -> None:
        if self._body:  # the answer to a HEAD has none
            self._body = _extend(self._body)
            MutableHeaders(raw=head["headers"])["Content-Length"] = str(len(self._body))
        await self._send(head)
        await self._send({"type": "http.response.body", "body": self._body})


def _is_problem(head: Message) -> bool:
    return MutableHeaders(raw=head["headers"]).get("content-type", "").startswith(MEDIA_TYPE)


def _extend(body: bytes) -> bytes:
    problem = orjson.loads(body)
    named = problem.get("errors") or [{"field": None}]
    is_invalid = problem["status"] in _INVALID_REQUEST
    kind = "invalid_request_error" if is_invalid else problem["type"].rpartition(":")[2]
    error = {"message": problem["detail"], "type": kind, "param": named[0]["field"]}
    return orjson.dumps(problem | {"error": {**error, "code": str(problem["status"])}})

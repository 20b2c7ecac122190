"""Bounds on a request's body: how much, and how long it may keep us waiting."""

import asyncio
from http import HTTPStatus

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tahoe_core.errors import PayloadTooLargeError

IDLE_SECONDS = 30.0


class BodyLimitMiddleware:
    """Answers 413 to a body above the limit and 408 to one that stops coming.

    Starlette has a limit of its own, but renders it as plain text outside of all middleware, without a request id.

    Args:
        app: What lies within.
        max_bytes: The limit; a length declared above it is refused before the first byte is read.
        idle_s: How long the next piece of the body may take, in seconds.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, idle_s: float = IDLE_SECONDS) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._idle_s = idle_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; an error is rendered further out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > self._max_bytes:
            raise self._too_large()
        await self._app(scope, self._limited(receive), send)

    def _limited(self, receive: Receive) -> Receive:
        received = 0
        complete = False

        async def receive_within_limit() -> Message:
            nonlocal received, complete
            if complete:  # what follows is the client's leaving, for which a stream may wait long
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), self._idle_s)
            except TimeoutError:
                raise HTTPException(
                    HTTPStatus.REQUEST_TIMEOUT, "The body stopped coming.", {"Connection": "close"}
                ) from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > self._max_bytes:
                raise self._too_large()
            return message

        return receive_within_limit

    def _too_large(self) -> PayloadTooLargeError:
        return PayloadTooLargeError(
            f"The body is larger than {self._max_bytes} bytes.",
            cure="Send less at once, or raise the limit in the service's settings.",
        )

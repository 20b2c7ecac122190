"""What every request gets, outside of everything else: an id, a log line, a count, and an answer whatever happens."""

import logging
import time

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tahoe_core.http.error_rendering import render_error
from tahoe_core.http.metrics import HttpMetrics
from tahoe_core.http.request_id import HEADER, assign_request_id

log = logging.getLogger(__name__)

UNMATCHED = "unmatched"
NO_ANSWER = 499  # nginx's word for a client that left before the answer
QUIET_ROUTES = frozenset({"/health", "/ready", "/metrics"})
SERVER_ERROR = 500


class RequestContextMiddleware:
    """Gives each request its id, logs and counts it, and renders whatever was raised further in.

    Args:
        app: What lies within.
        metrics: Where requests are counted.
    """

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = assign_request_id(scope)
        answer = _Answer(send, request_id)
        started_at = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._serve(scope, receive, answer)
            finally:
                self._record(scope, answer.status, time.perf_counter() - started_at)
                structlog.contextvars.unbind_contextvars("team_id")

    async def _serve(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            response = render_error(scope, error)
            if answer.status is not None:
                raise  # half an answer is out: the server must cut the connection, or it would pass for a whole one
            await response(scope, receive, answer.send)

    def _record(self, scope: Scope, status: int | None, seconds: float) -> None:
        route = route_template(scope)
        method: str = scope["method"]
        status = status or NO_ANSWER
        self._metrics.observe(method, route, status, seconds)
        level = logging.DEBUG if route in QUIET_ROUTES and status < SERVER_ERROR else logging.INFO
        fields = {"method": method, "path": route, "status": status, "ms": round(seconds * 1000, 1)}
        log.log(level, "request", extra=fields)


class _Answer:
    """Watches an answer go out, and puts the request's id on it."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[HEADER] = self._request_id
            headers.setdefault("X-Content-Type-Options", "nosniff")
        await self._send(message)


def route_template(scope: Scope) -> str:
    """Returns the path of the route that served this request, such as `/v1/things/{thing_id}`.

    FastAPI keeps the path of a route in an included router in its own part of the scope; `scope["route"]` knows only
    what the router itself was given.
    """
    route = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    template: str | None = getattr(route, "path_format", None)
    return template or UNMATCHED

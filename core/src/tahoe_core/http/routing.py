"""Routers whose routes read their input strictly, before any dependency runs."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, Request, Response, params
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from tahoe_core.db.storable import refuse_unstorable
from tahoe_core.http.authentication import get_principal
from tahoe_core.http.strict_json import parse_json


class StrictRequest(Request):
    """A request whose JSON is read by `parse_json`."""

    async def json(self) -> Any:  # noqa: ANN401 - as Starlette's
        """Returns the body as JSON."""
        if not hasattr(self, "_json"):
            self._json = parse_json(await self.body())
        return self._json


class StrictRoute(APIRoute):
    """Answers 415 and 422 to what FastAPI would take, mistake for bytes or pass on to the database.

    The body is read here and not by FastAPI, which turns whatever goes wrong while reading into a bare 400.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wraps FastAPI's handler."""
        handle = super().get_route_handler()
        field = self.body_field
        wants_json = field is not None and not isinstance(field.field_info, params.Form)

        async def handle_strictly(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            for name, value in [*strict.path_params.items(), *strict.query_params.multi_items()]:
                refuse_unstorable(value, name)
            if wants_json:
                await _read_json(strict)
            return await handle(strict)

        return handle_strictly


def create_router(prefix: str, tag: str) -> APIRouter:
    """Returns a router whose routes read strictly and ask who is calling."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=StrictRoute, dependencies=[Depends(get_principal)])


async def _read_json(request: StrictRequest) -> None:
    if not await request.body():
        return  # FastAPI knows whether a body may be missing
    if not _is_json(request.headers.get("content-type", "")):
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "Send the body as JSON, with Content-Type: application/json.",
            {"Accept": "application/json"},
        )
    await request.json()


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))

"""Routers whose routes read their input strictly, before any dependency runs."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, params
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException

from tahoe_core.db.storable import refuse_unstorable
from tahoe_core.errors import PayloadTooLargeError
from tahoe_core.http.authentication import get_principal
from tahoe_core.http.strict_body import read_body


class StrictRequest(Request):
    """A request whose body is read before FastAPI sees it."""

    async def read(self, model: TypeAdapter[Any]) -> None:
        """Reads the body as its model, which FastAPI then takes for the JSON, and finds right."""
        self._json = await read_body(await self.body(), model)


class StrictRoute(APIRoute):
    """Answers 415 and 422 to what FastAPI would take, mistake for bytes or pass on to the database.

    The body is read here and not by FastAPI: it guesses (`"1"` for a number), turns whatever goes wrong while reading
    into a bare 400, and opens the database before it looks. A route takes one body.

    Attributes:
        max_body_bytes: What its body may have at most; None: what the service allows.
        may_be_stored: Whether caches may keep its answers; else they say `Cache-Control: no-store`.
    """

    max_body_bytes: int | None = None
    may_be_stored: bool = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wraps FastAPI's handler."""
        handle = super().get_route_handler()
        model = self._find_body_model()

        async def handle_strictly(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            for name, value in [*strict.path_params.items(), *strict.query_params.multi_items()]:
                refuse_unstorable(value, name)
            if model is not None and await strict.body():  # FastAPI knows whether a body may be missing
                _require_json(strict)
                await self._require_length(strict)
                await strict.read(model)
            response = await handle(strict)
            if not self.may_be_stored:
                response.headers["Cache-Control"] = "no-store"
            return response

        return handle_strictly

    async def _require_length(self, request: Request) -> None:
        length = len(await request.body())
        if self.max_body_bytes is not None and length > self.max_body_bytes:
            raise PayloadTooLargeError(
                f"The body has {length} bytes; {self.max_body_bytes} are read here.", cure="Send less."
            )

    def _find_body_model(self) -> TypeAdapter[Any] | None:
        field = self.body_field
        if field is None or isinstance(field.field_info, params.Form):
            return None
        if self._embed_body_fields:
            raise TypeError(f"{self.name} takes several bodies; make one model of them.")
        model: Any = Annotated[field.field_info.annotation, field.field_info]
        return TypeAdapter(model)


def create_router(prefix: str, tag: str, *, max_body_bytes: int | None = None, may_be_stored: bool = True) -> APIRouter:
    """Returns a router whose routes read strictly and ask who is calling.

    Args:
        prefix: Path that its routes begin with, such as `/v1/things`.
        tag: Under which the documentation shows them.
        max_body_bytes: Bound on their bodies, where it is to be lower than the service's own.
        may_be_stored: False where answers hold what may have to be erased: no cache keeps them, ours included.
    """
    options = {"max_body_bytes": max_body_bytes, "may_be_stored": may_be_stored}
    route_class = type("BoundedRoute", (StrictRoute,), options)
    return APIRouter(prefix=prefix, tags=[tag], route_class=route_class, dependencies=[Depends(get_principal)])


def _require_json(request: Request) -> None:
    if not _is_json(request.headers.get("content-type", "")):
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "Send the body as JSON, with Content-Type: application/json.",
            {"Accept": "application/json"},
        )


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))

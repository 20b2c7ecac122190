"""Who is asking: every path asks for a bearer token, but those that are named as public."""

from collections.abc import Collection
from typing import Annotated

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tahoe_core.errors import UnauthorizedError
from tahoe_core.security.principal import Authenticator, Principal

SCOPE_KEY = "tahoe.principal"
MAX_TOKEN_CHARACTERS = 4096
POLICY_VIOLATION = 1008
CURE = "Send Authorization: Bearer and the service token of your team."

_bearer = HTTPBearer(auto_error=False, scheme_name="bearer", description="The service token of your team.")


class AuthenticationMiddleware:
    """Refuses a request without a valid token before its body is read; a forgotten dependency opens nothing.

    Args:
        app: What lies within.
        authenticator: Knows the tokens.
        public_paths: Served to everybody; one that ends in a slash stands for all that lies below it.
    """

    def __init__(self, app: ASGIApp, authenticator: Authenticator, public_paths: Collection[str]) -> None:
        self._app = app
        self._authenticator = authenticator
        self._public = frozenset(path for path in public_paths if not path.endswith("/"))
        self._public_folders = tuple(path for path in public_paths if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; an error is rendered further out."""
        if scope["type"] == "websocket":  # none is served; one that is added must bring its own way in
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        if scope["type"] != "http" or self._is_public(scope["path"].removeprefix(scope.get("root_path", ""))):
            await self._app(scope, receive, send)
            return
        principal = await self._authenticator.authenticate(_bearer_token(Headers(scope=scope)))
        scope[SCOPE_KEY] = principal
        structlog.contextvars.bind_contextvars(team_id=str(principal.team_id))  # unbound where the request ends
        await self._app(scope, receive, send)

    def _is_public(self, path: str) -> bool:
        return path in self._public or path.startswith(self._public_folders)


async def get_principal(
    request: Request,
    _documented: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None,
) -> Principal:
    """Returns who is asking.

    Raises:
        UnauthorizedError: Nobody: the route stands on a public path.
    """
    principal: Principal | None = request.scope.get(SCOPE_KEY)
    if principal is None:
        raise UnauthorizedError("This needs a token.", cure=CURE)
    return principal


CurrentPrincipal = Annotated[Principal, Depends(get_principal)]
"""Who is asking, as a parameter of a route: `async def list_things(principal: CurrentPrincipal)`."""


def _bearer_token(headers: Headers) -> str:
    presented = headers.getlist("authorization")
    if not presented:
        raise UnauthorizedError("The request has no Authorization header.", cure=CURE)
    scheme, _, token = presented[0].partition(" ")
    token = token.strip()
    if len(presented) > 1 or scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN_CHARACTERS:
        raise UnauthorizedError("The Authorization header holds no bearer token.", cure=CURE)
    return token

"""Assembles a service's HTTP app: every service looks the same from outside."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware

from tahoe_core.cache.keyspace import Keyspace
from tahoe_core.cache.port import Cache
from tahoe_core.http import documentation
from tahoe_core.http.authentication import AuthenticationMiddleware
from tahoe_core.http.body_limit import BodyLimitMiddleware
from tahoe_core.http.documentation import create_documentation_router
from tahoe_core.http.error_rendering import install_error_rendering
from tahoe_core.http.head import HeadMiddleware
from tahoe_core.http.idempotency import IdempotencyMiddleware
from tahoe_core.http.metrics import HttpMetrics, create_registry
from tahoe_core.http.openapi import install_openapi
from tahoe_core.http.probes import TAGS as PROBE_TAGS
from tahoe_core.http.probes import ReadinessCheck, create_probe_router
from tahoe_core.http.request_context import RequestContextMiddleware
from tahoe_core.security.principal import Authenticator

PUBLIC_PATHS = documentation.PUBLIC_PATHS | {"/health", "/ready"}

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, kw_only=True)
class HttpService:
    """What makes one service's app differ from another's.

    Attributes:
        title: Its name in the documentation.
        version: Its version there.
        description: What it is for, in Markdown.
        routers: Made by `tahoe_core.http.routing.create_router`, with `/v1/…` as prefix.
        authenticator: Knows the tokens.
        cache: Where idempotency keys are kept.
        keyspace: Its part of the cache.
        max_body_bytes: Bound on a request's body.
        tags: The routers' tags, in the order of the documentation → what is said of them there.
        readiness: What it cannot work without.
        public_paths: What needs no token.
        lifespan: Opens what the app needs and closes it.
    """

    title: str
    version: str
    description: str
    routers: Sequence[APIRouter]
    authenticator: Authenticator
    cache: Cache
    keyspace: Keyspace
    max_body_bytes: int
    tags: Mapping[str, str] = field(default_factory=dict)
    readiness: Sequence[ReadinessCheck] = ()
    public_paths: frozenset[str] = PUBLIC_PATHS
    lifespan: Lifespan | None = None


def create_http_app(service: HttpService) -> FastAPI:
    """Returns the app. Its metrics' registry is `app.state.registry`, for the service's own counters."""
    registry = create_registry()
    app = FastAPI(
        title=service.title,
        version=service.version,
        description=service.description,
        lifespan=service.lifespan,
        openapi_tags=[{"name": name, "description": text} for name, text in ({**service.tags, **PROBE_TAGS}).items()],
        openapi_url=None,  # served by the documentation's router, as are the docs
        redirect_slashes=False,  # a path has one spelling
        generate_unique_id_function=_operation_id,
        middleware=[
            Middleware(HeadMiddleware),
            Middleware(RequestContextMiddleware, metrics=HttpMetrics(registry)),
            Middleware(
                AuthenticationMiddleware, authenticator=service.authenticator, public_paths=service.public_paths
            ),
            Middleware(BodyLimitMiddleware, max_bytes=service.max_body_bytes),
            Middleware(IdempotencyMiddleware, cache=service.cache, keyspace=service.keyspace),
        ],
    )
    app.state.registry = registry
    install_error_rendering(app)
    for router in (create_probe_router(service.readiness, registry), create_documentation_router(app)):
        app.include_router(router)
    for router in service.routers:
        app.include_router(router)
    install_openapi(app)
    return app


def _operation_id(route: APIRoute) -> str:
    """The function's name: what generated clients call their methods."""
    return route.name

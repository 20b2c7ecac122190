"""The engine's HTTP app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from tahoe_core.cache.keyspace import Keyspace
from tahoe_core.http.app import HttpService, create_http_app
from tahoe_core.http.probes import ReadinessCheck
from tahoe_core.security.principal import ServiceTokenAuthenticator
from tahoe_engine.api import (
    agent_templates,
    agents,
    analyses,
    answers,
    conversations,
    interactions,
    memories,
    memory_versions,
    model_providers,
    openai_chat,
    openai_models,
    portfolios,
    scorecards,
    tools,
    turns,
)
from tahoe_engine.api.openai_errors import OpenAIErrorMiddleware
from tahoe_engine.composition import Services

DESCRIPTION = """Scores interactions against scorecards, with evidence, and remembers for agents, on record.

Every request carries the service token of a team: `Authorization: Bearer tahoe_st_…`. Lists are pages; writes take an
`Idempotency-Key`. Errors are `application/problem+json`: 422 says that the input breaks the schema, 409 that it keeps
to the schema but contradicts itself or what is stored.
"""
TAGS = {
    "analyses": "One scorecard run over one interaction: score, coverage, verdict, and findings with the quoted words.",
    "interactions": "What happened and can be judged: calls, chats, e-mail threads, trajectories of agents. The same "
    "external id with other content is a new version; nothing is ever deleted.",
    "scorecards": "Weighted requirements and the checks that judge them. A change makes a new version; analyses keep "
    "pointing at the one they used.",
    "agent-templates": "The specialists whose checks a scorecard runs, each with its versions.",
    "agents": "Named personas: who they are, what they may do, what they remember.",
    "memories": "What agents remember. A change is a new version; nothing is lost but what is erased on purpose, and "
    "any moment of the past can be asked. No cache may keep these answers.",
    "conversations": "What users and agents say to each other, calls of tools included.",
    "turns": "One message of a user and all that is done to answer it. Only one at a time in a conversation.",
    "openai": "OpenAI's own API, for its clients: models are the team's agents, by slug.",
    "answers": "What an agent knew when it said something.",
    "portfolios": "Groups of scorecards with settings in common.",
    "tools": "What an agent can use.",
    "model-providers": "Where models answer. Keys stay in the environment; only the variable's name is kept.",
}
# A path has one meaning, so the routers of one prefix stand in the order in which they are asked.
RESOURCES = (
    analyses,
    interactions,
    scorecards,
    agent_templates,
    agents,
    memories,
    memory_versions,
    answers,
    conversations,
    turns,
    openai_chat,
    openai_models,
    portfolios,
    tools,
    model_providers,
)


def create_app(services: Services) -> FastAPI:
    """Makes the app; it closes the services when it is shut down."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with services.background():
            yield
        await services.aclose()

    app = create_http_app(
        HttpService(
            title="Tahoe agent-engine",
            version=version("tahoe-engine"),
            description=DESCRIPTION,
            routers=[resource.router for resource in RESOURCES],
            tags=TAGS,
            authenticator=ServiceTokenAuthenticator(services.identity.team_id, services.identity.token),
            cache=services.cache,
            keyspace=Keyspace(services.settings.redis_namespace),
            max_body_bytes=services.settings.max_body_bytes,
            readiness=(
                ReadinessCheck("database", services.check_database),
                ReadinessCheck("cache", services.cache.ping),
            ),
            lifespan=lifespan,
        )
    )
    app.add_middleware(OpenAIErrorMiddleware)
    app.state.services = services
    return app

from http import HTTPStatus
from uuid import UUID

from fastapi import Response

from tahoe_core.db.session import team_session
from tahoe_core.errors import ConflictError
from tahoe_core.http.authentication import CurrentPrincipal
from tahoe_core.http.pagination import Page, RequestedPage
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.contradictions import contradictions_are_conflicts
from tahoe_engine.api.dependencies import MAX_BODY_BYTES, CurrentServices, IncludeInactive, TeamSession
from tahoe_engine.catalog.model_providers import ModelProviderCatalog
from tahoe_engine.composition import find_provider_keys
from tahoe_engine.models.catalog import ModelProvider, ModelProviderInput, OfferedModels
from tahoe_engine.runtime.model_catalog import list_models
from tahoe_engine.runtime.model_endpoint import ModelEndpoint
from tahoe_engine.runtime.model_errors import ModelError

router = create_router("/v1/model-providers", "model-providers", max_body_bytes=MAX_BODY_BYTES)


@router.post("", status_code=HTTPStatus.CREATED, responses=problem_responses(409))
async def create_model_provider(given: ModelProviderInput, session: TeamSession, response: Response) -> ModelProvider:
    """Creates a model provider; 409 when the name is taken, or no model server can be at its address."""
    with contradictions_are_conflicts():
        made = await ModelProviderCatalog(session).create(given)
    response.headers["Location"] = f"/v1/model-providers/{made.id}"
    return made


@router.get("")
async def list_model_providers(
    session: TeamSession, page: RequestedPage, *, include_inactive: IncludeInactive = False
) -> Page[ModelProvider]:
    """Lists model providers, newest first."""
    found = await ModelProviderCatalog(session).list_page(page, include_inactive=include_inactive)
    return Page.of(found, lambda row: row)


@router.get("/{model_provider_id}", responses=problem_responses(404))
async def get_model_provider(model_provider_id: UUID, session: TeamSession) -> ModelProvider:
    """Returns a model provider, active or not."""
    return await ModelProviderCatalog(session).get_by_id(model_provider_id)


@router.get("/{model_provider_id}/models", responses=problem_responses(404, 409))
async def list_provider_models(
    model_provider_id: UUID, services: CurrentServices, principal: CurrentPrincipal
) -> OfferedModels:
    """Asks a model provider which models it offers; 409 says why it does not tell."""
    async with team_session(services.sessions, principal.team_id) as session:  # closed before somebody else is asked
        provider = await ModelProviderCatalog(session).get_by_id(model_provider_id)
    try:
        with contradictions_are_conflicts():
            endpoint = ModelEndpoint.of(provider, find_provider_keys(services.settings))
            return OfferedModels(models=await list_models(endpoint))
    except ModelError as error:  # what is stored does not lead to a provider that answers; all is well here
        raise ConflictError(error.message, cure=error.cure) from error


@router.put("/{model_provider_id}", responses=problem_responses(404, 409))
async def update_model_provider(
    model_provider_id: UUID, given: ModelProviderInput, session: TeamSession
) -> ModelProvider:
    """Replaces what is said of a model provider, but for its name; one that was deactivated is active again."""
    catalog = ModelProviderCatalog(session)
    stored = await catalog.get_by_id(model_provider_id)
    with contradictions_are_conflicts():
        return await catalog.update(stored.name, given)


@router.post("/{model_provider_id}/deactivate", responses=problem_responses(404, 409))
async def deactivate_model_provider(model_provider_id: UUID, session: TeamSession) -> ModelProvider:
    """Takes a model provider out of use; nothing is deleted."""
    catalog = ModelProviderCatalog(session)
    stored = await catalog.get_by_id(model_provider_id)
    return await catalog.deactivate(stored.name)

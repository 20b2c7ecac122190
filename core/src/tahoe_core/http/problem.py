"""What every error looks like over HTTP: RFC 9457, `application/problem+json`."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import Response
from pydantic import BaseModel, Field
from starlette.types import Scope

from tahoe_core.http.request_id import find_request_id

MEDIA_TYPE = "application/problem+json"
SCHEMA_REFERENCE = {"$ref": "#/components/schemas/Problem"}


class FieldProblem(BaseModel):
    """One part of the input that cannot be used."""

    field: str = Field(description="Its path, such as `turns.3.text`; empty for the whole.")
    message: str


class Problem(BaseModel):
    """An error, as RFC 9457 describes it."""

    type: str = Field(description="What kind of problem; stable, for programs to tell them apart.")
    title: str = Field(description="The kind in words.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What is wrong this time, and what to do about it.")
    instance: str = Field("", description="The path that was asked.")
    request_id: str | None = Field(None, description="Stands in the service's log lines and in `X-Request-ID`.")
    errors: list[FieldProblem] = Field(default_factory=list, description="The fields that cannot be used, if any.")


def problem_type(slug: str) -> str:
    """Returns the URI that names a kind of problem; a name, not an address."""
    return f"urn:problem-type:tahoe:{slug}"


def problem_response(scope: Scope, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Renders a problem, with the path and the id of the request it belongs to."""
    complete = problem.model_copy(
        update={"instance": quote(scope.get("path", "")), "request_id": find_request_id(scope)}
    )
    return Response(complete.model_dump_json(), problem.status, headers, MEDIA_TYPE)


def problem_responses(*statuses: HTTPStatus | int) -> dict[int | str, dict[str, Any]]:
    """Returns the declarations of these answers for OpenAPI: `@router.get(…, responses=problem_responses(404))`.

    What any operation may answer (401, 413, 415, 422, 500, 503) need not be declared: `tahoe_core.http.openapi` does.
    """
    return {
        int(status): {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": SCHEMA_REFERENCE}}}
        for status in statuses
    }

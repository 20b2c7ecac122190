"""The one place where an error becomes an answer."""

import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from tahoe_core.errors import ConflictError, InvalidInputError, TahoeError, UnauthorizedError
from tahoe_core.http.problem import FieldProblem, Problem, problem_response, problem_type

log = logging.getLogger(__name__)

MAX_ERRORS = 50
MAX_NAMED_IN_DETAIL = 3
BROKEN_RULES = frozenset({"value_error", "assertion_error"})
"""What Pydantic says when a validator of ours refused something that the published schema allows."""


def render_error(scope: Scope, error: Exception) -> Response:
    """Returns the answer to any error; what is not meant for the caller goes to the log instead."""
    match error:
        case TahoeError():
            return _render_tahoe_error(scope, error)
        case RequestValidationError():
            return _render_validation_error(scope, error.errors())
        case HTTPException():
            return _render_http_exception(scope, error)
        case _:
            return _render_unexpected(scope, error)


def install_error_rendering(app: FastAPI) -> None:
    """Has the app render what its routes raise; errors of the middleware reach `render_error` by themselves."""

    async def render(request: Request, error: Exception) -> Response:
        return render_error(request.scope, error)

    for kind in (TahoeError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, render)


def field_problems(errors: Sequence[Mapping[str, Any]]) -> list[FieldProblem]:
    """Returns Pydantic's errors as ours; the first part of a location says where it came from and is left out."""
    return [
        FieldProblem(
            field=".".join(str(part) for part in error["loc"][1:]) or str(error["loc"][0]),
            message=str(error["msg"]).removeprefix("Value error, "),
        )
        for error in errors
    ]


def _render_tahoe_error(scope: Scope, error: TahoeError) -> Response:
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request failed", extra={"error": str(error)}, exc_info=error)
    problem = Problem(
        type=problem_type(_slug(type(error))),
        title=error.title,
        status=error.status,
        detail=str(error),
        errors=[FieldProblem(field=error.field, message=str(error))] if error.field else [],
    )
    headers = {"WWW-Authenticate": 'Bearer realm="tahoe"'} if isinstance(error, UnauthorizedError) else None
    return problem_response(scope, problem, headers)


def _render_validation_error(scope: Scope, errors: Sequence[Mapping[str, Any]]) -> Response:
    """Answers 422 to what breaks the published schema, and 409 to what keeps to it and contradicts itself."""
    problems = field_problems(errors[:MAX_ERRORS])
    named = "; ".join(f"{problem.field}: {problem.message}" for problem in problems[:MAX_NAMED_IN_DETAIL])
    more = f" (and {len(errors) - MAX_NAMED_IN_DETAIL} more)" if len(errors) > MAX_NAMED_IN_DETAIL else ""
    is_contradiction = all(error["type"] in BROKEN_RULES for error in errors)
    problem = Problem(
        type=problem_type("conflict" if is_contradiction else "invalid-input"),
        title=ConflictError.title if is_contradiction else InvalidInputError.title,
        status=HTTPStatus.CONFLICT if is_contradiction else HTTPStatus.UNPROCESSABLE_CONTENT,
        detail=f"{named}{more}.",
        errors=problems,
    )
    return problem_response(scope, problem)


def _render_http_exception(scope: Scope, error: HTTPException) -> Response:
    if isinstance(error.__cause__, TahoeError):  # FastAPI makes a 400 of whatever is raised while it reads a body
        return _render_tahoe_error(scope, error.__cause__)
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    detail = str(error.detail)
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed_methods(scope))
        detail = f"{scope['method']} is not possible here; {headers['Allow']} is."
    elif status is HTTPStatus.NOT_FOUND and detail == status.phrase:
        detail = "There is nothing at this path; /docs lists what there is."
    slug = status.phrase.lower().replace(" ", "-")
    problem = Problem(type=problem_type(slug), title=status.phrase, status=status, detail=detail)
    return problem_response(scope, problem, headers)


def _render_unexpected(scope: Scope, error: Exception) -> Response:
    log.error("request failed unexpectedly", exc_info=error)
    problem = Problem(
        type=problem_type("internal-error"),
        title="Internal error",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        detail="Something went wrong on our side; the log has it under this request id.",
    )
    return problem_response(scope, problem)


def _slug(kind: type[TahoeError]) -> str:
    """`NotFoundError` is `not-found`."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__.removesuffix("Error")).lower()
    return "internal-error" if kind is TahoeError else words


def _allowed_methods(scope: Scope) -> list[str]:
    """Every method of this path: FastAPI has a route a method, and its own answer names those of the first alone."""
    methods: set[str] = set()
    for context in iter_route_contexts(scope["app"].routes):
        if context.methods and context.matches(scope)[0] is not Match.NONE:
            methods |= context.methods
    if "GET" in methods:
        methods.add("HEAD")
    return sorted(methods)

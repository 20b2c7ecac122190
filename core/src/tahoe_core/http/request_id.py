"""The id that ties an answer to its log lines."""

import re
import uuid

from starlette.datastructures import Headers
from starlette.types import Scope

HEADER = "X-Request-ID"
SANE = re.compile(r"[A-Za-z0-9._-]{1,128}")
SCOPE_KEY = "tahoe.request_id"


def assign_request_id(scope: Scope) -> str:
    """Returns the caller's own id if it is sane, else a new one, and leaves it in the scope."""
    presented = Headers(scope=scope).get(HEADER, "")
    request_id = presented if SANE.fullmatch(presented) else uuid.uuid4().hex
    scope[SCOPE_KEY] = request_id
    return request_id


def find_request_id(scope: Scope) -> str | None:
    """Returns the id of this request."""
    request_id: str | None = scope.get(SCOPE_KEY)
    return request_id

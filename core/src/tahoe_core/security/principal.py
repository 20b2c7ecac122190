"""Who is asking, and who says so."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from pydantic import SecretStr

from tahoe_core.errors import UnauthorizedError
from tahoe_core.security.service_token import verify


@dataclass(frozen=True)
class Principal:
    """Who is asking: everything done on this request is done for `team_id`, by `subject`."""

    team_id: UUID
    subject: str


class Authenticator(Protocol):
    """Turns a bearer token into a principal."""

    async def authenticate(self, token: str) -> Principal:
        """Returns who presents the token.

        Raises:
            UnauthorizedError: Nobody that is known.
        """
        ...


class ServiceTokenAuthenticator:
    """Knows one team and its service token."""

    def __init__(self, team_id: UUID, token: SecretStr) -> None:
        self._principal = Principal(team_id, "service-token")
        self._token = token

    async def authenticate(self, token: str) -> Principal:
        """Returns the team's principal for its token."""
        if not verify(token, self._token):
            raise UnauthorizedError(
                "The token is not valid here.",
                cure="Send the service token of this team: Authorization: Bearer tahoe_st_…",
            )
        return self._principal

"""Whom memories and conversations belong to.

Users and teams are kept by the auth service. The engine knows them by the ids that a token carries, and refers to them
by id without a foreign key; there are no roles here, since what somebody may do is for auth to say.
"""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from tahoe_engine.models.base import StrictModel

DisplayName = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
    ),
]


class TeamRef(StrictModel):
    """A team, as the engine knows it."""

    id: UUID
    name: DisplayName | None = Field(default=None, description="For people to read; the id is what counts.")


class UserRef(StrictModel):
    """A user of a team, as the engine knows them."""

    id: UUID
    team_id: UUID
    display_name: DisplayName | None = Field(
        default=None, description="What memories call the user as author; the id is what counts."
    )

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tahoe_core.db.base import TeamEntity
from tahoe_engine.db.base import Base
from tahoe_engine.db.models.columns import json_object, short_text
from tahoe_engine.db.models.enums import AGENT_STATUS
from tahoe_engine.models.agent_models import AgentStatus

__all__ = ["AgentORM", "AgentStatus"]


class AgentORM(TeamEntity, Base):
    """A named persona of one team.

    Attributes:
        slug: What it is called in commands, addresses and as a model.
        dna: AgentDNA, as the agent was described.
        template_name: The agent template that it was made of; None: of DNA alone.
        template_version: Which version of it.
        created_by: The user, where one is known; users belong to the auth service.
    """

    __tablename__ = "agent"
    __table_args__ = (
        UniqueConstraint("team_id", "id"),
        UniqueConstraint("team_id", "slug"),
        ForeignKeyConstraint(
            ["team_id", "template_name", "template_version"],
            ["agent_templates.team_id", "agent_templates.name", "agent_templates.version"],
            name="fk_agent_team_id_template_name_template_version",
        ),
        CheckConstraint("version >= 1", name="version"),
    )

    slug: Mapped[str]
    name: Mapped[str]
    description: Mapped[str] = short_text()
    dna: Mapped[dict[str, object]] = json_object()
    status: Mapped[AgentStatus] = mapped_column(AGENT_STATUS, server_default=text("'draft'"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    template_name: Mapped[str | None]
    template_version: Mapped[int | None]
    created_by: Mapped[UUID | None]

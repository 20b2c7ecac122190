"""Conversations in which something was not read for memories yet are found without reading all the others.

Revision: 005_unread, after 004_model_calls
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "005_unread"
down_revision: str | None = "004_model_calls"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        "ix_conversation_unread",
        "conversation",
        ["team_id", "last_message_at", "id"],
        postgresql_where=sa.text("agent_id IS NOT NULL AND extracted_until < message_count"),
    )


def downgrade() -> None:
    op.drop_index("ix_conversation_unread", table_name="conversation")

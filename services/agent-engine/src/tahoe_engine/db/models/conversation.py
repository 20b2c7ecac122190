from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tahoe_core.db.base import TeamEntity
from tahoe_engine.db.base import Base
from tahoe_engine.db.models.columns import json_array, json_object, short_text, within_team
from tahoe_engine.db.models.enums import CONVERSATION_STATUS, MESSAGE_ROLE
from tahoe_engine.models.conversation_models import ConversationStatus, MessageRole

__all__ = ["ConversationORM", "ConversationStatus", "MessageORM", "MessageRole"]


class ConversationORM(TeamEntity, Base):
    """What an agent and a user say to each other; a trigger keeps the counters.

    Attributes:
        external_id: What the source calls it, where it was imported.
        last_message_at: When the newest message was written.
        extracted_until: The position up to which it was read for memories.
    """

    __tablename__ = "conversation"
    __table_args__ = (
        within_team("agent_id", "agent"),
        UniqueConstraint("team_id", "id"),
        UniqueConstraint("team_id", "external_id"),
        Index(None, "team_id", "created_at", "id"),
        Index(None, "team_id", "agent_id", "created_at", "id"),
        Index(
            "ix_conversation_unread",
            "team_id",
            "last_message_at",
            "id",
            postgresql_where=text("agent_id IS NOT NULL AND extracted_until < message_count"),
        ),
        CheckConstraint("message_count >= 0", name="message_count"),
    )

    agent_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    external_id: Mapped[str | None]
    title: Mapped[str] = short_text()
    status: Mapped[ConversationStatus] = mapped_column(CONVERSATION_STATUS, server_default=text("'active'"))
    message_count: Mapped[int] = mapped_column(server_default=text("0"))
    last_message_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    extracted_until: Mapped[int] = mapped_column(server_default=text("0"))
    metadata_json: Mapped[dict[str, object]] = json_object("metadata")


class MessageORM(TeamEntity, Base):
    """One message, tool calls and results included.

    Attributes:
        position: Its place in the conversation, from 0.
        tool_calls: What the assistant called: id, name, arguments.
        tool_call_id: The call that a message of a tool answers.
        latency_ms: Of the model call that made it, in milliseconds.
        is_complete: False for an answer that was cut off.
        is_error: Whether a tool failed, or was not allowed.
    """

    __tablename__ = "message"
    __table_args__ = (
        within_team("conversation_id", "conversation"),
        UniqueConstraint("team_id", "id"),
        within_team("turn_id", "turn"),
        UniqueConstraint("team_id", "conversation_id", "position"),
        Index(None, "team_id", "turn_id"),
        CheckConstraint("position >= 0", name="position"),
        CheckConstraint("input_tokens >= 0 AND cached_tokens >= 0 AND output_tokens >= 0", name="tokens"),
    )

    conversation_id: Mapped[UUID]
    turn_id: Mapped[UUID | None]
    position: Mapped[int]
    role: Mapped[MessageRole] = mapped_column(MESSAGE_ROLE)
    content: Mapped[str] = short_text()
    tool_calls: Mapped[list[object]] = json_array()
    tool_call_id: Mapped[str | None]
    tool_name: Mapped[str | None]
    model: Mapped[str | None]
    input_tokens: Mapped[int | None]
    cached_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    latency_ms: Mapped[float | None]
    is_complete: Mapped[bool] = mapped_column(server_default=text("true"))
    is_error: Mapped[bool] = mapped_column(server_default=text("false"))
    feedback: Mapped[dict[str, object]] = json_object()
    metadata_json: Mapped[dict[str, object]] = json_object("metadata")

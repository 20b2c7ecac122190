"""Postgres's enum types, as the migrations make them; the enums themselves are defined in `tahoe_engine.models`."""

from enum import StrEnum

from sqlalchemy import Enum

from tahoe_engine.models.agent_models import AgentStatus
from tahoe_engine.models.conversation_models import ConversationStatus, MessageRole
from tahoe_engine.models.memory_models import MemorySource, MemoryStatus, MemoryTier, MemoryType


def _enum(values: type[StrEnum], name: str) -> Enum:
    return Enum(values, name=name, values_callable=lambda kind: [value.value for value in kind], create_type=False)


AGENT_STATUS = _enum(AgentStatus, "agent_status")
CONVERSATION_STATUS = _enum(ConversationStatus, "conversation_status")
MESSAGE_ROLE = _enum(MessageRole, "message_role")
MEMORY_TYPE = _enum(MemoryType, "memory_type_enum")
MEMORY_STATUS = _enum(MemoryStatus, "memory_status")
MEMORY_TIER = _enum(MemoryTier, "memory_tier")
MEMORY_SOURCE = _enum(MemorySource, "memory_source")

"""Model calls that no message shows, as they are written down."""

from uuid import UUID

from tahoe_engine.models.conversation_models import MessageUsage
from tahoe_engine.models.model_call import ModelCallCreate, ModelCallPurpose
from tahoe_engine.runtime.run_events import ModelCallFailed, ModelCallFinished


def note_call(
    call: ModelCallFailed | ModelCallFinished,
    usage: MessageUsage,
    conversation_id: UUID,
    agent_id: UUID | None,
    purpose: ModelCallPurpose,
) -> ModelCallCreate:
    """Returns what is written down of a call that took something."""
    return ModelCallCreate(
        conversation_id=conversation_id,
        agent_id=agent_id,
        purpose=purpose,
        provider=call.provider,
        usage=usage,
        cost_usd=call.cost_usd,
        error=type(call.error).__name__ if isinstance(call, ModelCallFailed) else None,
    )

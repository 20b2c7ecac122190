"""Turns: followed, approved, cancelled."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Response
from fastapi.responses import StreamingResponse

from tahoe_core.http.authentication import CurrentPrincipal
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.contradictions import contradictions_are_conflicts
from tahoe_engine.api.dependencies import CurrentAnswering, TeamConversations
from tahoe_engine.api.event_stream import EVENT_STREAM, STREAM_HEADERS, STREAMED, write_events
from tahoe_engine.chat.chat_events import Cursor
from tahoe_engine.models.conversation_requests import Answer, Decisions
from tahoe_engine.models.turn_models import Turn
from tahoe_engine.runtime.tool_port import Decision

router = create_router("/v1/turns", "turns", may_be_stored=False)

LastEventId = Annotated[
    str,
    Header(
        alias="Last-Event-ID", pattern=r"^(\d{1,9}\.\d{1,9}\.[01])?$", description="Id of the last event that came."
    ),
]


@router.get("/{turn_id}", responses=problem_responses(404))
async def get_turn(
    turn_id: UUID, conversations: TeamConversations, answering: CurrentAnswering, principal: CurrentPrincipal
) -> Answer:
    """Returns a turn with what was written of it so far."""
    turn = await conversations.get_turn(turn_id)
    return Answer(turn=turn, messages=await answering.list_messages(principal.team_id, turn_id))


@router.get("/{turn_id}/events", response_class=StreamingResponse, responses={**problem_responses(404), 200: STREAMED})
async def follow_turn(
    turn_id: UUID,
    answering: CurrentAnswering,
    principal: CurrentPrincipal,
    conversations: TeamConversations,
    last_event_id: LastEventId = "",
) -> Response:
    """Follows a turn to its end, from the event that came last; whichever process runs it."""
    await conversations.get_turn(turn_id)  # a 404 has to come before the stream begins
    after = Cursor.parse(last_event_id) if last_event_id else None
    events = answering.follow(principal.team_id, turn_id, after)
    return StreamingResponse(write_events(events), media_type=EVENT_STREAM, headers=STREAM_HEADERS)


@router.post("/{turn_id}/decisions", responses=problem_responses(404, 409))
async def decide(turn_id: UUID, given: Decisions, answering: CurrentAnswering, principal: CurrentPrincipal) -> Turn:
    """Approves or declines the calls that a turn waits for; the turn goes on, and can be followed."""
    decisions = [Decision(one.call_id, one.is_approved, one.note) for one in given.decisions]
    with contradictions_are_conflicts():
        return await answering.decide(principal.team_id, turn_id, decisions, principal.subject)


@router.post("/{turn_id}/cancel", responses=problem_responses(404, 409))
async def cancel(turn_id: UUID, answering: CurrentAnswering, principal: CurrentPrincipal) -> Turn:
    """Stops a turn; what was written of its answer stays, marked as cut off."""
    return await answering.cancel(principal.team_id, turn_id, principal.subject)

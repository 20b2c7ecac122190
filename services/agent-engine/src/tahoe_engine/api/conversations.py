"""Conversations: begun, read, named, closed; what was done in each of their turns."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from tahoe_core.http.authentication import CurrentPrincipal
from tahoe_core.http.pagination import Page, RequestedPage
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.contradictions import contradictions_are_conflicts
from tahoe_engine.api.dependencies import CurrentAnswering, TeamConversations
from tahoe_engine.api.event_stream import EVENT_STREAM, STREAM_HEADERS, STREAMED, write_events
from tahoe_engine.chat.chat_events import TurnEnded
from tahoe_engine.models.conversation_models import (
    Conversation,
    ConversationFilter,
    ConversationStatus,
    MessageFeedback,
    MessageRecord,
)
from tahoe_engine.models.conversation_requests import (
    Answer,
    ConversationRequest,
    ConversationUpdate,
    GivenFeedback,
    SaidMessage,
)
from tahoe_engine.models.model_call import ModelCall
from tahoe_engine.models.turn_models import TurnTrace

router = create_router("/v1/conversations", "conversations", may_be_stored=False)


@router.post("", status_code=HTTPStatus.CREATED, responses=problem_responses(404, 409))
async def create_conversation(
    given: ConversationRequest, conversations: TeamConversations, response: Response
) -> Conversation:
    """Begins a conversation with an agent; 409 when there is one of that external id."""
    with contradictions_are_conflicts():
        made = await conversations.create(given.agent, given)
    response.headers["Location"] = f"/v1/conversations/{made.id}"
    return made


@router.get("")
async def list_conversations(
    conversations: TeamConversations,
    page: RequestedPage,
    agent_id: UUID | None = None,
    user_id: UUID | None = None,
    status: ConversationStatus | None = None,
    external_id: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[Conversation]:
    """Lists conversations, newest first."""
    which = ConversationFilter(agent_id=agent_id, user_id=user_id, status=status, external_id=external_id)
    return Page.of(await conversations.list_page(which, page), lambda row: row)


@router.get("/{conversation_id}", responses=problem_responses(404))
async def get_conversation(conversation_id: UUID, conversations: TeamConversations) -> Conversation:
    """Returns a conversation without its messages."""
    return await conversations.get(conversation_id)


@router.patch("/{conversation_id}", responses=problem_responses(404, 409))
async def update_conversation(
    conversation_id: UUID, given: ConversationUpdate, conversations: TeamConversations
) -> Conversation:
    """Names a conversation, lets it rest, or closes it for good."""
    with contradictions_are_conflicts():
        if given.status is not None:  # the one that may be refused comes first
            await conversations.set_status(conversation_id, given.status)
        if given.title is not None:
            await conversations.rename(conversation_id, given.title)
    return await conversations.get(conversation_id)


@router.get("/{conversation_id}/messages", responses=problem_responses(404))
async def list_messages(
    conversation_id: UUID, conversations: TeamConversations, page: RequestedPage
) -> Page[MessageRecord]:
    """Lists messages, newest first; calls of tools and their results included."""
    return Page.of(await conversations.list_messages(conversation_id, page), lambda row: row)


@router.post(
    "/{conversation_id}/messages", response_model=Answer, responses={**problem_responses(404, 409), 200: STREAMED}
)
async def say(
    conversation_id: UUID,
    message: SaidMessage,
    answering: CurrentAnswering,
    principal: CurrentPrincipal,
    stream: Annotated[bool, Query(description="Whether to send the answer as it is written.")] = False,
) -> Response | Answer:
    """Says something, and returns the answer once it is whole, or as it is written.

    The message is kept first: an answer that breaks off, here or there, is found again under
    `/v1/turns/{id}/events`. 409 while another answer is written, or where the conversation is closed.
    """
    with contradictions_are_conflicts():
        turn = await answering.say(principal.team_id, conversation_id, message.content, principal.subject)
    events = answering.follow(principal.team_id, turn.id)
    if stream:
        headers = {**STREAM_HEADERS, "Location": f"/v1/turns/{turn.id}"}
        return StreamingResponse(write_events(events), media_type=EVENT_STREAM, headers=headers)
    async for event in events:
        if isinstance(event, TurnEnded):
            turn = event.turn
    return Answer(turn=turn, messages=await answering.list_messages(principal.team_id, turn.id))


@router.post("/{conversation_id}/messages/{message_id}/feedback", responses=problem_responses(404))
async def give_feedback(
    conversation_id: UUID, message_id: UUID, given: GivenFeedback, conversations: TeamConversations
) -> MessageRecord:
    """Writes down what somebody thought of a message; the last word holds."""
    with contradictions_are_conflicts():
        feedback = MessageFeedback(rating=given.rating, comment=given.comment, given_at=datetime.now(UTC))
        return await conversations.give_feedback(conversation_id, message_id, feedback)


@router.get("/{conversation_id}/trace", responses=problem_responses(404))
async def trace_conversation(
    conversation_id: UUID, conversations: TeamConversations, page: RequestedPage
) -> Page[TurnTrace]:
    """Returns every turn, newest first: each call of a model and of a tool, its time and tokens, and what was known."""
    return Page.of(await conversations.trace(conversation_id, page), lambda row: row)


@router.get("/{conversation_id}/model-calls", responses=problem_responses(404))
async def list_model_calls(
    conversation_id: UUID, conversations: TeamConversations, page: RequestedPage
) -> Page[ModelCall]:
    """Lists the model calls that no message shows, newest first.

    Those that came to nothing and were paid for all the same, and those that read the conversation for memories.
    """
    return Page.of(await conversations.list_model_calls(conversation_id, page), lambda row: row)

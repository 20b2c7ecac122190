"""OpenAI's chat completions, answered by agents."""

from collections.abc import AsyncIterator

from fastapi import Response
from fastapi.responses import StreamingResponse

from tahoe_core.http.authentication import CurrentPrincipal
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.dependencies import CurrentServices
from tahoe_engine.api.event_stream import EVENT_STREAM, STREAM_HEADERS
from tahoe_engine.api.openai_errors import contradictions_are_refused
from tahoe_engine.api.openai_reading import read_question
from tahoe_engine.api.openai_writing import AnswerWriter
from tahoe_engine.chat.openai_chat import OpenAIConversations
from tahoe_engine.models.openai_answers import ChatCompletion
from tahoe_engine.models.openai_requests import ChatRequest

router = create_router("/v1/chat", "openai", may_be_stored=False)

_EVENT = {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}
_STREAMED = {
    "description": "The answer; with `stream`, OpenAI's chunks as server-sent events.",
    "content": {EVENT_STREAM: {"schema": _EVENT}},
}


@router.post(
    "/completions",
    response_model=ChatCompletion,
    responses={**problem_responses(400, 403, 404, 409, 429), 200: _STREAMED},
)
async def create_chat_completion(
    request: ChatRequest, services: CurrentServices, principal: CurrentPrincipal, response: Response
) -> Response | ChatCompletion:
    """Answers as OpenAI's API does: `model` is the slug of an agent, which answers with all that it is and has.

    Its instructions, memory, skills and tools apply; the client's system messages and tools come on top, and its
    sampling settings are left out. All is kept: the conversation is the one whose last answer the client sends along,
    or a new one. An answer goes on when the client leaves; `Location` is its turn. What keeps to the schema and
    contradicts itself is a 400, as at OpenAI, whose clients make a request again by themselves after a 409.
    """
    answering = services.chat.answering
    conversations = OpenAIConversations(services.sessions, answering, principal.team_id, principal.subject)
    question = read_question(request)
    with contradictions_are_refused():
        begun = await conversations.begin(question)
    writer = AnswerWriter(
        model=request.model,
        turn=begun.turn,
        with_usage=bool(request.stream_options and request.stream_options.include_usage),
    )
    events = answering.follow(principal.team_id, begun.turn.id, begun.after)
    location = {"Location": f"/v1/turns/{begun.turn.id}"}
    if request.stream:
        chunks = writer.write_stream(events)
        first = await anext(chunks)  # what fails before it is an error of HTTP, which clients know how to read
        return StreamingResponse(_chain(first, chunks), media_type=EVENT_STREAM, headers={**STREAM_HEADERS, **location})
    response.headers.update(location)
    return await writer.write_whole(events)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from pydantic import BaseModel

from tahoe_core.errors import InvalidInputError
from tahoe_engine.runtime.chat_client import ChatClient, Patience
from tahoe_engine.runtime.model_endpoint import ChosenModel, ModelEndpoint
from tahoe_engine.runtime.model_errors import (
    BrokenAnswerError,
    ContextFullError,
    FailedModelError,
    RateLimitedError,
    RequestRefusedError,
    StreamCutError,
    UnknownModelError,
    UnreachableModelError,
    WrongKeyError,
)
from tahoe_engine.runtime.openai_llm import OpenAILlm
from tahoe_engine.runtime.testing import replies
from tahoe_engine.runtime.testing.replies import Reply, ScriptedCall
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel


class Weather(BaseModel):
    rains: bool


@pytest.fixture
async def llm(chosen: ChosenModel, patience: Patience) -> AsyncIterator[OpenAILlm]:
    client = ChatClient(chosen.endpoint, patience)
    yield OpenAILlm(chosen, client)
    await client.aclose()


def question(*contents: types.Content, **config: Any) -> LlmRequest:  # noqa: ANN401
    asked = contents or (types.UserContent("Hi"),)
    return LlmRequest(contents=list(asked), config=types.GenerateContentConfig(**config))


async def listen(llm: OpenAILlm, request: LlmRequest, *, stream: bool = True) -> list[LlmResponse]:
    return [response async for response in llm.generate_content_async(request, stream=stream)]


class TestAnAnswer:
    @pytest.mark.parametrize("stream", [True, False])
    async def test_is_the_same_whether_it_streams_or_not(
        self, llm: OpenAILlm, model: ScriptedModel, *, stream: bool
    ) -> None:
        calls = (ScriptedCall("look_up", '{"city": "Paris"}', "a"), ScriptedCall("look_up", "", "b"))
        model.script(Reply(text="Let me see.", thoughts="Hm.", calls=calls, usage=(9, 3, 4)))
        *parts, whole = await listen(llm, question(), stream=stream)
        assert all(part.partial for part in parts)
        assert bool(parts) is stream
        assert whole.content is not None
        assert whole.content.parts is not None
        assert [(part.text, part.thought) for part in whole.content.parts[:2]] == [("Hm.", True), ("Let me see.", None)]
        assert [(call.id, call.args) for call in whole.get_function_calls()] == [("a", {"city": "Paris"}), ("b", {})]
        usage = whole.usage_metadata
        assert usage is not None
        assert (usage.prompt_token_count, usage.cached_content_token_count, usage.candidates_token_count) == (9, 3, 4)
        assert whole.finish_reason is types.FinishReason.STOP

    async def test_that_the_server_does_not_stream_is_taken_as_a_whole(
        self, llm: OpenAILlm, model: ScriptedModel
    ) -> None:
        model.script(Reply(body=replies.completion(Reply(text="Hello."), "small")))
        first, whole = await listen(llm, question())
        assert first.partial
        assert whole.content is not None
        assert whole.content.parts == [types.Part(text="Hello.")]

    async def test_may_end_without_the_last_word_of_the_protocol(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        model.script(Reply(text="Hello.", ends_quietly=True))
        assert (await listen(llm, question()))[-1].finish_reason is types.FinishReason.STOP

    async def test_that_breaks_off_is_no_answer(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        model.script(Reply(body=b'{"choices": [{"message": {"content": "Hal"}}]}'))
        with pytest.raises(StreamCutError):
            await listen(llm, question())

    async def test_has_no_broken_arguments(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        model.script(replies.BROKEN_ARGUMENTS)
        with pytest.raises(BrokenAnswerError, match="no JSON object"):
            await listen(llm, question())

    async def test_is_json_where_json_was_asked_for(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        model.script(Reply(text='{"rains": tr'))
        with pytest.raises(BrokenAnswerError, match="JSON"):
            await listen(llm, question(response_schema=Weather))

    @pytest.mark.parametrize(
        "deltas",
        [
            # Each call whole, and all with the same number.
            [
                [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}],
                [{"index": 0, "id": "b", "function": {"name": "g", "arguments": "{}"}}],
            ],
            # No numbers, no ids, and the arguments no text.
            [[{"function": {"name": "f", "arguments": {}}}, {"function": {"name": "g", "arguments": {}}}]],
            # The same id twice.
            [
                [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}],
                [{"index": 1, "id": "a", "function": {"name": "g", "arguments": "{}"}}],
            ],
        ],
    )
    async def test_is_understood_however_servers_number_their_calls(
        self, llm: OpenAILlm, model: ScriptedModel, deltas: list[list[dict[str, Any]]]
    ) -> None:
        lines = [{"choices": [{"index": 0, "delta": {"tool_calls": delta}}]} for delta in deltas]
        lines.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
        model.script(Reply(events=lines))
        calls = (await listen(llm, question()))[-1].get_function_calls()
        assert [call.name for call in calls] == ["f", "g"]
        assert len({call.id for call in calls}) == 2


class TestARequest:
    async def test_says_what_adk_asks(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        look_up = types.FunctionDeclaration(
            name="look_up",
            description="Looks it up.",
            parameters=types.Schema(
                type=types.Type.OBJECT,
                properties={"city": types.Schema(type=types.Type.STRING, nullable=True, max_length=9)},
                required=["city"],
            ),
        )
        calling = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)
        model.script(Reply(text='{"rains": true}'))
        await listen(
            llm,
            question(
                system_instruction="Be brief.",
                tools=[types.Tool(function_declarations=[look_up])],
                tool_config=types.ToolConfig(function_calling_config=calling),
                temperature=0.5,
                max_output_tokens=77,
                stop_sequences=["END"],
                response_schema=Weather,
            ),
            stream=False,
        )
        body = model.chats[0]
        parameters = {
            "type": "object",
            "properties": {"city": {"type": ["string", "null"], "maxLength": 9}},
            "required": ["city"],
        }
        function = {"name": "look_up", "description": "Looks it up.", "parameters": parameters}
        assert body["tools"] == [{"type": "function", "function": function}]
        assert (body["tool_choice"], body["temperature"], body["max_tokens"], body["stop"]) == (
            "required",
            0.5,
            77,
            ["END"],
        )
        assert body["messages"][0] == {"role": "system", "content": "Be brief."}
        assert body["response_format"]["json_schema"]["strict"] is True
        assert "stream" not in body

    async def test_shows_pictures(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        picture = types.Part.from_bytes(data=b"123", mime_type="image/png")
        await listen(llm, question(types.Content(role="user", parts=[types.Part(text="See:"), picture])))
        shown = {"type": "image_url", "image_url": {"url": "data:image/png;base64,MTIz"}}
        assert model.chats[0]["messages"][0]["content"] == [{"type": "text", "text": "See:"}, shown]

    async def test_refuses_what_cannot_be_said(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        sound = types.Part.from_bytes(data=b"123", mime_type="audio/wav")
        with pytest.raises(RequestRefusedError):
            await listen(llm, question(types.Content(role="user", parts=[sound])))
        with pytest.raises(RequestRefusedError):
            await listen(llm, question(tools=[types.Tool(google_search=types.GoogleSearch())]))
        assert model.chats == []

    @pytest.mark.parametrize(("name", "instead"), [("stream_options", None), ("max_tokens", "max_completion_tokens")])
    async def test_leaves_out_what_a_server_does_not_know_and_remembers(
        self, llm: OpenAILlm, model: ScriptedModel, name: str, instead: str | None
    ) -> None:
        model.script(Reply(status=400, body={"error": {"message": f"Unrecognized request argument: {name}"}}))
        await listen(llm, question(max_output_tokens=5))
        await listen(llm, question(max_output_tokens=5))
        assert [name in body for body in model.chats] == [True, False, False]
        assert instead is None or all(instead in body for body in model.chats[1:])

    async def test_does_without_the_json_mode_that_a_server_lacks(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        words = "'response_format.type' must be 'json_schema' or 'text'"
        answers = [Reply(text='{"rains": true}')] * 3
        model.script(Reply(status=400, body={"error": {"message": words}}), *answers)
        for config in ({}, {}, {"response_schema": Weather}):
            await listen(llm, question(response_mime_type="application/json", **config))
        kinds = [body.get("response_format", {}).get("type") for body in model.chats]
        assert kinds == ["json_object", None, None, "json_schema"]


class TestAFailureThatMayPass:
    @pytest.mark.parametrize(
        "fault", [replies.BROKEN_SERVER, replies.TOO_MANY, replies.fault(503, "x"), Reply(cut_after=0)]
    )
    async def test_is_tried_again(self, llm: OpenAILlm, model: ScriptedModel, fault: Reply) -> None:
        model.script(fault, fault, Reply(text="Hello."))
        assert (await listen(llm, question()))[-1].content is not None
        assert len(model.chats) == 3

    async def test_is_an_error_in_the_end(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        model.script(*[replies.BROKEN_SERVER] * 3)
        with pytest.raises(FailedModelError):
            await listen(llm, question())
        assert len(model.chats) == 3

    async def test_waits_as_long_as_it_is_asked_to(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        moment = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
        model.script(replies.fault(429, "slow", Retry_After="0.3"), replies.fault(429, "slow", Retry_After=moment))
        with pytest.raises(RateLimitedError):  # a minute is more than anybody waits
            await listen(llm, question())
        assert len(model.chats) == 2

    async def test_is_not_tried_again_once_something_was_said(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        error = {"error": {"code": 502, "message": "The upstream fails."}}
        said = [*replies.chunks(Reply(text="Half"), "small", with_usage=False)][:2]
        model.script(Reply(events=[*said, error]))
        with pytest.raises(FailedModelError):
            await listen(llm, question())
        assert len(model.chats) == 1


class TestPatience:
    async def test_ends_when_nothing_comes(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        model.script(replies.HANG)
        began = time.perf_counter()
        with pytest.raises(UnreachableModelError, match="no answer in 1 s"):
            await listen(llm, question())
        assert 0.9 < time.perf_counter() - began < 2

    async def test_ends_when_no_more_comes(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        model.script(Reply(text="Hello, world, hello", between_s=3))
        with pytest.raises(StreamCutError, match="no more for 1 s"):
            await listen(llm, question())

    async def test_holds_while_something_comes_now_and_then(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        model.script(Reply(text="Hello", piece=1, between_s=0.3, first_byte_s=0.5))
        began = time.perf_counter()
        assert (await listen(llm, question()))[-1].content is not None
        assert time.perf_counter() - began > 1.5

    async def test_is_not_tried_where_nobody_listens(self, patience: Patience) -> None:
        with ScriptedModel() as gone:
            nowhere = ChosenModel(ModelEndpoint("gone", gone.base_url), "small")
        client = ChatClient(nowhere.endpoint, patience)
        with pytest.raises(UnreachableModelError, match="cannot be reached"):
            await listen(OpenAILlm(nowhere, client), question())
        await client.aclose()


class TestWhatServersSay:
    @pytest.mark.parametrize(
        ("status", "words", "kind"),
        [
            (400, "This model's maximum context length is 4096 tokens. However, you requested 5000", ContextFullError),
            (400, "the request exceeds the available context size, try increasing it", ContextFullError),
            (500, "context_length_exceeded", FailedModelError),
            (413, "Request Entity Too Large", ContextFullError),
            (404, 'model "llama9" not found, try pulling it first', UnknownModelError),
            (400, "foo/bar is not a valid model ID", UnknownModelError),
            (400, "The model `x` does not exist", UnknownModelError),
            (403, "Forbidden", WrongKeyError),
            (400, "tools are not supported", RequestRefusedError),
            (302, "", UnreachableModelError),
        ],
    )
    async def test_is_understood(
        self, llm: OpenAILlm, model: ScriptedModel, status: int, words: str, kind: type[Exception]
    ) -> None:
        model.answer = lambda _: Reply(status=status, body={"error": {"message": words}})
        with pytest.raises(kind) as caught:
            await listen(llm, question())
        assert type(caught.value) is kind
        assert not words or words not in str(caught.value)

    @pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b'{"choices": 3}', b'{"choices": [{"message": 3}]}'])
    async def test_may_be_nothing_of_the_protocol(self, llm: OpenAILlm, model: ScriptedModel, body: bytes) -> None:
        model.script(Reply(body=body))
        with pytest.raises((BrokenAnswerError, StreamCutError)):
            await listen(llm, question())

    async def test_has_an_end(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        model.script(Reply(text="x" * 1_000_001, piece=100_000))
        with pytest.raises(BrokenAnswerError, match="more than 1000000 characters"):
            await listen(llm, question())

    async def test_has_no_event_without_end(self, llm: OpenAILlm, model: ScriptedModel) -> None:
        model.script(Reply(text="x" * 5_000_000, piece=5_000_000))
        with pytest.raises(BrokenAnswerError, match="event of more than"):
            await listen(llm, question())


def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://user:secret@proxy")
    with pytest.raises(InvalidInputError) as caught:
        ChatClient(ModelEndpoint("openai", "https://api.openai.com/v1"))
    assert "secret" not in str(caught.value)


@pytest.mark.timed
async def test_many_talk_at_once(llm: OpenAILlm, model: ScriptedModel) -> None:
    model.answer = lambda _: Reply(text="word " * 20, first_byte_s=0.05)
    began = time.perf_counter()
    answers = await asyncio.gather(*(listen(llm, question()) for _ in range(50)))
    assert all(answer[-1].finish_reason is types.FinishReason.STOP for answer in answers)
    assert time.perf_counter() - began < 50 * 0.05

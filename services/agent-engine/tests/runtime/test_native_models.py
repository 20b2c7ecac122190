"""Gemini by ADK's own class, against a small server that speaks as Google does."""

import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from tahoe_engine.runtime.model_endpoint import ChosenModel, ModelEndpoint, WireFormat
from tahoe_engine.runtime.model_errors import (
    FailedModelError,
    RefusalError,
    RequestRefusedError,
    UnknownModelError,
    WrongKeyError,
)
from tahoe_engine.runtime.run_events import AnswerFailed, AnswerFinished, ModelCallFinished, RunEvent, TextDelta
from tahoe_engine.runtime.testing.scripted_tool import ScriptedTool

Ask = Callable[..., Awaitable[list[RunEvent]]]

GEMINI = ChosenModel(ModelEndpoint("gemini", api_key=SecretStr("secret"), speaks=WireFormat.GEMINI), "gemini-2.5-flash")


class Google(BaseHTTPRequestHandler):
    answers: ClassVar[list[tuple[int, list[Any]]]] = []
    asked: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        Google.asked.append((self.path, self.headers["x-goog-api-key"], json.loads(self.rfile.read(length))))
        status, documents = Google.answers.pop(0)
        is_fine = status == 200
        lines = [f"data: {json.dumps(one)}\r\n\r\n" if is_fine else json.dumps(one) for one in documents]
        content = "".join(lines).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/event-stream" if is_fine else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Google]]:
    Google.answers, Google.asked = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Google)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", f"http://127.0.0.1:{server.server_address[1]}")
    yield Google
    server.shutdown()
    thread.join()
    server.server_close()


def said(*parts: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}}
    if reason:
        candidate["finishReason"] = reason
    usage = {"promptTokenCount": 20, "candidatesTokenCount": 5, "cachedContentTokenCount": 4, "thoughtsTokenCount": 2}
    return {"candidates": [candidate], "usageMetadata": usage}


async def test_an_answer_comes_in_deltas_after_a_tool_was_called(ask: Ask, google: type[Google]) -> None:
    call = {"functionCall": {"name": "look_up", "args": {"city": "Paris"}}}
    google.answers += [
        (200, [said(call, reason="STOP")]),
        (200, [said({"text": "It "}), said({"text": "rains."}, reason="STOP")]),
    ]
    tool = ScriptedTool()
    events = await ask(models=[GEMINI], tools=[tool])
    assert tool.calls == [{"city": "Paris"}]
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["It ", "rains."]
    last = events[-1]
    assert isinstance(last, AnswerFinished)
    assert last.text == "It rains."
    usage = [event.usage for event in events if isinstance(event, ModelCallFinished)][-1]
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (20, 4, 7)
    path, key, body = google.asked[1]
    assert "gemini-2.5-flash:streamGenerateContent" in path
    assert key == "secret"
    assert [content["role"] for content in body["contents"]] == ["user", "model", "user"]
    assert body["contents"][2]["parts"][0]["functionResponse"]["response"] == {"result": "It rains in Paris."}


@pytest.mark.parametrize(
    ("status", "document", "kind"),
    [
        (400, {"error": {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT"}}, RequestRefusedError),
        (400, {"error": {"code": 400, "message": "API key not valid. Pass a valid API key."}}, WrongKeyError),
        (401, {"error": {"code": 401, "message": "key", "status": "UNAUTHENTICATED"}}, WrongKeyError),
        (404, {"error": {"code": 404, "message": "model", "status": "NOT_FOUND"}}, UnknownModelError),
        (500, {"error": {"code": 500, "message": "oh", "status": "INTERNAL"}}, FailedModelError),
        (200, said(reason="SAFETY"), RefusalError),
    ],
)
async def test_a_failure_has_its_class(
    ask: Ask, google: type[Google], status: int, document: dict[str, Any], kind: type[Exception]
) -> None:
    google.answers += [(status, [document])] * 5
    last = (await ask(models=[GEMINI]))[-1]
    assert isinstance(last, AnswerFailed)
    assert type(last.error) is kind
    assert "secret" not in repr(last)


async def test_json_of_any_kind_is_asked_for_in_words_where_there_are_tools(ask: Ask, google: type[Google]) -> None:
    google.answers += [(200, [said({"text": "{}"}, reason="STOP")])] * 2
    for tools in ([], [ScriptedTool()]):
        await ask(models=[GEMINI], tools=tools, answer_schema={})
    asked = [body for _path, _key, body in google.asked]
    assert ["responseMimeType" in body["generationConfig"] for body in asked] == [True, False]
    assert all("JSON object" in json.dumps(body["systemInstruction"]) for body in asked)

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from tahoe_core.errors import InvalidInputError, UnavailableError
from tahoe_core.retry import RetryPolicy
from tahoe_engine.embedding.openai_compatible import EmbeddingEndpoint, OpenAICompatibleEmbedder

type Json = dict[str, Any]

KEY = "sk-do-not-show-this-one"
SECRET_TEXT = "My card is 4111"
AT_ONCE = RetryPolicy(attempts=3, first_wait_s=0.001, longest_wait_s=1)


@dataclass
class Reply:
    """One scripted answer; without a body, the right one."""

    body: bytes | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0


def vector(text: str, dimensions: int) -> list[float]:
    """A vector by which a text is known: its length, and then ones."""
    return [float(len(text)), *[1.0] * (dimensions - 1)]


def data(request: Json) -> list[Json]:
    dimensions = request.get("dimensions", 3)
    return [{"index": i, "embedding": vector(text, dimensions)} for i, text in enumerate(request["input"])]


def document(items: list[Json]) -> bytes:
    return json.dumps({"object": "list", "data": items, "usage": {"total_tokens": 1}}).encode()


def embeddings(*vectors: object) -> Reply:
    return Reply(document([{"index": i, "embedding": vector} for i, vector in enumerate(vectors)]))


def error(status: int, code: str = "", message: str = SECRET_TEXT, **headers: str) -> Reply:
    body = {"error": {"message": message, "code": code, "type": None}}
    return Reply(json.dumps(body).encode(), status, {k.replace("_", "-"): v for k, v in headers.items()})


class Endpoint(ThreadingHTTPServer):
    """Answers as scripted, one reply a request, and properly when the script is at its end."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[Reply | Callable[[Json], Reply]] = []
        self.requests: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up early is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Endpoint

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        self.server.headers.append(dict(self.headers))
        self.server.paths.append(self.path)
        reply = self.server.script.pop(0) if self.server.script else Reply()
        if callable(reply):
            reply = reply(request)
        time.sleep(reply.delay_s)
        body = document(data(request)) if reply.body is None else reply.body
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


type Open = Callable[..., OpenAICompatibleEmbedder]


@pytest.fixture
def open_embedder(endpoint: Endpoint) -> Iterator[Open]:
    opened: list[OpenAICompatibleEmbedder] = []

    def build(
        url: str | None = None,
        dimensions: int | None = 3,
        key: str | None = KEY,
        retry: RetryPolicy = AT_ONCE,
        timeout_s: float = 10,
    ) -> OpenAICompatibleEmbedder:
        about = EmbeddingEndpoint(url or endpoint.url, "small", dimensions, SecretStr(key) if key else None)
        opened.append(OpenAICompatibleEmbedder(about, retry, timeout_s))
        return opened[-1]

    yield build
    for embedder in opened:
        embedder.close()


@pytest.fixture
def embedder(open_embedder: Open) -> OpenAICompatibleEmbedder:
    return open_embedder()


def expected(texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
    vectors = np.array([vector(text, 3) for text in texts], dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def refusal(embedder: OpenAICompatibleEmbedder) -> UnavailableError:
    """The error for one text, which repeats neither text nor key."""
    with pytest.raises(UnavailableError) as raised:
        embedder.embed([SECRET_TEXT])
    assert SECRET_TEXT not in str(raised.value)
    assert KEY not in str(raised.value)
    return raised.value


class TestARequest:
    def test_names_model_texts_and_dimensions_and_carries_the_key(
        self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder
    ) -> None:
        embedder.embed(["a", "bb"])
        assert endpoint.requests == [
            {"model": "small", "input": ["a", "bb"], "encoding_format": "float", "dimensions": 3}
        ]
        assert endpoint.paths == ["/v1/embeddings"]
        assert endpoint.headers[0]["Authorization"] == f"Bearer {KEY}"

    def test_without_dimensions_names_none_and_expects_1536(self, endpoint: Endpoint, open_embedder: Open) -> None:
        endpoint.script = [embeddings([1.0] * 1536)]
        embedder = open_embedder(dimensions=None, key=None)
        assert embedder.embed(["a"]).shape == (1, 1536)
        assert "dimensions" not in endpoint.requests[0]
        assert "Authorization" not in endpoint.headers[0]

    def test_keeps_the_query_of_the_address_and_sends_its_user_as_such(
        self, endpoint: Endpoint, open_embedder: Open
    ) -> None:
        url = endpoint.url.replace("127", "me:pass@127") + "/?api-version=1"
        embedder = open_embedder(url, key=None)
        embedder.embed(["a"])
        assert endpoint.paths == ["/v1/embeddings?api-version=1"]
        assert endpoint.headers[0]["Authorization"].startswith("Basic ")
        endpoint.script = [error(400), error(400)]
        assert "pass" not in str(refusal(embedder))

    def test_is_one_of_at_most_32_texts_and_50_000_characters(
        self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder
    ) -> None:
        texts = ["x" * (n % 7) for n in range(1, 41)] + ["y" * 8_000] * 13
        assert np.allclose(embedder.embed(texts), expected([text or " " for text in texts]))
        sizes = [(len(request["input"]), sum(map(len, request["input"]))) for request in endpoint.requests]
        assert sum(texts for texts, _ in sizes) == len(texts)
        assert all(texts <= 32 and characters <= 50_000 for texts, characters in sizes)
        assert len(sizes) == 4

    def test_for_no_texts_is_not_made(self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder) -> None:
        assert embedder.embed([]).shape == (0, 3)
        assert endpoint.requests == []

    def test_holds_only_what_an_endpoint_can_take(self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder) -> None:
        embedder.embed(["", "half \ud83d pair", "z" * 9_000])
        assert endpoint.requests[0]["input"] == [" ", "half ? pair", "z" * 8_000]

    def test_goes_past_the_proxies_of_the_environment_to_this_machine(
        self, endpoint: Endpoint, open_embedder: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert open_embedder().embed(["a"]).shape == (1, 3)

    def test_goes_elsewhere_through_the_proxy_of_the_environment(
        self, endpoint: Endpoint, open_embedder: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("NO_PROXY", "no_proxy", "http_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTP_PROXY", endpoint.url.removesuffix("/v1"))
        assert open_embedder("http://embeddings.invalid/v1").embed(["a"]).shape == (1, 3)
        assert endpoint.paths == ["http://embeddings.invalid/v1/embeddings"]


class TestDimensions:
    def test_that_an_endpoint_does_not_take_are_left_out_from_then_on(
        self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder
    ) -> None:
        endpoint.script = [error(400, message="no matryoshka")]
        for _ in range(2):
            embedder.embed(["a"])
        assert ["dimensions" in request for request in endpoint.requests] == [True, False, False]

    def test_stay_where_leaving_them_out_changes_nothing(
        self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder
    ) -> None:
        endpoint.script = [error(400, "context_length_exceeded")] * 2
        assert "refuses the request (status 400, context_length_exceeded)" in str(refusal(embedder))
        embedder.embed(["a"])
        assert "dimensions" in endpoint.requests[-1]

    def test_other_than_1536_are_part_of_the_models_name(self, open_embedder: Open) -> None:
        assert open_embedder(dimensions=None).model == "small"
        assert open_embedder(dimensions=1536).model == "small"
        assert open_embedder(dimensions=3).model == "small@3"


class TestAnAnswer:
    def test_becomes_unit_vectors(self, embedder: OpenAICompatibleEmbedder) -> None:
        vectors = embedder.embed(["a", "bb", "ccc"])
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
        assert np.allclose(vectors, expected(["a", "bb", "ccc"]))

    def test_out_of_order_is_put_in_order(self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder) -> None:
        endpoint.script = [lambda request: Reply(document(data(request)[::-1]))]
        assert np.allclose(embedder.embed(["a", "bb", "ccc"]), expected(["a", "bb", "ccc"]))

    def test_without_numbers_is_taken_as_it_comes(self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder) -> None:
        endpoint.script = [lambda r: Reply(document([{"embedding": item["embedding"]} for item in data(r)]))]
        assert np.allclose(embedder.embed(["a", "bb"]), expected(["a", "bb"]))

    @pytest.mark.parametrize("size", [1e-30, 1e30, 7])
    def test_of_any_scale_is_scaled_to_one(
        self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder, size: float
    ) -> None:
        endpoint.script = [embeddings([0, size, 0])]
        assert embedder.embed(["a"]).tolist() == [[0, 1, 0]]

    def test_with_another_number_of_embeddings_is_refused(
        self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder
    ) -> None:
        endpoint.script = [embeddings([1, 2, 3], [1, 2, 3])]
        assert "gives 2 embeddings for 1 texts" in str(refusal(embedder))

    def test_of_another_length_is_refused_with_the_setting_to_mend(
        self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder
    ) -> None:
        endpoint.script = [embeddings([1, 2, 3, 4])]
        message = str(refusal(embedder))
        assert "gives vectors of 4 dimensions instead of 3" in message
        assert "set EMBEDDING_DIMENSIONS=4" in message

    @pytest.mark.parametrize("number", ["null", "1e200", '"1"', "[1]", "true"])
    def test_with_something_that_is_no_finite_number_is_refused(
        self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder, number: str
    ) -> None:
        endpoint.script = [Reply(b'{"data": [{"index": 0, "embedding": [1, 2, %s]}]}' % number.encode())]
        assert "no finite number" in str(refusal(embedder))

    @pytest.mark.parametrize("number", ["NaN", "-Infinity"])
    def test_with_nan_is_no_json(self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder, number: str) -> None:
        endpoint.script = [Reply(b'{"data": [{"index": 0, "embedding": [1, 2, %s]}]}' % number.encode())]
        assert "not JSON (NaN is not either)" in str(refusal(embedder))

    def test_of_zeros_is_refused(self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder) -> None:
        endpoint.script = [embeddings([0, 0, 0])]
        assert "nothing but zeros" in str(refusal(embedder))

    @pytest.mark.parametrize("numbers", [[1], [None, 0], ["0"], [True]])
    def test_with_wrong_numbering_is_refused(
        self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder, numbers: list[object]
    ) -> None:
        endpoint.script = [Reply(document([{"index": n, "embedding": [1, 2, 3]} for n in numbers]))]
        with pytest.raises(UnavailableError, match="numbers its embeddings otherwise than the texts"):
            embedder.embed(["a"] * len(numbers))

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b'{"data": [{"ind', "not JSON"),
            (b"", "not JSON"),
            (b"<html>welcome</html>", "not JSON"),
            (b"[]", "without a list of embeddings"),
            (b'{"data": null}', "without a list of embeddings"),
            (b'{"data": [1]}', "without a list of embeddings"),
            (b'{"data": [{"index": 0}]}', "not a list of numbers"),
            (b'{"data": [{"index": 0, "embedding": "AAAA"}]}', "not a list of numbers"),
        ],
    )
    def test_of_another_kind_is_refused_with_the_setting_to_check(
        self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder, body: bytes, message: str
    ) -> None:
        endpoint.script = [Reply(body)]
        said = str(refusal(embedder))
        assert message in said
        assert "EMBEDDING_BASE_URL" in said
        assert len(endpoint.requests) == 1

    def test_without_end_is_cut_off(self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder) -> None:
        endpoint.script = [Reply(b" " * 20_000_000)]
        assert "more than 262336 bytes" in str(refusal(embedder))
        assert len(endpoint.requests) == 1


class TestAFailureThatMayPass:
    def test_is_waited_out(self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder) -> None:
        endpoint.script = [error(503), Reply(b"", 502)]
        assert np.allclose(embedder.embed(["a"]), expected(["a"]))
        assert len(endpoint.requests) == 3

    def test_is_waited_out_for_as_long_as_the_endpoint_asks(
        self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder
    ) -> None:
        endpoint.script = [error(429, Retry_After="1")]
        start = time.monotonic()
        assert embedder.embed(["a"]).shape == (1, 3)
        assert 1 <= time.monotonic() - start < 5

    def test_that_asks_for_too_long_a_wait_is_given_up(
        self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder
    ) -> None:
        endpoint.script = [error(429, "rate_limit_exceeded", Retry_After="3600")]
        assert "turns away so many requests (status 429, rate_limit_exceeded)" in str(refusal(embedder))
        assert len(endpoint.requests) == 1

    def test_that_does_not_pass_is_given_up(self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder) -> None:
        endpoint.script = [error(500)] * 3
        assert f"{endpoint.url.removesuffix('/v1')} fails (status 500)" in str(refusal(embedder))
        assert len(endpoint.requests) == 3

    def test_that_is_a_late_answer_is_given_up(self, endpoint: Endpoint, open_embedder: Open) -> None:
        endpoint.script = [Reply(delay_s=0.5)] * 2
        embedder = open_embedder(timeout_s=0.1, retry=RetryPolicy(2, 0.001, 1))
        assert "gave no whole answer in 0.1 s, 2 times" in str(refusal(embedder))
        assert len(endpoint.requests) == 2

    def test_that_is_an_answer_byte_by_byte_is_given_up(self, open_embedder: Open) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
            dripping = pool.submit(drip, listener)
            embedder = open_embedder(
                f"http://127.0.0.1:{listener.getsockname()[1]}/v1", timeout_s=0.2, retry=RetryPolicy(1)
            )
            assert "gave no whole answer in 0.2 s." in str(refusal(embedder))
            embedder.close()
            assert dripping.result() < 5

    def test_that_is_a_connection_cut_off_is_waited_out(
        self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder
    ) -> None:
        endpoint.script = [Reply(b'{"data"', headers={"Content-Length": "999", "Connection": "close"})]
        assert embedder.embed(["a"]).shape == (1, 3)
        assert len(endpoint.requests) == 2

    def test_that_is_nobody_at_the_address_names_the_setting(self, open_embedder: Open) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        message = str(refusal(open_embedder(f"http://127.0.0.1:{port}/v1")))
        assert f"http://127.0.0.1:{port} cannot be reached" in message
        assert "3 times" in message
        assert "EMBEDDING_BASE_URL" in message

    def test_leaves_neither_text_nor_key_in_the_log(
        self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder, caplog: pytest.LogCaptureFixture
    ) -> None:
        endpoint.script = [error(500)] * 3
        with caplog.at_level("DEBUG", logger="tahoe_engine"):
            refusal(embedder)
        assert [record.message for record in caplog.records] == ["embedding endpoint failed"] * 2
        said = str([vars(record) for record in caplog.records])
        assert SECRET_TEXT not in said
        assert KEY not in said


def drip(listener: socket.socket) -> float:
    """Answers one request a byte at a time for as long as somebody reads; returns the seconds."""
    connection, _ = listener.accept()
    start = time.monotonic()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            for _ in range(1000):
                connection.sendall(b" ")
                time.sleep(0.02)
        except OSError:
            pass
    return time.monotonic() - start


class TestARefusal:
    @pytest.mark.parametrize(
        ("reply", "message", "cure"),
        [
            (error(401, "invalid_api_key"), "refuses the API key (status 401, invalid_api_key)", "EMBEDDING_API_KEY"),
            (error(403), "refuses the API key (status 403)", "EMBEDDING_API_KEY"),
            (error(404, "model_not_found"), "has no such model", "EMBEDDING_MODEL"),
            (Reply(b"nothing", 404), "nothing at this path (status 404)", "EMBEDDING_BASE_URL"),
            (error(413), "refuses the request (status 413)", "EMBEDDING_MODEL"),
            (error(429, "insufficient_quota"), "has no money left", "EMBEDDING_API_KEY"),
            (error(400, SECRET_TEXT), "refuses the request (status 400)", "EMBEDDING_DIMENSIONS"),
        ],
    )
    def test_says_what_to_mend_and_is_not_tried_again(
        self, endpoint: Endpoint, open_embedder: Open, reply: Reply, message: str, cure: str
    ) -> None:
        endpoint.script = [reply, reply]
        said = refusal(open_embedder(dimensions=None))
        assert message in said.message
        assert cure in said.cure
        assert len(endpoint.requests) == 1

    def test_of_a_request_without_a_key_says_that_there_is_none(self, endpoint: Endpoint, open_embedder: Open) -> None:
        endpoint.script = [error(401)]
        said = str(refusal(open_embedder(key=None)))
        assert "wants an API key, and none is set" in said
        assert "Set EMBEDDING_API_KEY" in said

    def test_a_redirect_is_not_followed(self, endpoint: Endpoint, embedder: OpenAICompatibleEmbedder) -> None:
        endpoint.script = [Reply(b"", 307, {"Location": endpoint.url + "/embeddings?elsewhere"})]
        said = str(refusal(embedder))
        assert "sends elsewhere, where Tahoe does not follow (status 307)" in said
        assert "EMBEDDING_BASE_URL" in said
        assert endpoint.paths == ["/v1/embeddings"]


@pytest.mark.parametrize("url", ["http:///v1", "http://[::1/v1"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(InvalidInputError, match="EMBEDDING_BASE_URL is not a well-formed URL"):
        OpenAICompatibleEmbedder(EmbeddingEndpoint(url, "small"))


def test_a_proxy_that_cannot_be_used_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "ftp://me:pass@127.0.0.1:9")
    with pytest.raises(InvalidInputError, match="ALL_PROXY names cannot be used") as raised:
        OpenAICompatibleEmbedder(EmbeddingEndpoint("http://embeddings.invalid/v1", "small"))
    assert "pass" not in str(raised.value)


def test_threads_may_share_it(endpoint: Endpoint, embedder: OpenAICompatibleEmbedder) -> None:
    texts = ["x" * n for n in range(1, 50)]
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(lambda _: embedder.embed(texts), range(12)):
            assert np.allclose(vectors, expected(texts))

"""The embedder behind HTTP: OpenAI, Ollama, vLLM, LM Studio, llama.cpp, whatever answers `/v1/embeddings` alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import httpx
import numpy as np
from numpy.typing import NDArray
from pydantic import SecretStr

from tahoe_core.errors import InvalidInputError
from tahoe_core.retry import RetryPolicy
from tahoe_engine.embedding.answer import ExpectedAnswer
from tahoe_engine.embedding.endpoint import Answer, EndpointClient

DEFAULT_DIMENSIONS = 1536
_TEXTS_A_REQUEST = 32  # no server is known to take fewer; Hugging Face's takes no more unless told to
_CHARACTERS_A_REQUEST = 50_000  # what a small server without a GPU embeds within the time-out
_LONGEST_TEXT = 8_000  # code points: within the 8,192 tokens of OpenAI's models in nearly every script
_BYTES_A_NUMBER = 64  # in JSON, indented too
_BYTES_AROUND = 256 * 1024


@dataclass(frozen=True)
class EmbeddingEndpoint:
    """Whom to ask for embeddings, and for which.

    Attributes:
        base_url: As `EMBEDDING_BASE_URL`; `/embeddings` is added to its path.
        dimensions: None: 1536 are expected, and the endpoint is not told so.
    """

    base_url: str
    model: str
    dimensions: int | None = None
    api_key: SecretStr | None = None


class OpenAICompatibleEmbedder:
    """Asks an endpoint for embeddings, batch by batch. Threads may share one embedder.

    Of a text the first 8,000 code points are sent. Vectors are scaled to length 1, which some models leave undone.

    Args:
        endpoint: Whom to ask.
        retry: When to try again: background work can afford more patience than somebody who searches.
        timeout_s: How long one answer may take.

    Raises:
        InvalidInputError: The address is none, or the environment names a proxy that cannot be used.
    """

    def __init__(self, endpoint: EmbeddingEndpoint, retry: RetryPolicy | None = None, timeout_s: float = 60) -> None:
        self._endpoint = endpoint
        self._sends_dimensions = endpoint.dimensions is not None
        self._client = EndpointClient(_url(endpoint.base_url), endpoint.api_key, retry or RetryPolicy(), timeout_s)

    @property
    def model(self) -> str:
        """The model's name, with the dimensions unless they are 1536: vectors of two lengths are two models."""
        if self.dimensions == DEFAULT_DIMENSIONS:
            return self._endpoint.model
        return f"{self._endpoint.model}@{self.dimensions}"

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._endpoint.dimensions or DEFAULT_DIMENSIONS

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns one unit vector a text, shape (len(texts), dimensions).

        Raises:
            UnavailableError: The endpoint is not reached, refuses, or gives something else than it was asked for. The
                message repeats neither a text nor the key nor what the endpoint wrote.
        """
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        done = 0
        for batch in _batches(texts):
            answer = self._ask(batch)
            if answer.status != HTTPStatus.OK:
                raise self._client.refusal(answer)
            expected = ExpectedAnswer(self._client.place, len(batch), self.dimensions)
            vectors[done : done + len(batch)] = expected.read(answer.body)
            done += len(batch)
        return vectors

    def close(self) -> None:
        """Closes the connections that were kept for the next request."""
        self._client.close()

    def _ask(self, texts: list[str]) -> Answer:
        request: dict[str, object] = {"model": self._endpoint.model, "input": texts, "encoding_format": "float"}
        limit = _BYTES_AROUND + len(texts) * self.dimensions * _BYTES_A_NUMBER
        if not self._sends_dimensions:
            return self._client.post(request, limit)
        answer = self._client.post(request | {"dimensions": self.dimensions}, limit)
        if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
            # Some servers refuse `dimensions` for a model whose vectors cannot be cut, even if it names their length.
            answer = self._client.post(request, limit)
            self._sends_dimensions = answer.status != HTTPStatus.OK
        return answer


def _url(base: str) -> httpx.URL:
    """Adds the path; a query, such as Azure's version of the API, stays."""
    try:
        url = httpx.URL(base)
    except httpx.InvalidURL:
        url = httpx.URL()
    if not url.host:
        raise InvalidInputError(
            "EMBEDDING_BASE_URL is not a well-formed URL.",
            cure="Write it like http://localhost:11434/v1.",
            field="EMBEDDING_BASE_URL",
        )
    return url.copy_with(path=url.path.rstrip("/") + "/embeddings")


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in map(_sendable, texts):
        if batch and (len(batch) == _TEXTS_A_REQUEST or characters + len(text) > _CHARACTERS_A_REQUEST):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch


def _sendable(text: str) -> str:
    """Cuts what is too long; JSON has no half surrogate pairs, and OpenAI takes no empty text."""
    return text[:_LONGEST_TEXT].encode(errors="replace").decode() or " "

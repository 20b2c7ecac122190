from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from tahoe_core.errors import UnavailableError

_NOT_AN_ANSWER = "Check that EMBEDDING_BASE_URL names an OpenAI-compatible endpoint; it usually ends in /v1."
_NOT_A_VECTOR = "Check that EMBEDDING_MODEL names an embedding model, and look at the endpoint's own log."


@dataclass(frozen=True)
class ExpectedAnswer:
    """What an embeddings endpoint was asked for.

    Attributes:
        place: How messages call the endpoint.
        texts: Number of texts sent.
        dimensions: Length that each vector has to have.
    """

    place: str
    texts: int
    dimensions: int

    def read(self, body: bytes) -> NDArray[np.float32]:
        """Returns the answer's vectors, scaled to length 1, in the order of the texts.

        Raises:
            UnavailableError: The answer is not what was asked for; nothing of it is repeated.
        """
        # Python's own floats first: a single-precision square could overflow before the vector is scaled.
        vectors = np.empty((self.texts, self.dimensions), dtype=np.float64)
        for place, item in enumerate(self._in_order(self._items(body))):
            vectors[place] = self._numbers(item)
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all():
            raise self._fault("gives vectors with something in them that is no finite number", _NOT_A_VECTOR)
        if not lengths.all():
            raise self._fault("gives a vector of nothing but zeros, which has no direction", _NOT_A_VECTOR)
        return (vectors / lengths).astype(np.float32)

    def _items(self, body: bytes) -> list[dict[str, Any]]:
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise self._fault("answers with something that is not JSON (NaN is not either)", _NOT_AN_ANSWER) from None
        items = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self._fault("answers without a list of embeddings in `data`", _NOT_AN_ANSWER)
        if len(items) != self.texts:
            raise self._fault(f"gives {len(items)} embeddings for {self.texts} texts", _NOT_AN_ANSWER)
        return items

    def _in_order(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Undoes the order of the answer; some servers number nothing, and keep that of the texts."""
        numbers = [item.get("index") for item in items]
        if all(number is None for number in numbers):
            return items
        by_number = dict(zip(numbers, items, strict=True))
        if by_number.keys() != set(range(self.texts)):
            raise self._fault("numbers its embeddings otherwise than the texts", _NOT_AN_ANSWER)
        return [by_number[number] for number in range(self.texts)]

    def _numbers(self, item: dict[str, Any]) -> NDArray[np.float64]:
        numbers = item.get("embedding")
        if not isinstance(numbers, list):
            raise self._fault("gives an embedding that is not a list of numbers", _NOT_AN_ANSWER)
        if len(numbers) != self.dimensions:
            raise self._fault(
                f"gives vectors of {len(numbers)} dimensions instead of {self.dimensions}",
                f"If that is the model's length, set EMBEDDING_DIMENSIONS={len(numbers)}.",
            )
        if not all(type(number) in {float, int} for number in numbers):
            raise self._fault("gives vectors with something in them that is no finite number", _NOT_A_VECTOR)
        return np.array(numbers, dtype=np.float64)

    def _fault(self, what: str, cure: str) -> UnavailableError:
        return UnavailableError(f"{self.place} {what}.", cure=cure)

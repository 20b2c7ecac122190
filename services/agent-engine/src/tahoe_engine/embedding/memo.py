import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tahoe_engine.embedding.port import Embedder


class MemoEmbedder:
    """An embedder that remembers what it was asked last.

    Several checks ask about the same sentences of one interaction, and support talk repeats itself; a remembered
    vector costs a thousandth of a computed one. Threads may share one memo.

    Args:
        inner: Computes what is not remembered.
        capacity: Vectors kept, the least recently used go first; 16,384 of 384 dimensions take 25 MB.
    """

    def __init__(self, inner: Embedder, capacity: int = 16_384) -> None:
        self._inner = inner
        self._capacity = capacity
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._changing = threading.Lock()

    @property
    def model(self) -> str:
        """Name of the inner embedder's model."""
        return self._inner.model

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._inner.dimensions

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns one unit vector a text; equal texts are computed once."""
        vectors = self._recall(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in vectors]
        if missing:
            computed = dict(zip(missing, self._inner.embed(missing), strict=True))
            self._remember(computed)
            vectors |= computed
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        return np.stack([vectors[text] for text in texts])

    def _recall(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        found = {}
        with self._changing:
            for text in texts:
                vector = self._known.get(text)
                if vector is not None:
                    self._known.move_to_end(text)
                    found[text] = vector
        return found

    def _remember(self, computed: dict[str, NDArray[np.float32]]) -> None:
        with self._changing:
            for text, vector in computed.items():
                self._known[text] = vector.copy()  # a row would keep its whole batch alive
            while len(self._known) > self._capacity:
                self._known.popitem(last=False)

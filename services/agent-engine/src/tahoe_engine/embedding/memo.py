import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from tahoe_engine.embedding.port import Embedder

type Awaited = Future[NDArray[np.float32]]


class MemoEmbedder:
    """An embedder that remembers what it was asked last.

    Several checks ask about the same sentences of one interaction, and support talk repeats itself; a remembered
    vector costs a thousandth of a computed one. Threads may share one memo: what one of them computes, the others wait
    for.

    Args:
        inner: Computes what is not remembered.
        capacity: Vectors kept, the least recently used go first; 16,384 of 384 dimensions take 35 MB.
    """

    def __init__(self, inner: Embedder, capacity: int = 16_384) -> None:
        self._inner = inner
        self._capacity = capacity
        self._known: OrderedDict[str, Awaited] = OrderedDict()
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
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        vectors, missing = self._recall(texts)
        if missing:  # before anything is waited for, so that no two threads wait for each other
            self._compute(missing)
        return np.stack([vectors[text].result() for text in texts])

    def _recall(self, texts: Sequence[str]) -> tuple[Mapping[str, Awaited], Mapping[str, Awaited]]:
        """Returns the vectors, and those of them that this thread is to compute."""
        vectors, missing = {}, {}
        with self._changing:
            for text in dict.fromkeys(texts):
                if text in self._known:
                    self._known.move_to_end(text)
                else:
                    missing[text] = self._known[text] = Future()
                vectors[text] = self._known[text]
            while len(self._known) > self._capacity:
                self._known.popitem(last=False)
        return vectors, missing

    def _compute(self, missing: Mapping[str, Awaited]) -> None:
        try:
            computed = self._inner.embed(list(missing))
        except BaseException as error:
            with self._changing:
                for text, vector in missing.items():
                    if self._known.get(text) is vector:
                        del self._known[text]
            for vector in missing.values():
                vector.set_exception(error)
            raise
        for vector, row in zip(missing.values(), computed, strict=True):
            vector.set_result(row.copy())  # a row would keep its whole batch alive

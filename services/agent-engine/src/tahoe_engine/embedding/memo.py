import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from tahoe_engine.embedding.port import Embedder

type Vector = NDArray[np.float32]
type Computing = Future[Vector | None]
"""None: it came to nothing."""


class MemoEmbedder:
    """An embedder that remembers what it was asked last.

    Several checks ask about the same sentences of one interaction, and support talk repeats itself; a remembered
    vector costs a thousandth of a computed one. Threads may share one memo: what one of them computes, the others wait
    for.

    Args:
        inner: Computes what is not remembered.
        capacity: Vectors kept, the least recently used go first; 16,384 of 384 dimensions take 25 MB.
    """

    def __init__(self, inner: Embedder, capacity: int = 16_384) -> None:
        self._inner = inner
        self._capacity = capacity
        self._known: OrderedDict[str, Vector] = OrderedDict()
        self._computing: dict[str, Computing] = {}
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
        vectors, ours, others = self._sort(dict.fromkeys(texts))
        if ours:  # before anything is waited for, so that no two threads wait for each other
            vectors |= self._compute(ours)
        for text, computing in others.items():
            vector = computing.result()
            # What came to nothing for others may go well now.
            vectors |= {text: vector} if vector is not None else self._compute({text: Future()})
        return np.stack([vectors[text] for text in texts])

    def _sort(self, texts: Iterable[str]) -> tuple[dict[str, Vector], dict[str, Computing], dict[str, Computing]]:
        """Returns what is known, what is to be computed here, from now on, and what others compute."""
        known: dict[str, Vector] = {}
        ours: dict[str, Computing] = {}
        others: dict[str, Computing] = {}
        with self._changing:
            for text in texts:
                if text in self._known:
                    self._known.move_to_end(text)
                    known[text] = self._known[text]
                elif text in self._computing:
                    others[text] = self._computing[text]
                else:
                    ours[text] = self._computing[text] = Future()
        return known, ours, others

    def _compute(self, asked: Mapping[str, Computing]) -> dict[str, Vector]:
        vectors: dict[str, Vector] = {}
        try:
            rows = self._inner.embed(list(asked))
            # A row would keep its whole batch alive.
            vectors = {text: row.copy() for text, row in zip(asked, rows, strict=True)}
        finally:
            with self._changing:
                self._known |= vectors
                while len(self._known) > self._capacity:
                    self._known.popitem(last=False)
                for text, computing in asked.items():
                    if self._computing.get(text) is computing:
                        del self._computing[text]
            for text, computing in asked.items():
                computing.set_result(vectors.get(text))
        return vectors

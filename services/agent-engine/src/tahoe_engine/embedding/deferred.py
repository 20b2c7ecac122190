"""Embedding that is built when it is first needed: numpy and the models cost time that most requests need not spend."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import override

from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.embedding.port import Embedder


class DeferredEmbedding(MemoryEmbedding):
    """Stands for a `MemoryEmbedding`, and builds it, once, when something of it is asked for.

    Building takes a moment, like embedding: both are done in a thread.

    Args:
        build: Makes the real one.
    """

    def __init__(self, build: Callable[[], MemoryEmbedding]) -> None:
        # The parent is frozen and sets its own fields the same way; here they are properties instead.
        object.__setattr__(self, "_once", _Once(build))

    @property
    @override
    def documents(self) -> Embedder:
        return self._once.get().documents

    @property
    @override
    def queries(self) -> Embedder:
        return self._once.get().queries

    @property
    @override
    def retiring(self) -> Sequence[Embedder]:
        return self._once.get().retiring

    @property
    @override
    def close(self) -> Callable[[], None]:
        return self._once.close

    _once: "_Once"


class _Once:
    def __init__(self, build: Callable[[], MemoryEmbedding]) -> None:
        self._build = build
        self._building = Lock()
        self._built: MemoryEmbedding | None = None

    def get(self) -> MemoryEmbedding:
        with self._building:
            if self._built is None:
                self._built = self._build()
            return self._built

    def close(self) -> None:
        with self._building:
            if self._built is not None:
                self._built.close()

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tahoe_engine.embedding.port import Embedder


def _nothing_to_close() -> None:
    return


@dataclass(frozen=True)
class MemoryEmbedding:
    """How memory turns texts into vectors; documents and queries have one model.

    Attributes:
        documents: For what is kept. It remembers no text and no vector: an erased memory must not live on in a cache.
        queries: For what is asked, which repeats itself. It gives up sooner, as somebody waits.
        retiring: Models whose vectors may still stand beside memories until they are embedded anew.
        close: Closes the connections that it keeps.
    """

    documents: Embedder
    queries: Embedder
    retiring: Sequence[Embedder] = ()
    close: Callable[[], None] = _nothing_to_close

    @property
    def model(self) -> str:
        """Name stored beside each vector."""
        return self.documents.model

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self.documents.dimensions

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from numpy.typing import NDArray

from tahoe_core.errors import UnavailableError
from tahoe_engine import composition
from tahoe_engine.embedding.deferred import DeferredEmbedding
from tahoe_engine.embedding.local import LocalEmbedder
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.embedding.port import Embedder
from tahoe_engine.settings import load_settings


def test_threads_that_need_the_embedder_at_once_share_one() -> None:
    composition._load_local.cache_clear()
    barrier = Barrier(4, timeout=30)

    def load(_: int) -> Embedder:
        barrier.wait()
        return composition.load_embedder()

    with ThreadPoolExecutor(4) as threads:
        loaded = list(threads.map(load, range(4)))
    assert len({id(embedder) for embedder in loaded}) == 1


class TestTheEmbeddingOfMemory:
    @pytest.fixture
    def remote(self) -> Iterator[MemoryEmbedding]:
        variables = {"EMBEDDING_MODEL": "text-embedding-3-small", "EMBEDDING_BASE_URL": "http://127.0.0.1:9/v1"}
        embedding = composition.build_memory_embedding(load_settings(variables))
        yield embedding
        embedding.close()

    def test_is_the_local_model_when_none_is_named(self) -> None:
        embedding = composition.build_memory_embedding(load_settings({}))
        assert (embedding.model, embedding.dimensions) == ("all-MiniLM-L6-v2", 384)
        assert isinstance(embedding.documents, LocalEmbedder)
        assert embedding.queries.model == embedding.model

    def test_is_the_endpoints_model_when_one_is_named(self, remote: MemoryEmbedding) -> None:
        assert (remote.model, remote.dimensions) == ("text-embedding-3-small", 1536)
        assert (remote.queries.model, remote.queries.dimensions) == (remote.model, remote.dimensions)

    def test_gives_up_a_query_soon_when_nobody_answers(self, remote: MemoryEmbedding) -> None:
        with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:9 cannot be reached .*, 2 times"):
            remote.queries.embed(["a"])

    def test_remembers_queries_and_no_document(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []
        embed = LocalEmbedder.embed

        def count(self: LocalEmbedder, texts: Sequence[str]) -> NDArray[np.float32]:
            asked.extend(texts)
            return embed(self, texts)

        monkeypatch.setattr(LocalEmbedder, "embed", count)
        embedding = composition.build_memory_embedding(load_settings({}))
        for _ in range(2):
            embedding.documents.embed(["kept"])
            embedding.queries.embed(["asked"])
        assert asked == ["kept", "asked", "kept"]

    def test_changes_nothing_for_the_checks(self, remote: MemoryEmbedding) -> None:
        assert composition.load_embedder().model == "all-MiniLM-L6-v2"


LOOK_AT_MEMORY = """
import asyncio, sys
from uuid import uuid4
from tahoe_core.db.address import DatabaseAddress
from tahoe_core.security.service_token import create_service_token
from tahoe_engine.app import create_app
from tahoe_engine.composition import compose
from tahoe_engine.settings import load_settings

token = create_service_token().get_secret_value()
settings = load_settings({"TAHOE_TEAM_ID": str(uuid4()), "TAHOE_SERVICE_TOKEN": token})
services = compose(settings, DatabaseAddress.parse("postgresql://app:pw@127.0.0.1:1/tahoe?schema=agent_engine"))
create_app(services)
services.memories(uuid4(), "test")
asyncio.run(services.aclose())
assert "numpy" not in sys.modules
embedding = services.embedding
assert embedding.documents is embedding.documents
assert (embedding.model, embedding.dimensions) == ("all-MiniLM-L6-v2", 384)
assert embedding.queries.model == embedding.model
assert list(embedding.retiring) == []
assert "numpy" in sys.modules
"""


def test_memory_loads_what_embeds_when_somebody_embeds() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK_AT_MEMORY], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_was_built_is_closed() -> None:
    closed: list[str] = []
    embedder = LocalEmbedder()
    embedding = DeferredEmbedding(lambda: MemoryEmbedding(embedder, embedder, (), lambda: closed.append("it")))
    embedding.close()
    assert closed == []
    assert embedding.documents is embedder
    embedding.close()
    assert closed == ["it"]

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tahoe_engine import composition
from tahoe_engine.embedding.port import Embedder


def test_threads_that_need_the_embedder_at_once_share_one() -> None:
    composition._load_local.cache_clear()
    barrier = Barrier(4, timeout=30)

    def load(_: int) -> Embedder:
        barrier.wait()
        return composition.load_embedder()

    with ThreadPoolExecutor(4) as threads:
        loaded = list(threads.map(load, range(4)))
    assert len({id(embedder) for embedder in loaded}) == 1

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
from numpy.typing import NDArray

from tahoe_core.errors import UnavailableError
from tahoe_engine.embedding.memo import MemoEmbedder


class CountingEmbedder:
    """Gives each text a vector of its length, and keeps what it was asked."""

    model = "lengths"
    dimensions = 2

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.extend(texts)
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)


def test_equal_texts_are_computed_once_and_answered_in_order() -> None:
    inner = CountingEmbedder()
    memo = MemoEmbedder(inner)
    vectors = memo.embed(["aa", "b", "aa"])
    assert vectors.tolist() == [[2, 1], [1, 1], [2, 1]]
    assert memo.embed(["b", "ccc"]).tolist() == [[1, 1], [3, 1]]
    assert inner.asked == ["aa", "b", "ccc"]


def test_it_speaks_for_the_inner_embedder() -> None:
    memo = MemoEmbedder(CountingEmbedder())
    assert (memo.model, memo.dimensions) == ("lengths", 2)
    assert memo.embed([]).shape == (0, 2)


def test_the_least_recently_used_is_forgotten_first() -> None:
    inner = CountingEmbedder()
    memo = MemoEmbedder(inner, capacity=2)
    memo.embed(["a", "bb"])
    memo.embed(["a"])
    memo.embed(["ccc"])
    inner.asked.clear()
    memo.embed(["a", "ccc", "bb"])
    assert inner.asked == ["bb"]


def test_more_texts_than_it_keeps_are_all_answered() -> None:
    memo = MemoEmbedder(CountingEmbedder(), capacity=3)
    assert memo.embed(["x" * n for n in range(1, 11)])[:, 0].tolist() == list(range(1, 11))


def test_a_caller_who_changes_a_vector_changes_only_its_own() -> None:
    memo = MemoEmbedder(CountingEmbedder())
    memo.embed(["aa"])[:] = 7
    assert memo.embed(["aa"]).tolist() == [[2, 1]]


def test_threads_may_share_it() -> None:
    memo = MemoEmbedder(CountingEmbedder(), capacity=5)
    texts = ["x" * n for n in range(1, 30)]
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(lambda _: memo.embed(texts), range(50)):
            assert vectors[:, 0].tolist() == list(range(1, 30))


class SlowEmbedder(CountingEmbedder):
    """Computes once it may, and fails the first time if it is to."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.begun, self.may = Event(), Event()
        self._fails = fails

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.begun.set()
        assert self.may.wait(10)
        if self._fails:
            self._fails = False
            raise UnavailableError("It is away.")
        return super().embed(texts)


class ForgetfulEmbedder(CountingEmbedder):
    """Forgets the last text."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return super().embed(texts)[:-1]


def test_what_one_thread_computes_another_waits_for() -> None:
    inner = SlowEmbedder()
    memo = MemoEmbedder(inner)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(memo.embed, ["aa"])
        assert inner.begun.wait(10)
        second = pool.submit(memo.embed, ["b", "aa"])
        inner.may.set()
        assert (first.result(10).tolist(), second.result(10).tolist()) == ([[2, 1]], [[1, 1], [2, 1]])
    assert sorted(inner.asked) == ["aa", "b"]


def test_what_failed_is_computed_again() -> None:
    inner = SlowEmbedder(fails=True)
    memo = MemoEmbedder(inner)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(memo.embed, ["aa"])
        assert inner.begun.wait(10)
        second = pool.submit(memo.embed, ["aa"])
        inner.may.set()
        with pytest.raises(UnavailableError):
            first.result(10)
        assert second.result(10).tolist() == [[2, 1]]


def test_an_embedder_that_gives_too_little_is_waited_for_by_nobody() -> None:
    memo = MemoEmbedder(ForgetfulEmbedder())
    for _ in range(2):
        with pytest.raises(ValueError, match="shorter"):
            memo.embed(["aa", "b"])

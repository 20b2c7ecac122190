from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from tahoe_core.cache.keyspace import CacheKey, Keyspace
from tahoe_core.cache.memory import ENTRY_OVERHEAD_BYTES, MemoryCache
from tahoe_core.cache.opening import open_cache
from tahoe_core.cache.redis import RedisCache

SPACE = Keyspace("test:")
VALUE = b"x" * 700
ROOM_FOR_TEN = 10 * (len("test:n:00") + len(VALUE) + ENTRY_OVERHEAD_BYTES)


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def key(number: int) -> CacheKey:
    return SPACE.key("n", f"{number:02}")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def small(clock: Clock) -> MemoryCache:
    return MemoryCache(ROOM_FOR_TEN, clock)


async def present(cache: MemoryCache) -> list[int]:
    return [number for number in range(40) if key(number) in cache._entries]


class TestAFullCache:
    async def test_drops_what_was_not_used_for_longest(self, small: MemoryCache) -> None:
        for number in range(10):
            await small.set(key(number), VALUE, ttl_s=60)
        assert await present(small) == list(range(10))
        await small.get(key(0))
        await small.set(key(10), VALUE, ttl_s=60)
        assert await present(small) == [0, 3, 4, 5, 6, 7, 8, 9, 10]

    async def test_drops_the_dead_before_the_living(self, small: MemoryCache, clock: Clock) -> None:
        for number in range(10):
            await small.set(key(number), VALUE, ttl_s=5 if number > 5 else 60)
        clock.now += 10
        await small.set(key(10), VALUE, ttl_s=60)
        assert await present(small) == [0, 1, 2, 3, 4, 5, 10]

    async def test_keeps_the_newest_even_if_it_is_all_that_fits(self, small: MemoryCache) -> None:
        await small.set(key(0), VALUE, ttl_s=60)
        await small.set(key(1), b"x" * ROOM_FOR_TEN * 2, ttl_s=60)
        assert await present(small) == [1]

    async def test_has_room_again_after_deletes(self, small: MemoryCache) -> None:
        for _ in range(3):
            for number in range(10):
                await small.set(key(number), VALUE, ttl_s=60)
            for number in range(10):
                await small.delete(key(number))
        assert small._bytes == 0


class TestTime:
    async def test_ends_a_value_at_its_very_end(self, small: MemoryCache, clock: Clock) -> None:
        await small.set(key(0), b"x", ttl_s=5)
        clock.now += 4.999
        assert await small.exists(key(0))
        clock.now += 0.001
        assert not await small.exists(key(0))
        assert small._bytes == 0

    async def test_of_a_counter_is_kept(self, small: MemoryCache, clock: Clock) -> None:
        await small.increment(key(0), ttl_s=5)
        clock.now += 2
        await small.increment(key(0), ttl_s=5)
        assert await small.find_ttl_s(key(0)) == pytest.approx(3)


@given(
    st.lists(st.tuples(st.sampled_from(["set", "add", "delete", "increment"]), st.integers(0, 30), st.integers(0, 900)))
)
async def test_the_bound_holds_whatever_is_done(steps: list[tuple[str, int, int]]) -> None:
    cache = MemoryCache(ROOM_FOR_TEN)
    for step, number, size in steps:
        match step:
            case "set":
                await cache.set(key(number), b"1" * size, ttl_s=60)
            case "add":
                await cache.add(key(number), b"1" * size, ttl_s=60)
            case "delete":
                await cache.delete(key(number))
            case _:
                await cache.increment(SPACE.key("c", number), ttl_s=60)
        assert cache._bytes <= ROOM_FOR_TEN
        assert cache._bytes == sum(len(k) + len(v) + ENTRY_OVERHEAD_BYTES for k, (v, _) in cache._entries.items())


async def test_which_cache_is_opened_depends_on_the_url() -> None:
    assert isinstance(open_cache(None), MemoryCache)
    cache = open_cache(SecretStr("redis://127.0.0.1:1"))
    assert isinstance(cache, RedisCache)
    await cache.aclose()

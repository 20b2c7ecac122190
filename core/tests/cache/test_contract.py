"""What a cache is. Every implementation passes every test here."""

import asyncio
from uuid import uuid4

import pytest

from tahoe_core.cache.keyspace import CacheKey, Keyspace
from tahoe_core.cache.port import MAX_TTL_SECONDS, MAX_VALUE_BYTES, Cache
from tahoe_core.errors import InvalidInputError, TahoeError

LONG = 60.0
SHORT = 0.06


@pytest.fixture
def key() -> CacheKey:
    return Keyspace("test:").key("contract", uuid4())


async def lapse() -> None:
    await asyncio.sleep(SHORT * 2)


class TestAValue:
    async def test_is_found_again(self, cache: Cache, key: CacheKey) -> None:
        await cache.set(key, b"a\x00b\xff", ttl_s=LONG)
        assert await cache.get(key) == b"a\x00b\xff"
        assert await cache.exists(key)

    async def test_may_be_empty(self, cache: Cache, key: CacheKey) -> None:
        await cache.set(key, b"", ttl_s=LONG)
        assert await cache.get(key) == b""
        assert await cache.exists(key)

    async def test_that_was_never_stored_is_none(self, cache: Cache, key: CacheKey) -> None:
        assert await cache.get(key) is None
        assert not await cache.exists(key)
        assert await cache.find_ttl_s(key) is None

    async def test_is_replaced_by_the_next(self, cache: Cache, key: CacheKey) -> None:
        await cache.set(key, b"one", ttl_s=LONG)
        await cache.set(key, b"two", ttl_s=LONG)
        assert await cache.get(key) == b"two"

    async def test_is_no_other_keys_value(self, cache: Cache) -> None:
        space, number = Keyspace("test:"), uuid4()
        await cache.set(space.key("a", number, "b:c"), b"one", ttl_s=LONG)
        assert await cache.get(space.key("a", number, "b", "c")) is None

    async def test_may_be_as_large_as_the_limit(self, cache: Cache, key: CacheKey) -> None:
        await cache.set(key, b"x" * MAX_VALUE_BYTES, ttl_s=LONG)
        assert len(await cache.get(key) or b"") == MAX_VALUE_BYTES

    async def test_larger_than_the_limit_is_refused(self, cache: Cache, key: CacheKey) -> None:
        for store in (cache.set, cache.add):
            with pytest.raises(InvalidInputError, match="larger than"):
                await store(key, b"x" * (MAX_VALUE_BYTES + 1), ttl_s=LONG)
        assert not await cache.exists(key)


class TestTime:
    async def test_ends_a_value(self, cache: Cache, key: CacheKey) -> None:
        await cache.set(key, b"x", ttl_s=SHORT)
        await lapse()
        assert await cache.get(key) is None
        assert not await cache.exists(key)

    async def test_can_be_asked_for(self, cache: Cache, key: CacheKey) -> None:
        await cache.set(key, b"x", ttl_s=10)
        left = await cache.find_ttl_s(key)
        assert left is not None
        assert 9 < left <= 10

    async def test_starts_anew_with_a_new_value(self, cache: Cache, key: CacheKey) -> None:
        await cache.set(key, b"x", ttl_s=SHORT)
        await cache.set(key, b"y", ttl_s=LONG)
        await lapse()
        assert await cache.get(key) == b"y"

    async def test_can_be_prolonged(self, cache: Cache, key: CacheKey) -> None:
        await cache.set(key, b"x", ttl_s=SHORT)
        assert await cache.expire(key, ttl_s=LONG)
        await lapse()
        assert await cache.get(key) == b"x"

    async def test_of_what_is_not_there_cannot_be_prolonged(self, cache: Cache, key: CacheKey) -> None:
        assert not await cache.expire(key, ttl_s=LONG)
        assert not await cache.exists(key)

    @pytest.mark.parametrize("ttl_s", [0, -1, float("nan"), float("inf"), MAX_TTL_SECONDS + 1])
    async def test_that_is_no_time_is_refused(self, cache: Cache, key: CacheKey, ttl_s: float) -> None:
        with pytest.raises(InvalidInputError, match="time to live"):
            await cache.set(key, b"x", ttl_s=ttl_s)
        with pytest.raises(InvalidInputError, match="time to live"):
            await cache.add(key, b"x", ttl_s=ttl_s)
        with pytest.raises(InvalidInputError, match="time to live"):
            await cache.increment(key, ttl_s=ttl_s)
        with pytest.raises(InvalidInputError, match="time to live"):
            await cache.expire(key, ttl_s=ttl_s)
        assert not await cache.exists(key)

    async def test_may_be_shorter_than_a_millisecond(self, cache: Cache, key: CacheKey) -> None:
        await cache.set(key, b"x", ttl_s=0.0001)
        await lapse()
        assert not await cache.exists(key)


class TestDeleting:
    async def test_removes_a_value_and_says_so(self, cache: Cache, key: CacheKey) -> None:
        await cache.set(key, b"x", ttl_s=LONG)
        assert await cache.delete(key)
        assert await cache.get(key) is None

    async def test_says_when_nothing_was_there(self, cache: Cache, key: CacheKey) -> None:
        assert not await cache.delete(key)


class TestAdding:
    async def test_stores_what_is_not_there(self, cache: Cache, key: CacheKey) -> None:
        assert await cache.add(key, b"x", ttl_s=LONG)
        assert await cache.get(key) == b"x"

    async def test_leaves_what_is_there(self, cache: Cache, key: CacheKey) -> None:
        await cache.set(key, b"x", ttl_s=10)
        assert not await cache.add(key, b"y", ttl_s=LONG)
        assert await cache.get(key) == b"x"
        assert (await cache.find_ttl_s(key) or 0) <= 10

    async def test_succeeds_again_when_the_time_is_over(self, cache: Cache, key: CacheKey) -> None:
        await cache.add(key, b"x", ttl_s=SHORT)
        await lapse()
        assert await cache.add(key, b"y", ttl_s=LONG)

    async def test_of_many_at_once_one_succeeds(self, cache: Cache, key: CacheKey) -> None:
        results = await asyncio.gather(*(cache.add(key, str(n).encode(), ttl_s=LONG) for n in range(50)))
        assert results.count(True) == 1
        assert await cache.get(key) == str(results.index(True)).encode()


class TestReleasingALock:
    async def test_its_holder_can(self, cache: Cache, key: CacheKey) -> None:
        await cache.add(key, b"mine", ttl_s=LONG)
        assert await cache.delete_if_equal(key, b"mine")
        assert not await cache.exists(key)

    async def test_another_cannot(self, cache: Cache, key: CacheKey) -> None:
        await cache.add(key, b"theirs", ttl_s=LONG)
        assert not await cache.delete_if_equal(key, b"mine")
        assert await cache.get(key) == b"theirs"

    async def test_nobody_can_where_none_is(self, cache: Cache, key: CacheKey) -> None:
        assert not await cache.delete_if_equal(key, b"mine")


class TestCounting:
    async def test_begins_at_nothing(self, cache: Cache, key: CacheKey) -> None:
        assert [await cache.increment(key, ttl_s=LONG) for _ in range(3)] == [1, 2, 3]
        assert await cache.get(key) == b"3"

    async def test_adds_any_amount(self, cache: Cache, key: CacheKey) -> None:
        assert await cache.increment(key, 10, ttl_s=LONG) == 10
        assert await cache.increment(key, -3, ttl_s=LONG) == 7

    async def test_loses_nothing_at_once(self, cache: Cache, key: CacheKey) -> None:
        counts = await asyncio.gather(*(cache.increment(key, ttl_s=LONG) for _ in range(100)))
        assert sorted(counts) == list(range(1, 101))

    async def test_does_not_prolong_its_time(self, cache: Cache, key: CacheKey) -> None:
        await cache.increment(key, ttl_s=SHORT)
        await cache.increment(key, ttl_s=LONG)
        await lapse()
        assert await cache.increment(key, ttl_s=LONG) == 1

    async def test_what_is_no_counter_is_an_error_that_changes_nothing(self, cache: Cache, key: CacheKey) -> None:
        await cache.set(key, b"x", ttl_s=LONG)
        with pytest.raises(TahoeError, match="holds no whole number"):
            await cache.increment(key, ttl_s=LONG)
        assert await cache.get(key) == b"x"


async def test_it_answers_a_ping(cache: Cache) -> None:
    await cache.ping()

"""What only a cache on the far side of a network can do: be away."""

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from tahoe_core.cache.keyspace import Keyspace
from tahoe_core.cache.redis import RedisCache
from tahoe_core.errors import UnavailableError

if TYPE_CHECKING:
    from core.tests.cache.conftest import StartRedis

KEY = Keyspace("test:").key("redis", 1)


async def every_method(cache: RedisCache) -> None:
    questions = [
        cache.get(KEY),
        cache.set(KEY, b"x", ttl_s=1),
        cache.add(KEY, b"x", ttl_s=1),
        cache.increment(KEY, ttl_s=1),
        cache.delete(KEY),
        cache.delete_if_equal(KEY, b"x"),
        cache.expire(KEY, ttl_s=1),
        cache.find_ttl_s(KEY),
        cache.exists(KEY),
        cache.ping(),
    ]
    answers = await asyncio.gather(*questions, return_exceptions=True)
    assert [type(answer) for answer in answers] == [UnavailableError] * len(questions)


async def test_when_nobody_listens_every_method_says_so(unused_tcp_port: int) -> None:
    cache = RedisCache(SecretStr(f"redis://:hunter2@127.0.0.1:{unused_tcp_port}"))
    await every_method(cache)
    with pytest.raises(
        UnavailableError, match=rf"Redis at 127.0.0.1:{unused_tcp_port} does not answer.*REDIS_URL"
    ) as raised:
        await cache.ping()
    assert "hunter2" not in str(raised.value)
    await cache.aclose()


async def test_when_the_server_takes_calls_but_never_answers_no_method_waits_long() -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(swallow, "127.0.0.1", 0) as server:
        cache = RedisCache(SecretStr(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"), timeout_s=0.1)
        started_at = time.monotonic()
        await every_method(cache)
        assert time.monotonic() - started_at < 5
        await cache.aclose()


async def test_a_server_that_comes_back_is_used_again_without_an_error(
    start_redis: "StartRedis", unused_tcp_port: int
) -> None:
    process = start_redis(unused_tcp_port)
    cache = RedisCache(SecretStr(f"redis://127.0.0.1:{unused_tcp_port}"))
    await asyncio.gather(*(cache.set(KEY, b"x", ttl_s=60) for _ in range(5)))
    process.kill()
    process.wait()
    with pytest.raises(UnavailableError):
        await cache.get(KEY)
    start_redis(unused_tcp_port)
    assert await cache.get(KEY) is None
    assert await cache.increment(KEY, ttl_s=60) == 1
    await cache.aclose()


async def test_a_restart_between_two_calls_is_not_noticed(start_redis: "StartRedis", unused_tcp_port: int) -> None:
    process = start_redis(unused_tcp_port)
    cache = RedisCache(SecretStr(f"redis://127.0.0.1:{unused_tcp_port}"))
    assert await cache.add(KEY, b"x", ttl_s=60)
    process.kill()
    process.wait()
    start_redis(unused_tcp_port)
    await asyncio.sleep(0.05)
    assert await cache.add(KEY, b"y", ttl_s=60)
    await cache.aclose()


async def test_more_callers_than_connections_are_all_served(redis_url: str) -> None:
    cache = RedisCache(SecretStr(redis_url))
    counter = Keyspace("test:").key("redis", "many")
    counts = await asyncio.gather(*(cache.increment(counter, ttl_s=60) for _ in range(300)))
    assert max(counts) == 300
    await cache.aclose()


async def test_a_caller_that_is_cancelled_leaves_no_answer_to_the_next(redis_url: str) -> None:
    cache = RedisCache(SecretStr(redis_url))
    space = Keyspace("test:")
    for number in range(20):
        await cache.set(space.key("cancel", number), str(number).encode(), ttl_s=60)
    for number in range(20):
        task = asyncio.create_task(cache.get(space.key("cancel", number)))
        await asyncio.sleep(0.0002 * (number % 4))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await cache.get(space.key("cancel", 19 - number)) == str(19 - number).encode()
    await cache.aclose()

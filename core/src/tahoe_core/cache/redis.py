"""The cache on Redis: what many processes share."""

import asyncio
from collections.abc import Awaitable, Callable

from pydantic import SecretStr
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig

from tahoe_core.cache.keyspace import CacheKey
from tahoe_core.cache.port import require_size, require_ttl
from tahoe_core.errors import TahoeError, UnavailableError

TIMEOUT_SECONDS = 2.0
MAX_CONNECTIONS = 50
BACKOFF_SECONDS = (0.05, 0.2)
"""Waits before the second and the third try."""

DELETE_IF_EQUAL = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class RedisCache:
    """A `Cache` on a Redis, version 6 or later.

    What can be asked twice without harm is asked up to three times. `add`, `increment` and `delete_if_equal` are asked
    once: when their answer is lost, nobody knows whether they were done. The pool replaces connections that the server
    closed meanwhile before it hands them out, so a Redis that restarted costs no request.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        timeout_s: Bound on connecting, on each answer, and on waiting for a free connection.
    """

    def __init__(self, url: SecretStr, *, timeout_s: float = TIMEOUT_SECONDS) -> None:
        self._pool = BlockingConnectionPool.from_url(
            url.get_secret_value(),
            max_connections=MAX_CONNECTIONS,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
            # Redis Enterprise's notices; while they are on, the pool hands out connections that the server has closed.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self._redis = Redis(connection_pool=self._pool)
        at = self._pool.connection_kwargs
        self._address = at.get("path") or f"{at.get('host', 'localhost')}:{at.get('port', 6379)}"

    async def get(self, key: CacheKey) -> bytes | None:
        """Returns the value, or None."""
        value = await self._ask_again(lambda: self._redis.get(key))
        return value.encode() if isinstance(value, str) else value

    async def set(self, key: CacheKey, value: bytes, *, ttl_s: float) -> None:
        """Stores the value, whatever stood there."""
        require_size(value)
        px = _milliseconds(ttl_s)
        await self._ask_again(lambda: self._redis.set(key, value, px=px))

    async def add(self, key: CacheKey, value: bytes, *, ttl_s: float) -> bool:
        """Stores the value if nothing stands there; says whether it did."""
        require_size(value)
        px = _milliseconds(ttl_s)
        return bool(await self._ask(lambda: self._redis.set(key, value, px=px, nx=True)))

    async def increment(self, key: CacheKey, amount: int = 1, *, ttl_s: float) -> int:
        """Adds to a counter and returns it."""
        px = _milliseconds(ttl_s)

        async def count() -> int:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.set(key, 0, px=px, nx=True)
                pipeline.incrby(key, amount)
                try:
                    return int((await pipeline.execute())[1])
                except ResponseError as error:
                    if "not an integer" in str(error):
                        raise TahoeError(f"The cache entry {key} holds no whole number.") from error
                    raise

        return await self._ask(count)

    async def delete(self, key: CacheKey) -> bool:
        """Removes the entry; says whether it was there."""
        return bool(await self._ask_again(lambda: self._redis.delete(key)))

    async def delete_if_equal(self, key: CacheKey, value: bytes) -> bool:
        """Removes the entry if it still holds this value."""
        return bool(await self._ask(lambda: self._redis.eval(DELETE_IF_EQUAL, 1, key, value)))

    async def expire(self, key: CacheKey, *, ttl_s: float) -> bool:
        """Starts the entry's time anew; says whether it was there."""
        px = _milliseconds(ttl_s)
        return bool(await self._ask_again(lambda: self._redis.pexpire(key, px)))

    async def find_ttl_s(self, key: CacheKey) -> float | None:
        """Returns the seconds that are left, or None."""
        left_ms = int(await self._ask_again(lambda: self._redis.pttl(key)))
        return left_ms / 1000 if left_ms >= 0 else None

    async def exists(self, key: CacheKey) -> bool:
        """Whether the entry is there."""
        return bool(await self._ask_again(lambda: self._redis.exists(key)))

    async def ping(self) -> None:
        """Returns if Redis answers."""
        await self._ask(self._redis.ping)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()
        await self._pool.aclose()

    async def _ask_again[Answer](self, question: Callable[[], Awaitable[Answer]]) -> Answer:
        for wait_s in BACKOFF_SECONDS:
            try:
                return await self._ask(question)
            except UnavailableError:
                await asyncio.sleep(wait_s)
        return await self._ask(question)

    async def _ask[Answer](self, question: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            return await question()
        except (RedisError, OSError) as error:
            raise UnavailableError(
                f"Redis at {self._address} does not answer: {type(error).__name__}.",
                cure="See that it runs and that REDIS_URL names it.",
            ) from error


def _milliseconds(ttl_s: float) -> int:
    require_ttl(ttl_s)
    return max(1, round(ttl_s * 1000))

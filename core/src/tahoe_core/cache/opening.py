"""Which cache a process uses."""

from pydantic import SecretStr

from tahoe_core.cache.memory import MemoryCache
from tahoe_core.cache.port import Cache


def open_cache(redis_url: SecretStr | None) -> Cache:
    """Returns the cache on this Redis, or an in-process one; nothing is connected before the first use."""
    if redis_url is None:
        return MemoryCache()
    from tahoe_core.cache.redis import RedisCache  # noqa: PLC0415 - embedded, nobody pays its 0.1 s of import

    return RedisCache(redis_url)

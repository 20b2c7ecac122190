"""The in-process cache: what an embedded Tahoe uses instead of Redis."""

import time
from collections import OrderedDict
from collections.abc import Callable

from tahoe_core.cache.keyspace import CacheKey
from tahoe_core.cache.port import require_size, require_ttl
from tahoe_core.errors import TahoeError

DEFAULT_MAX_BYTES = 64 * 1024 * 1024
ENTRY_OVERHEAD_BYTES = 300
LOW_WATER = 0.9
"""Eviction goes on until this part of the bound is in use, so that many writes share one scan for dead entries."""


class MemoryCache:
    """A `Cache` for the tasks of one event loop: no method awaits inside, so each is one step to all others.

    Args:
        max_bytes: Bound on keys, values and their bookkeeping; beyond it the dead go, then the least recently used.
        clock: Seconds that never go back.
    """

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[CacheKey, tuple[bytes, float]] = OrderedDict()
        self._bytes = 0

    async def get(self, key: CacheKey) -> bytes | None:
        """Returns the value, or None."""
        entry = self._find(key)
        return entry[0] if entry else None

    async def set(self, key: CacheKey, value: bytes, *, ttl_s: float) -> None:
        """Stores the value, whatever stood there."""
        require_ttl(ttl_s)
        require_size(value)
        self._put(key, value, self._clock() + ttl_s)

    async def add(self, key: CacheKey, value: bytes, *, ttl_s: float) -> bool:
        """Stores the value if nothing stands there; says whether it did."""
        require_ttl(ttl_s)
        require_size(value)
        if self._find(key):
            return False
        self._put(key, value, self._clock() + ttl_s)
        return True

    async def increment(self, key: CacheKey, amount: int = 1, *, ttl_s: float) -> int:
        """Adds to a counter and returns it."""
        require_ttl(ttl_s)
        value, ends_at = self._find(key) or (b"0", self._clock() + ttl_s)
        try:
            total = int(value) + amount
        except ValueError:
            raise TahoeError(f"The cache entry {key} holds no whole number.") from None
        self._put(key, str(total).encode(), ends_at)
        return total

    async def delete(self, key: CacheKey) -> bool:
        """Removes the entry; says whether it was there."""
        found = self._find(key) is not None
        self._remove(key)
        return found

    async def delete_if_equal(self, key: CacheKey, value: bytes) -> bool:
        """Removes the entry if it still holds this value."""
        entry = self._find(key)
        if entry is None or entry[0] != value:
            return False
        self._remove(key)
        return True

    async def expire(self, key: CacheKey, *, ttl_s: float) -> bool:
        """Starts the entry's time anew; says whether it was there."""
        require_ttl(ttl_s)
        entry = self._find(key)
        if entry:
            self._entries[key] = (entry[0], self._clock() + ttl_s)
        return entry is not None

    async def find_ttl_s(self, key: CacheKey) -> float | None:
        """Returns the seconds that are left, or None."""
        entry = self._find(key)
        return entry[1] - self._clock() if entry else None

    async def exists(self, key: CacheKey) -> bool:
        """Whether the entry is there."""
        return self._find(key) is not None

    async def ping(self) -> None:
        """Always answers."""

    async def aclose(self) -> None:
        """Forgets everything."""
        self._entries.clear()
        self._bytes = 0

    def _find(self, key: CacheKey) -> tuple[bytes, float] | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] <= self._clock():
            self._remove(key)
            return None
        self._entries.move_to_end(key)
        return entry

    def _put(self, key: CacheKey, value: bytes, ends_at: float) -> None:
        self._remove(key)
        self._entries[key] = (value, ends_at)
        self._bytes += _cost(key, value)
        if self._bytes > self._max_bytes:
            self._evict()

    def _remove(self, key: CacheKey) -> None:
        entry = self._entries.pop(key, None)
        if entry:
            self._bytes -= _cost(key, entry[0])

    def _evict(self) -> None:
        now = self._clock()
        for key in [key for key, (_, ends_at) in self._entries.items() if ends_at <= now]:
            self._remove(key)
        while self._bytes > self._max_bytes * LOW_WATER and len(self._entries) > 1:
            self._remove(next(iter(self._entries)))


def _cost(key: CacheKey, value: bytes) -> int:
    return len(key) + len(value) + ENTRY_OVERHEAD_BYTES

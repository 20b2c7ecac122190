"""The cache that services share: sessions, rate limits, locks. Nothing that must not be lost."""

from typing import Protocol

from tahoe_core.cache.keyspace import CacheKey
from tahoe_core.errors import InvalidInputError

MAX_VALUE_BYTES = 4 * 1024 * 1024
MAX_TTL_SECONDS = 366 * 24 * 3600


class Cache(Protocol):
    """Values that end by themselves: every entry has a time to live, in seconds, fractions of it included.

    Any entry may vanish early (eviction, a restart), and a caller copes. Every method raises `UnavailableError` when
    the cache does not answer in time. `core/tests/cache/test_contract.py` is the contract; every implementation
    passes it.
    """

    async def get(self, key: CacheKey) -> bytes | None:
        """Returns the value, or None."""
        ...

    async def set(self, key: CacheKey, value: bytes, *, ttl_s: float) -> None:
        """Stores the value, whatever stood there, and starts its time anew."""
        ...

    async def add(self, key: CacheKey, value: bytes, *, ttl_s: float) -> bool:
        """Stores the value if nothing stands there; says whether it did. Of many at once, one succeeds."""
        ...

    async def increment(self, key: CacheKey, amount: int = 1, *, ttl_s: float) -> int:
        """Adds to a counter and returns it. The time starts with its first increment and is not prolonged.

        Raises:
            TahoeError: What stands there is no counter.
        """
        ...

    async def delete(self, key: CacheKey) -> bool:
        """Removes the entry; says whether it was there."""
        ...

    async def delete_if_equal(self, key: CacheKey, value: bytes) -> bool:
        """Removes the entry if it still holds this value, in one step: so a lock is released by its holder alone."""
        ...

    async def expire(self, key: CacheKey, *, ttl_s: float) -> bool:
        """Starts the entry's time anew; says whether it was there."""
        ...

    async def find_ttl_s(self, key: CacheKey) -> float | None:
        """Returns the seconds that are left, or None if the entry is not there."""
        ...

    async def exists(self, key: CacheKey) -> bool:
        """Whether the entry is there."""
        ...

    async def ping(self) -> None:
        """Returns if the cache answers."""
        ...

    async def aclose(self) -> None:
        """Lets go of what the cache holds open."""
        ...


def require_ttl(ttl_s: float) -> None:
    """Refuses a time to live that is no time.

    Raises:
        InvalidInputError: Zero, negative, not a number, or above a year.
    """
    if not 0 < ttl_s <= MAX_TTL_SECONDS:
        raise InvalidInputError(f"A time to live of {ttl_s} s is not between 0 and {MAX_TTL_SECONDS} s.")


def require_size(value: bytes) -> None:
    """Refuses a value that does not belong in a cache.

    Raises:
        InvalidInputError: More than `MAX_VALUE_BYTES`.
    """
    if len(value) > MAX_VALUE_BYTES:
        raise InvalidInputError(f"A cache value of {len(value)} bytes is larger than {MAX_VALUE_BYTES}.")

"""Names in the cache: `service:namespace:key`."""

import re
from typing import NewType
from urllib.parse import quote

from tahoe_core.errors import InvalidInputError

CacheKey = NewType("CacheKey", str)
"""A key that a `Keyspace` built; the cache takes no others."""

PREFIX = re.compile(r"[a-z0-9_-]+(?::[a-z0-9_-]+)*:?")
PLAIN = "!$&'()*+,-./;=?@[]^_`{|}~"
MAX_KEY_CHARACTERS = 1024


class Keyspace:
    """One service's part of the shared cache.

    `Keyspace("agent:").key("session", 123)` is `agent:session:123`. What would break the pattern inside a part (a
    colon, a space, a control character, anything that is not ASCII) is percent-encoded rather than refused, since parts
    come from outside (an idempotency key, an e-mail address) and must neither fail nor ever meet another key.

    Args:
        prefix: The service's namespace, with or without its closing colon: `AGENT_ENGINE_REDIS_NAMESPACE`.
    """

    def __init__(self, prefix: str) -> None:
        if not PREFIX.fullmatch(prefix):
            raise InvalidInputError(
                f"{prefix!r} cannot name a part of the cache.",
                cure="Use lower-case letters, digits, - and _, with colons between them, such as agent:",
            )
        self.prefix = prefix.removesuffix(":")

    def key(self, namespace: str, *parts: object) -> CacheKey:
        """Returns the key of these parts; different parts always give different keys.

        Raises:
            InvalidInputError: A part is empty, or all of them together are too long.
        """
        texts = [str(part) for part in (namespace, *parts)]
        if not parts or not all(texts):
            raise InvalidInputError("A cache key needs a namespace and at least one part, none of them empty.")
        key = ":".join([self.prefix, *(quote(text, safe=PLAIN, errors="surrogatepass") for text in texts)])
        if len(key) > MAX_KEY_CHARACTERS:
            raise InvalidInputError(f"A cache key of {len(key)} characters is longer than {MAX_KEY_CHARACTERS}.")
        return CacheKey(key)

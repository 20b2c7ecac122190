"""`Idempotency-Key`: a POST that is sent twice is done once.

Follows the IETF's draft "The Idempotency-Key HTTP Header Field". The first request with a key claims it in the cache;
its answer, if it succeeded, is kept there and given again. This stands outside of the routes, so what is kept is what
was sent after the transaction was committed. The cache may forget: where a double would do harm, a unique key in the
database must prevent it too.

An answer with `Cache-Control: no-store` holds what may have to be erased, and the cache is a copy that no erasure
reaches. Of such an answer only the fact is kept, and its `Location`: the repeat is a 409 that leads there.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import re
import secrets
from http import HTTPStatus
from typing import Any

from fastapi import Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tahoe_core.cache.keyspace import CacheKey, Keyspace
from tahoe_core.cache.port import MAX_VALUE_BYTES, Cache
from tahoe_core.errors import ConflictError, InvalidInputError, UnavailableError
from tahoe_core.http.authentication import SCOPE_KEY as PRINCIPAL
from tahoe_core.http.error_rendering import render_error

log = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
REPLAYED_HEADER = b"idempotency-replayed"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
CLAIM_SECONDS = 60.0
CLAIM_RENEWAL_SECONDS = 20.0
"""A claim is renewed while its request runs; when its process dies, the key is free after `CLAIM_SECONDS`."""
KEPT_SECONDS = 24 * 3600.0
MAX_KEPT_BYTES = MAX_VALUE_BYTES - 64 * 1024


class IdempotencyMiddleware:
    """Does each POST with an `Idempotency-Key` once for its team and path.

    The same key and request: the first answer again, or a 409 with its Location where it was not to be stored. The same
    key, another request: 422. The first still running: 409. Only answers of 2xx are kept; after any other the same key
    may be tried again.

    Args:
        app: What lies within.
        cache: Where claims and answers are kept.
        keyspace: The service's part of the cache.
    """

    def __init__(self, app: ASGIApp, cache: Cache, keyspace: Keyspace) -> None:
        self._app = app
        self._cache = cache
        self._keyspace = keyspace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; an error is rendered further out."""
        principal = scope.get(PRINCIPAL)
        key = Headers(scope=scope).get(HEADER) if scope["type"] == "http" and scope["method"] == "POST" else None
        if key is None or principal is None:
            await self._app(scope, receive, send)
            return
        if not KEY.fullmatch(key):
            raise InvalidInputError(f"{HEADER} is not 1 to 255 visible ASCII characters.", field=HEADER)
        body = await _read_body(receive)
        if body is None:
            return
        cache_key = self._keyspace.key("idempotency", principal.team_id, _hashed(scope["path"].encode(), key.encode()))
        # With the key, which is stored nowhere in clear, so that nobody finds out a short body by trying.
        content_type = Headers(scope=scope).get("content-type", "").encode()
        fingerprint = _hashed(key.encode(), scope["query_string"], content_type, body)
        claim = _pack({"state": "running", "fingerprint": fingerprint, "claim": secrets.token_hex(8)})
        if await self._cache.add(cache_key, claim, ttl_s=CLAIM_SECONDS):
            await self._do(
                scope, _replaying(body, receive), _Recorder(self._cache, cache_key, fingerprint, send), claim
            )
        else:
            response = await self._answer_again(scope, cache_key, fingerprint)
            await response(scope, receive, send)

    async def _do(self, scope: Scope, receive: Receive, recorder: "_Recorder", claim: bytes) -> None:
        try:
            await self._app(scope, receive, recorder.send)
        finally:
            await recorder.end_renewal()
            if not recorder.has_kept:
                with contextlib.suppress(UnavailableError):  # then the claim ends by itself
                    await self._cache.delete_if_equal(recorder.key, claim)

    async def _answer_again(self, scope: Scope, key: CacheKey, fingerprint: str) -> Response:
        kept = await self._cache.get(key)
        if kept is None:
            raise ConflictError("The first request with this key has just failed.", cure="Send it again.", field=HEADER)
        head, _, body = kept.partition(b"\n")
        record = json.loads(head)
        if record["fingerprint"] != fingerprint:
            raise InvalidInputError(
                f"This {HEADER} was used for another request.", cure="Use a new key for a new request.", field=HEADER
            )
        if record["state"] == "running":
            raise ConflictError(
                "The first request with this key is still being done.", cure="Wait, then send it again."
            )
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in record["headers"]]
        if record["not_kept"]:
            done = ConflictError(f"This was done; its answer {record['not_kept']}.", cure="Read the result by GET.")
            response = render_error(scope, done)
            response.raw_headers.extend(headers)
            return response
        response = Response(body, record["status"])
        response.raw_headers = [*headers, (REPLAYED_HEADER, b"true")]
        return response


class _Recorder:
    """Renews the claim while an answer is made, passes the answer on, and keeps it before its last piece leaves."""

    def __init__(self, cache: Cache, key: CacheKey, fingerprint: str, send: Send) -> None:
        self.key = key
        self.has_kept = False
        self._cache = cache
        self._fingerprint = fingerprint
        self._send = send
        self._start: Message = {}
        self._body = bytearray()
        self._size = 0
        self._is_made = asyncio.Event()
        self._renewal = asyncio.create_task(self._renew_claim())

    async def end_renewal(self) -> None:
        """Returns when no renewal can follow: it would cut the life of a kept answer down to that of a claim."""
        self._is_made.set()
        await asyncio.gather(self._renewal, return_exceptions=True)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            piece = message.get("body", b"")
            self._size += len(piece)
            if self._size <= MAX_KEPT_BYTES:
                self._body += piece
            if not message.get("more_body", False) and HTTPStatus(self._start["status"]).is_success:
                await self._keep()
        await self._send(message)

    async def _renew_claim(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_made.wait(), CLAIM_RENEWAL_SECONDS)
                return
            with contextlib.suppress(UnavailableError):
                await self._cache.expire(self.key, ttl_s=CLAIM_SECONDS)

    async def _keep(self) -> None:
        headers = Headers(raw=self._start["headers"])
        not_kept = ""
        if self._size > MAX_KEPT_BYTES:
            not_kept = "was too large to be kept"
        elif "no-store" in headers.get("cache-control", "").lower():
            not_kept = "holds what is not to be kept"
        head = {
            "state": "done",
            "fingerprint": self._fingerprint,
            "not_kept": not_kept,
            "status": self._start["status"],
            "headers": [item for item in headers.items() if not not_kept or item[0] == "location"],
        }
        self.has_kept = True  # done is done: the claim must not be freed, whether or not the cache takes the answer
        await self.end_renewal()
        try:
            await self._cache.set(self.key, _pack(head) + (b"" if not_kept else bytes(self._body)), ttl_s=KEPT_SECONDS)
        except UnavailableError:
            log.warning("an answer could not be kept for its idempotency key", exc_info=True)


async def _read_body(receive: Receive) -> bytes | None:
    """Returns the whole body, which is bounded further out; None if the client left."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _replaying(body: bytes, receive: Receive) -> Receive:
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay


def _hashed(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.hexdigest()


def _pack(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode() + b"\n"

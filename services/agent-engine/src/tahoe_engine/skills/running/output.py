"""What a process prints and reads."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Captured:
    """What was kept of a stream.

    Attributes:
        is_cut: Whether there was more.
    """

    text: str
    is_cut: bool


async def capture(stream: asyncio.StreamReader, most_bytes: int) -> Captured:
    """Reads a stream to its end, or until it is cancelled, and keeps the beginning."""
    kept = bytearray()
    is_cut = False
    with suppress(asyncio.CancelledError):
        while chunk := await stream.read(_CHUNK_BYTES):
            is_cut = is_cut or len(kept) + len(chunk) > most_bytes
            kept += chunk[: most_bytes - len(kept)]
    return Captured(kept.decode(errors="replace"), is_cut)


async def feed(stream: asyncio.StreamWriter | None, text: str) -> None:
    """Writes a text and closes the stream; a process that does not read it is no fault."""
    if stream is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):
        stream.write(text.encode(errors="replace"))
        await stream.drain()
        stream.close()
        await stream.wait_closed()

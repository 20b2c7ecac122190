import re
from collections.abc import Iterator

from tahoe_engine.runtime.model_errors import BrokenAnswerError

_LINE_END = re.compile(rb"\r\n|\r|\n")
_MAX_EVENT_BYTES = 4 * 1024 * 1024


class EventReader:
    """Takes the bytes of a stream as they come, and gives the data of each event that they end.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, without ids, types and retry.

    Args:
        place: How messages call the other side.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._rest = bytearray()
        self._has_ended_in_cr = False
        self._data: list[bytes] = []
        self._bytes = 0

    def feed(self, received: bytes) -> Iterator[bytes]:
        """Yields the data of each event that ends here.

        Raises:
            BrokenAnswerError: An event is too long.
        """
        if self._has_ended_in_cr and received:
            received = received.removeprefix(b"\n")  # the other half of a line's end
            self._has_ended_in_cr = False
        if not received:
            return
        self._has_ended_in_cr = received.endswith(b"\r")
        *ends, rest = _LINE_END.split(received)
        for end in ends:
            self._rest += end
            line = bytes(self._rest)
            self._rest.clear()
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
                self._bytes += len(line)
                self._check_size()
            elif not line and self._data:
                yield self._take()
        self._rest += rest
        self._check_size()

    def end(self) -> bytes | None:
        """Returns the data of an event that the end of the stream ended; strictly there is none, but servers do it."""
        if self._rest.startswith(b"data:"):
            self._data.append(bytes(self._rest[5:]).strip())
        self._rest.clear()
        return self._take() if self._data else None

    def _take(self) -> bytes:
        data = b"\n".join(self._data)
        self._data.clear()
        self._bytes = 0
        return data

    def _check_size(self) -> None:
        if self._bytes + len(self._rest) > _MAX_EVENT_BYTES:
            raise BrokenAnswerError(
                f"{self._place} sends an event of more than {_MAX_EVENT_BYTES} bytes.",
                cure="Check that its base_url names an OpenAI-compatible endpoint; it usually ends in /v1.",
            )

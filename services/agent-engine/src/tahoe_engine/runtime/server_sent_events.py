from collections.abc import Iterator

from tahoe_engine.runtime.model_errors import BrokenAnswerError

_MAX_EVENT_BYTES = 4 * 1024 * 1024


class EventReader:
    """Takes the bytes of a stream as they come, and gives the data of each event that they end.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, without ids, types and retry.

    Args:
        place: How messages call the other side.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._rest = b""
        self._data: list[bytes] = []
        self._bytes = 0

    def feed(self, received: bytes) -> Iterator[bytes]:
        """Yields the data of each event that ends here.

        Raises:
            BrokenAnswerError: An event is too long.
        """
        lines = (self._rest + received).split(b"\n")
        self._rest = lines.pop()
        self._check_size(len(self._rest))
        for line in lines:
            line = line.rstrip(b"\r")  # noqa: PLW2901 - either ending is allowed
            if line.startswith(b"data:"):
                data = line[5:].removeprefix(b" ")
                self._data.append(data)
                self._bytes += len(data)
                self._check_size(0)
            elif not line and self._data:
                yield self._take()

    def end(self) -> bytes | None:
        """Returns the data of an event that the end of the stream ended; strictly there is none, but servers do it."""
        if self._rest.startswith(b"data:"):
            self._data.append(self._rest[5:].strip())
        self._rest = b""
        return self._take() if self._data else None

    def _take(self) -> bytes:
        data = b"\n".join(self._data)
        self._data.clear()
        self._bytes = 0
        return data

    def _check_size(self, unfinished: int) -> None:
        if self._bytes + unfinished > _MAX_EVENT_BYTES:
            raise BrokenAnswerError(
                f"{self._place} sends an event of more than {_MAX_EVENT_BYTES} bytes.",
                cure="Check that its base_url names an OpenAI-compatible endpoint; it usually ends in /v1.",
            )

"""The beginning of a stream that may not be rewound, and its limit."""

from collections.abc import Iterator
from typing import BinaryIO

from tahoe_core.errors import PayloadTooLargeError
from tahoe_engine.interactions.formats.encoding import is_utf16
from tahoe_engine.interactions.formats.options import MEBIBYTE

BOM = b"\xef\xbb\xbf"


class StreamHead:
    """A stream of which the first two lines that are not blank have been looked at.

    Attributes:
        first: The first line that is not blank, without the blanks around it; empty when there is none.
        second: The second one.
        max_bytes: Most bytes of a line, or of the whole where it is read as one.

    Raises:
        PayloadTooLargeError: One of these lines is above the limit.
    """

    def __init__(self, stream: BinaryIO, max_bytes: int) -> None:
        self._stream = stream
        self._lines: list[bytes] = []
        self.max_bytes = max_bytes
        self.first = b""
        self.second = b""
        size = 0
        while not self.second and (line := stream.readline(max_bytes + 1)):
            self._lines.append(line)
            size += len(line)
            if len(line) > max_bytes or size > 2 * max_bytes:
                raise too_large(max_bytes)
            if self.is_utf16:
                return
            content = line.removeprefix(BOM).strip()
            if content and not self.first:
                self.first = content
            elif content:
                self.second = content

    @property
    def is_utf16(self) -> bool:
        """Whether the stream begins with a UTF-16 byte order mark; then its lines have not been looked at."""
        return bool(self._lines) and is_utf16(self._lines[0])

    def read_all(self) -> bytes:
        """Reads the rest and returns the whole.

        Raises:
            PayloadTooLargeError: It is above the limit.
        """
        head = b"".join(self._lines)
        data = head + self._stream.read(max(0, self.max_bytes + 1 - len(head)))
        if len(data) > self.max_bytes:
            raise too_large(self.max_bytes)
        return data

    def iterate_lines(self) -> Iterator[tuple[int, bytes | PayloadTooLargeError]]:
        """Yields each line with the offset of its first byte, from the first; one above the limit as an error."""
        offset = 0
        for line in self._lines:
            yield offset, line
            offset += len(line)
        while line := self._stream.readline(self.max_bytes + 1):
            yield offset, line if len(line) <= self.max_bytes else too_large(self.max_bytes)
            offset += len(line)
            while len(line) > self.max_bytes and not line.endswith(b"\n"):
                rest = self._stream.readline(MEBIBYTE)
                offset += len(rest)
                if not rest or rest.endswith(b"\n"):
                    break


def too_large(max_bytes: int) -> PayloadTooLargeError:
    """Says what the limit is and how to keep to it."""
    return PayloadTooLargeError(
        f"Larger than the limit of {max_bytes / MEBIBYTE:g} MiB.",
        cure="Split it into several files, or write one interaction a line as JSONL: there the limit holds per line.",
    )

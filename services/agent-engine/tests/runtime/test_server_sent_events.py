import time

import pytest

from tahoe_engine.runtime.model_errors import BrokenAnswerError
from tahoe_engine.runtime.server_sent_events import EventReader

STREAM = b": hello\n\ndata: one\ndata:two\nid: 7\n\n\ndata: three\n\n"
MIB = 1024 * 1024


def read(*pieces: bytes) -> list[bytes]:
    reader = EventReader("The model")
    found = [data for piece in pieces for data in reader.feed(piece)]
    last = reader.end()
    return found if last is None else [*found, last]


class TestEvents:
    @pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["LF", "CR", "CRLF"])
    @pytest.mark.parametrize("size", [1, 2, 3, 1000])
    def test_are_told_apart_whatever_ends_their_lines_and_however_they_are_cut(self, end: bytes, size: int) -> None:
        stream = STREAM.replace(b"\n", end)
        assert read(*(stream[at : at + size] for at in range(0, len(stream), size))) == [b"one\ntwo", b"three"]

    def test_are_given_as_soon_as_their_line_ends(self) -> None:
        reader = EventReader("The model")
        assert list(reader.feed(b"data: one\r\r")) == [b"one"]
        assert list(reader.feed(b"")) == []
        assert list(reader.feed(b"\ndata: two\r\n\r")) == [b"two"]
        assert list(reader.feed(b"\n\ndata: three\n\n")) == [b"three"]

    def test_may_end_with_the_stream(self) -> None:
        assert read(b"data: one\n\ndata: tw", b"o ") == [b"one", b"two"]
        assert read(b"data: one\n\nid: 1") == [b"one"]


class TestAnEventOfManyBytes:
    def test_takes_time_in_proportion_to_its_length(self) -> None:
        began = time.thread_time()
        assert read(b"data: ", *[b"xxxxxxxxxxxx"] * (MIB // 4), b"\n\n") == [b"x" * 3 * MIB]
        assert time.thread_time() - began < 5

    @pytest.mark.parametrize(
        "piece", [b"x" * 1000, b"\ndata: " + b"x" * 1000, b"\ndata:"], ids=["line", "lines", "none"]
    )
    def test_is_refused_beyond_4_mib(self, piece: bytes) -> None:
        with pytest.raises(BrokenAnswerError, match="The model sends an event of more than 4194304 bytes"):
            read(b"data: ", *[piece] * (8 * MIB // len(piece)))

    def test_counts_for_itself(self) -> None:
        event = b"data: " + b"x" * MIB + b"\n\n"
        assert len(read(*[event] * 6)) == 6

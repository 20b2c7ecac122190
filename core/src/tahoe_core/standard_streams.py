"""The standard streams of a command, whatever it was started with."""

import errno
import io
import os
import sys

from tahoe_core.errors import TahoeError


def bear_any_streams() -> None:
    """A closed stream, or one that cannot show every character, is no reason to fail: Python makes it None."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def discard_output() -> None:
    """Lets nothing more be written to standard output: what stands in its buffer would fail once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain_full(error: OSError) -> TahoeError:
    """Returns what to say of output that found no room.

    Raises:
        OSError: It is another error.
    """
    if error.errno != errno.ENOSPC:
        raise error
    return TahoeError("The output cannot be written: the disk is full.", cure="Make room and run it again.")

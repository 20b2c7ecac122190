"""DBOS's own log lines: only what went wrong, in one line, where all the others go."""

import logging
import threading
import time

_DBOS = "dbos"
_QUIET_SECONDS = 30.0
_MAX_CHARACTERS = 300


def tame_logs() -> None:
    """Keeps DBOS from setting up a handler of its own, and takes its chatter out. To be called before it starts."""
    logger = logging.getLogger(_DBOS)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())  # DBOS leaves alone a logger that has one
    logger.propagate = True
    logger.setLevel(logging.WARNING)
    if not any(isinstance(known, Brevity) for known in logger.filters):
        logger.addFilter(Brevity())


class Brevity(logging.Filter):
    """Shortens a line to its first, without a traceback, and drops it when it was said a moment ago.

    While Postgres is away, each of DBOS's threads says so every second in a hundred lines. What tracebacks could tell
    of a run that fails, `memory_upkeep` has reported without what people said.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Changes the record; False: it is dropped."""
        text = record.getMessage().partition("\n")[0].removesuffix("Traceback (most recent call last):")
        if record.exc_info and record.exc_info[1] is not None:
            text += f" {type(record.exc_info[1]).__name__}"
        record.msg, record.args, record.exc_info, record.exc_text = text[:_MAX_CHARACTERS].rstrip(" :"), (), None, None
        # What differs, such as the seconds until it is tried again, stands after the first sentence.
        kind, now = f"{record.funcName} {record.msg.partition(': ')[0]}", time.monotonic()
        with self._lock:
            self._said_at = {said: at for said, at in self._said_at.items() if now - at < _QUIET_SECONDS}
            is_new = kind not in self._said_at
            self._said_at.setdefault(kind, now)
        return is_new

"""DBOS's own log lines: only what went wrong, and where all the others go."""

import logging

_DBOS = "dbos"


def tame_logs() -> None:
    """Keeps DBOS from setting up a handler of its own, and takes its chatter out. To be called before it starts."""
    logger = logging.getLogger(_DBOS)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())  # DBOS leaves alone a logger that has one
    logger.propagate = True
    logger.setLevel(logging.WARNING)

"""Structured logs: one line an event, to one stream, with secrets taken out.

Every module logs with `logging.getLogger(__name__)`, which costs nothing to import; fields go into `extra`:

    log.info("request", extra={"method": "GET", "status": 200})

What is bound in `structlog.contextvars` (the request id, the team) stands in every line. `configure_logging` is called
once, by the doors (`asgi`, the command line); uvicorn is started with `log_config=None`, so that it logs here too.
"""

import contextlib
import logging
import re
import sys
from collections.abc import Mapping
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat = Literal["console", "json"]
REDACTED = "[redacted]"
MAX_DEPTH = 6

SECRET_KEY = re.compile(
    r"(?:^|[_.-])(?:authorization|cookie|password|passwd|pwd|secret|token|api[_-]?key|credentials?|dsn)(?:$|[_.-])",
    re.IGNORECASE,
)
SECRET_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\btahoe_st_[0-9A-Za-z]+"), f"tahoe_st_{REDACTED}"),
    (re.compile(r"\b(bearer)\s+[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"""(authorization["']?\s*[:=]\s*["']?(?:basic\s+)?)[^\s"',;]{8,}""", re.IGNORECASE), rf"\1{REDACTED}"),
    # The password of a URL, unless what follows the colon is a port.
    (
        re.compile(r"(\b[a-z][a-z0-9+.-]{0,30}://[^\s:/@]*:)(?!\d{1,5}(?:[/?#\s]|$))\S{1,512}@", re.IGNORECASE),
        rf"\1{REDACTED}@",
    ),
    # password=… in queries and connection strings, "password": "…" in JSON, x-api-key: … in headers.
    (
        re.compile(
            r"""\b(\w*(?:password|passwd|secret|token|api[_-]?key)["']?[ \t]*[:=][ \t]*["']?)[^\s&"',;]+""",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{16,}"), f"sk-{REDACTED}"),
    (re.compile(r"\bAIza[\w-]{30,}"), f"AIza{REDACTED}"),
    # It begins where a word does, hyphens included: from each `-eyJ` of a long one the search would go to its end.
    (re.compile(r"(?<![\w-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), f"eyJ{REDACTED}"),
)
# Most texts hold none of these: one search spares them those above, which are most of the cost of a line.
WORTH_A_LOOK = re.compile(
    r"tahoe_st_|bearer|authorization|://|passw|secret|token|api[_-]?key|sk-|AIza|eyJ", re.IGNORECASE
)
MULTI_LINE_FIELDS = frozenset({"exception", "stack"})
FIRST_FIELDS = {"timestamp": "timestamp", "level": "level", "message": "event", "logger": "logger"}
QUIET = {"uvicorn.access": logging.CRITICAL, "httpx": logging.WARNING, "httpcore": logging.WARNING}
"""Loggers that would say again what we say ourselves, or print whole URLs."""


class _DiscreetHandler(logging.StreamHandler[TextIO]):
    """Reports a line that could not be written without its arguments, unlike Python, as they may hold secrets."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        with contextlib.suppress(OSError):
            sys.stderr.write(f"A log line of {record.name} ({record.pathname}:{record.lineno}) was lost.\n")


def configure_logging(level: str = "info", log_format: LogFormat | None = None, stream: TextIO | None = None) -> None:
    """Sends all logs of the process, ours and those of the libraries, to one stream; may be called again.

    Args:
        level: debug, info, warning, error or critical; also in capitals.
        log_format: None: console if the stream is a terminal, JSON otherwise.
        stream: None: standard error, as standard output belongs to results.
    """
    stream = stream or sys.stderr
    log_format = log_format or ("console" if stream.isatty() else "json")
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *before],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # As text and before the redaction: a structured or rich traceback would show local variables.
            structlog.processors.format_exc_info,
            redact,
            *_renderers(log_format, stream),
        ],
    )
    handler = _DiscreetHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    for name, quiet_level in QUIET.items():
        logging.getLogger(name).setLevel(quiet_level)
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def redact(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Takes secrets out of an event, by the name of a field and by the look of a text."""
    return {key: _redacted_field(key, value, MAX_DEPTH) for key, value in event_dict.items()}


def redacted_text(text: str) -> str:
    """Returns the text without what looks like a token, a key or the password of a URL."""
    if not WORTH_A_LOOK.search(text):
        return text
    for pattern, replacement in SECRET_TEXTS:
        text = pattern.sub(replacement, text)
    return text


def _redacted_field(key: object, value: object, depth: int) -> object:
    if isinstance(value, str | bytes) and isinstance(key, str) and SECRET_KEY.search(key):
        return REDACTED
    return _redacted(value, depth)


def _redacted(value: object, depth: int) -> object:
    match value:
        case str():
            return redacted_text(value)
        case None | bool() | int() | float():
            return value
        case Mapping() if depth:
            return {key: _redacted_field(key, inner, depth - 1) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset() if depth:
            return [_redacted(inner, depth - 1) for inner in value]
        case _:
            return redacted_text(repr(value))


def _renderers(log_format: LogFormat, stream: TextIO) -> list[Processor]:
    if log_format == "json":
        return [_in_reading_order, structlog.processors.JSONRenderer(ensure_ascii=False)]
    console = structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
    )
    return [_escape_controls, console]


def _in_reading_order(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    event_dict.pop("color_message", None)  # uvicorn's message again, with colours
    first = {name: event_dict.pop(key, None) for name, key in FIRST_FIELDS.items()}
    return {**first, **event_dict}


def _escape_controls(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Keeps a text from outside from forging lines or colours on a terminal; JSON escapes by itself.

    A traceback has lines of its own, so it keeps its newlines and tabs.
    """
    return {
        key: _escaped(value, "\n\t" if key in MULTI_LINE_FIELDS else "") if isinstance(value, str) else value
        for key, value in event_dict.items()
    }


def _escaped(text: str, kept: str) -> str:
    return "".join(c if c.isprintable() or c in kept else c.encode("unicode_escape").decode() for c in text)

import io
import json
import logging
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from tahoe_core.logs import REDACTED, LogFormat, configure_logging, redacted_text
from tahoe_core.security.service_token import create_service_token

TOKEN = create_service_token().get_secret_value()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def start(log_format: LogFormat | None = "json", level: str = "info", stream: io.StringIO | None = None) -> io.StringIO:
    stream = stream or io.StringIO()
    configure_logging(level, log_format, stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class TestALine:
    def test_has_time_level_message_and_fields(self) -> None:
        stream = start()
        logging.getLogger("tahoe.test").info("request %s", "served", extra={"status": 200, "ms": 1.5})
        [line] = lines(stream)
        assert list(line)[:4] == ["timestamp", "level", "message", "logger"]
        assert (line["level"], line["message"], line["logger"]) == ("info", "request served", "tahoe.test")
        assert (line["status"], line["ms"]) == (200, 1.5)

    def test_has_its_time_in_utc(self) -> None:
        stream = start()
        logging.getLogger("tahoe.test").info("now")
        stamp = lines(stream)[0]["timestamp"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", stamp)
        assert abs(datetime.fromisoformat(stamp) - datetime.now(UTC)) < timedelta(seconds=10)

    def test_has_what_is_bound_to_its_context(self) -> None:
        stream = start()
        with structlog.contextvars.bound_contextvars(request_id="r1"):
            logging.getLogger("tahoe.test").info("within")
            structlog.get_logger("tahoe.test").info("within too")
        logging.getLogger("tahoe.test").info("without")
        assert [line.get("request_id") for line in lines(stream)] == ["r1", "r1", None]

    def test_of_an_exception_has_its_traceback_and_no_local_variables(self) -> None:
        stream = start()

        def fail() -> None:
            local_secret = bytes.fromhex("736563726574")
            raise ValueError(len(local_secret))

        try:
            fail()
        except ValueError:
            logging.getLogger("tahoe.test").exception("failed")
        [line] = lines(stream)
        assert line["exception"].startswith("Traceback")
        assert "ValueError: 6" in line["exception"]
        assert "secret'" not in stream.getvalue()

    def test_below_the_level_is_not_written(self) -> None:
        stream = start(level="warning")
        logging.getLogger("tahoe.test").info("quiet")
        logging.getLogger("tahoe.test").warning("loud")
        assert [line["message"] for line in lines(stream)] == ["loud"]

    def test_holds_whatever_is_logged(self) -> None:
        stream = start()
        logging.getLogger("tahoe.test").info("odd", extra={"what": {1: {2, 3}, "o": object(), "s": SecretStr("x")}})
        assert lines(stream)[0]["what"]["1"] == [2, 3]


class TestTheFormat:
    def test_is_for_people_on_a_terminal_and_for_programs_elsewhere(self) -> None:
        terminal, pipe = start(None, stream=Terminal()), io.StringIO()
        logging.getLogger("tahoe.test").info("hello")
        start(None, stream=pipe)
        logging.getLogger("tahoe.test").info("hello")
        assert "\x1b[" in terminal.getvalue()
        assert lines(pipe)[0]["message"] == "hello"

    def test_can_be_asked_for(self) -> None:
        stream = start("json", stream=Terminal())
        logging.getLogger("tahoe.test").info("hello")
        assert lines(stream)[0]["message"] == "hello"

    def test_for_people_lets_no_text_forge_a_line(self) -> None:
        stream = start("console")
        logging.getLogger("tahoe.test").info("a\nb\x1b[2J", extra={"name_given": "c\nd\r"})
        assert len(stream.getvalue().splitlines()) == 1
        assert "\x1b" not in stream.getvalue()

    def test_for_people_keeps_the_lines_of_a_traceback_and_escapes_all_else_in_it(self) -> None:
        stream = start("console")
        error = ValueError("red \x1b[31m\r\u202e and\ttab")
        logging.getLogger("tahoe.test").error("failed", exc_info=error, stack_info=True)
        shown = stream.getvalue()
        assert r"ValueError: red \x1b[31m\r\u202e and" + "\ttab\n" in shown
        assert "Stack (most recent call last):\n" in shown
        assert not set("\x1b\r\u202e") & set(shown)


class TestLibraries:
    def test_log_to_the_same_place(self) -> None:
        stream = start()
        for name in ("uvicorn.error", "sqlalchemy.engine", "asyncio"):
            logging.getLogger(name).warning("from %s", name)
        assert len(lines(stream)) == 3

    def test_that_say_again_what_we_say_are_quiet(self) -> None:
        stream = start("json", "debug")
        logging.getLogger("uvicorn.access").info("GET /")
        logging.getLogger("httpx").info("GET https://example/?key=secret")
        assert lines(stream) == []

    def test_are_set_up_once_however_often_it_is_called(self) -> None:
        start()
        stream = start()
        logging.getLogger("tahoe.test").info("once")
        assert len(lines(stream)) == 1


class TestSecrets:
    @pytest.mark.parametrize(
        ("text", "secret"),
        [
            pytest.param(f"token {TOKEN} was sent", TOKEN[9:], id="service-token"),
            ("Authorization: Bearer abcdefghijklmnop.qrs", "abcdefghijklmnop"),
            ("{'authorization': 'Basic dXNlcjpodW50ZXIy'}", "dXNlcjpodW50ZXIy"),
            ("postgresql://tahoe:hunter2@db:5432/tahoe?schema=x", "hunter2"),
            ("postgresql://tahoe:hun/ter2@p@db:5432/tahoe", "ter2"),
            ("redis://:hunter2@cache:6379", "hunter2"),
            ("host=db user=tahoe password=hunter2 dbname=x", "hunter2"),
            ("https://api.example/v1?api_key=hunter2&x=1", "hunter2"),
            ('{"access_token": "hunter2", "x": 1}', "hunter2"),
            ("x-api-key: hunter2", "hunter2"),
            ("the password: hunter2", "hunter2"),
            ("{'password' : 'hunter2'}", "hunter2"),
            ("key=AIzaSyA-1234567890_abcdefghijklmnopqrs", "1234567890"),
            ("key sk-proj-abcdefghijklmnop0123 refused", "abcdefghijklmnop"),
            ("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIiOiIxIn0"),
        ],
    )
    def test_in_a_text_are_taken_out(self, text: str, secret: str) -> None:
        assert secret in text
        redacted = redacted_text(text)
        assert secret not in redacted
        assert REDACTED in redacted

    @pytest.mark.parametrize(
        "text",
        [
            "http://localhost:8001/v1/analyses?email=a@b.example",
            "the bearer token is missing",
            "max_tokens=100 and 12 tokens",
            "postgresql://tahoe@db:5432/tahoe",
            "12:30 - 13:00 at ann@example.com",
        ],
    )
    def test_are_not_seen_where_none_are(self, text: str) -> None:
        assert redacted_text(text) == text

    @pytest.mark.parametrize(
        "field",
        ["Authorization", "password", "api_key", "x-api-key", "refresh_token", "client_secret", "Cookie", "DSN"],
    )
    def test_in_a_field_are_taken_out_by_its_name(self, field: str) -> None:
        stream = start()
        logging.getLogger("tahoe.test").info("x", extra={field: "hunter2", "deep": [{field: "hunter2"}]})
        assert "hunter2" not in stream.getvalue()

    def test_are_not_what_is_counted(self) -> None:
        stream = start()
        logging.getLogger("tahoe.test").info("x", extra={"prompt_tokens": 12, "token_count": 7, "tokenizer": "bpe"})
        [line] = lines(stream)
        assert (line["prompt_tokens"], line["token_count"], line["tokenizer"]) == (12, 7, "bpe")

    def test_in_an_exception_are_taken_out(self) -> None:
        stream = start()
        error = ConnectionError("postgresql://tahoe:hunter2@db/tahoe")
        logging.getLogger("tahoe.test").error("failed", exc_info=error)
        assert "[redacted]@db" in stream.getvalue()
        assert "hunter2" not in stream.getvalue()

    def test_in_arguments_are_taken_out(self) -> None:
        for log_format in ("json", "console"):
            stream = start(log_format)
            logging.getLogger("tahoe.test").info("connecting to %s", "redis://:hunter2@cache")
            structlog.get_logger("tahoe.test").info("event", url="redis://:hunter2@cache", token="hunter2")
            assert "hunter2" not in stream.getvalue()

    def test_are_not_shown_by_a_line_that_cannot_be_written(self, capsys: pytest.CaptureFixture[str]) -> None:
        class Broken(io.StringIO):
            def write(self, _text: str) -> int:
                raise BrokenPipeError

        start(stream=Broken())
        logging.getLogger("tahoe.test").info("connecting to %s", "redis://:hunter2@cache")
        shown = capsys.readouterr().err
        assert "hunter2" not in shown
        assert "A log line of tahoe.test" in shown

    @pytest.mark.parametrize(
        "text",
        [
            "a.b." * 50_000 + "://",
            "a://b:" * 30_000,
            "eyJ-" * 50_000,
            "eyJ.eyJaaaaaaaa." * 20_000,
            "password" * 30_000,
            "password" + " " * 200_000,
            "a-" * 100_000 + "token",
            "authorization:" + " " * 200_000,
            "AIza-" * 50_000,
        ],
        ids=lambda text: text[:16],
    )
    def test_are_sought_in_a_time_that_grows_with_the_text(self, text: str) -> None:
        began = time.perf_counter()
        redacted_text(text)
        assert time.perf_counter() - began < 3

    @given(st.text())
    def test_search_takes_any_text(self, text: str) -> None:
        redacted_text(text)

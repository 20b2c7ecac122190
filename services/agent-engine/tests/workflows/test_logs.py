import logging

import pytest

from tahoe_engine.workflows.logs import tame_logs


@pytest.fixture(autouse=True)
def tamed() -> None:
    tame_logs()
    for known in logging.getLogger("dbos").filters:
        getattr(known, "_said_at", {}).clear()


def test_dbos_says_in_one_line_what_went_wrong(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("my password is hunter2")  # noqa: TRY301 - a traceback is needed
    except ValueError:
        logging.getLogger("dbos").exception("It failed: badly\nfor many reasons")
    assert [record.getMessage() for record in caplog.records] == ["It failed: badly ValueError"]
    assert "hunter2" not in caplog.text


def test_dbos_says_it_once_however_often_it_tries(caplog: pytest.LogCaptureFixture) -> None:
    for attempt in range(5):
        logging.getLogger("dbos").warning("Database connection failed: retrying in %s s", attempt)
    logging.getLogger("dbos").warning("Something else")
    assert [record.getMessage() for record in caplog.records] == [
        "Database connection failed: retrying in 0 s",
        "Something else",
    ]


def test_dbos_sets_up_no_handler_of_its_own_and_says_nothing_of_what_went_well(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logging.getLogger("dbos").info("All is well")
    assert caplog.records == []
    assert all(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("dbos").handlers)

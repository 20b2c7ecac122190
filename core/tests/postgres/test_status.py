import os
import signal
from pathlib import Path

import pytest

from tahoe_core.postgres.lifecycle import ensure_running
from tahoe_core.postgres.settings import THROWAWAY
from tahoe_core.postgres.status import find_status
from tahoe_core.postgres.testing import TemporaryPostgres


class TestALook:
    def test_at_nothing_makes_nothing(self, home: Path) -> None:
        status = find_status(home / "nowhere" / "at all")

        assert (status.data_dir, status.pid, status.port, status.is_ready) == (None, None, None, False)
        assert status.problems == ()
        assert status.free_bytes > 0
        assert not list(home.iterdir())

    def test_at_a_running_server_says_what_runs_where(self, shared: TemporaryPostgres) -> None:
        status = find_status(shared.home)

        assert (status.pid, status.port, status.is_ready) == (shared.server.pid, shared.server.port, True)
        assert status.data_dir == shared.server.data_dir
        assert status.version == "18"
        assert status.log_file == shared.server.log_file
        assert 30_000_000 < status.size_bytes < 1_000_000_000
        assert status.account
        assert status.problems == ()

    def test_at_a_stopped_server_finds_nothing_wrong_with_it(self, made: Path) -> None:
        status = find_status(made)

        assert (status.pid, status.is_ready, status.problems) == (None, False, ())
        assert status.data_dir == made / "postgres"


class TestProblems:
    def test_a_lost_data_directory(self, made: Path) -> None:
        (made / "postgres").rename(made / "away")
        try:
            (problem,) = find_status(made).problems
        finally:
            (made / "away").rename(made / "postgres")

        assert "is gone. Put it back" in problem

    def test_another_major_version(self, made: Path) -> None:
        (made / "postgres" / "PG_VERSION").write_text("16\n")
        try:
            (problem,) = find_status(made).problems
        finally:
            (made / "postgres" / "PG_VERSION").write_text("18\n")

        assert "made by PostgreSQL 16" in problem

    def test_lost_passwords(self, made: Path) -> None:
        (made / "postgres.json").rename(made / "away")
        try:
            (problem,) = find_status(made).problems
        finally:
            (made / "away").rename(made / "postgres.json")

        assert "The next start sets new passwords" in problem

    def test_a_server_that_answers_nobody(self, made: Path) -> None:
        server = ensure_running(made, THROWAWAY)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            status = find_status(made)
        finally:
            os.kill(server.pid, signal.SIGCONT)

        assert status.pid == server.pid
        assert not status.is_ready
        assert "accepts no connections" in status.problems[0]

    def test_why_the_last_start_failed(self, made: Path) -> None:
        full = "LOG:  starting PostgreSQL 18.4\nFATAL:  could not write lock file: No space left on device\n"

        assert "The disk is full" in self.problems_with_log(made, full)[0]

    def test_a_failure_before_the_last_good_start_is_history(self, made: Path) -> None:
        full = "FATAL:  could not write lock file: No space left on device\n"

        assert self.problems_with_log(made, full + (made / "postgres.log").read_text()) == ()

    @staticmethod
    def problems_with_log(home: Path, text: str) -> tuple[str, ...]:
        log = home / "postgres.log"
        before = log.read_text()
        log.write_text(text)
        try:
            return find_status(home).problems
        finally:
            log.write_text(before)


def test_a_home_without_the_package_is_reported(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    (problem,) = find_status(home).problems

    assert "bundled PostgreSQL 18 is not installed" in problem

import os
import signal

import pytest

from tahoe_core.postgres.lifecycle import ensure_running, stop
from tahoe_core.postgres.settings import THROWAWAY
from tahoe_core.postgres.status import find_status


@pytest.fixture(scope="module")
def stopped(base):
    directory = base / "stopped"
    ensure_running(directory, THROWAWAY)
    stop(directory)
    return directory


class TestALook:
    def test_at_nothing_makes_nothing(self, home):
        status = find_status(home / "nowhere" / "at all")

        assert (status.data_dir, status.pid, status.port, status.is_ready) == (None, None, None, False)
        assert status.problems == ()
        assert status.free_bytes > 0
        assert not list(home.iterdir())

    def test_at_a_running_server_says_what_runs_where(self, shared):
        status = find_status(shared.home)

        assert (status.pid, status.port, status.is_ready) == (shared.server.pid, shared.server.port, True)
        assert status.data_dir == shared.server.data_dir
        assert status.version == "18"
        assert status.log_file == shared.server.log_file
        assert 30_000_000 < status.size_bytes < 1_000_000_000
        assert status.account
        assert status.problems == ()

    def test_at_a_stopped_server_finds_nothing_wrong_with_it(self, stopped):
        status = find_status(stopped)

        assert (status.pid, status.is_ready, status.problems) == (None, False, ())
        assert status.data_dir == stopped / "postgres"


class TestProblems:
    def test_a_lost_data_directory(self, stopped):
        (stopped / "postgres").rename(stopped / "away")
        try:
            (problem,) = find_status(stopped).problems
        finally:
            (stopped / "away").rename(stopped / "postgres")

        assert "is gone. Put it back" in problem

    def test_another_major_version(self, stopped):
        (stopped / "postgres" / "PG_VERSION").write_text("16\n")
        try:
            (problem,) = find_status(stopped).problems
        finally:
            (stopped / "postgres" / "PG_VERSION").write_text("18\n")

        assert "made by PostgreSQL 16" in problem

    def test_lost_passwords(self, stopped):
        (stopped / "postgres.json").rename(stopped / "away")
        try:
            (problem,) = find_status(stopped).problems
        finally:
            (stopped / "away").rename(stopped / "postgres.json")

        assert "The next start sets new passwords" in problem

    def test_a_server_that_answers_nobody(self, home):
        server = ensure_running(home, THROWAWAY)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            status = find_status(home)
        finally:
            os.kill(server.pid, signal.SIGCONT)

        assert status.pid == server.pid
        assert not status.is_ready
        assert "accepts no connections" in status.problems[0]

    def test_why_the_last_start_failed(self, stopped):
        full = "LOG:  starting PostgreSQL 18.4\nFATAL:  could not write lock file: No space left on device\n"

        assert "The disk is full" in self.problems_with_log(stopped, full)[0]

    def test_a_failure_before_the_last_good_start_is_history(self, stopped):
        full = "FATAL:  could not write lock file: No space left on device\n"

        assert self.problems_with_log(stopped, full + (stopped / "postgres.log").read_text()) == ()

    @staticmethod
    def problems_with_log(home, text):
        log = home / "postgres.log"
        before = log.read_text()
        log.write_text(text)
        try:
            return find_status(home).problems
        finally:
            log.write_text(before)


def test_a_home_without_the_package_is_reported(home, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    (problem,) = find_status(home).problems

    assert "bundled PostgreSQL 18 is not installed" in problem

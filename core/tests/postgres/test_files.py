import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.postgres.failures import Retry, explain_end, find_cause, system_errors_explained
from tahoe_core.postgres.home import Home
from tahoe_core.postgres.lock import home_lock
from tahoe_core.postgres.log_file import open_log, read_log_tail, trim_log
from tahoe_core.postgres.postmaster import Answer, Postmaster, ask, find_postmaster
from tahoe_core.postgres.state import State, find_state, write_state
from tahoe_core.postgres.testing import TemporaryPostgres

type Child = Callable[..., Any]

HOLD = """
import sys, time
from pathlib import Path
from tahoe_core.postgres.home import Home
from tahoe_core.postgres.lock import home_lock


with home_lock(Home.at(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def files(tmp_path: Path) -> Home:
    return Home.at(tmp_path)


class TestTheState:
    STATE = State("secret", 42, 5433, stopped_on_purpose=True, role_passwords={"a": "b"}, provisioned={"c": "d"})

    def test_comes_back_as_it_was_written_and_only_its_owner_may_read_it(self, files: Home) -> None:
        write_state(files, self.STATE)

        assert find_state(files) == self.STATE
        assert files.state_file.stat().st_mode & 0o077 == 0
        assert list(files.root.iterdir()) == [files.state_file]

    def test_shows_no_password_when_it_is_printed(self) -> None:
        assert "secret" not in repr(self.STATE)
        assert "'b'" not in repr(self.STATE)

    @pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"superuser_password": 1}', "\x00\xff"])
    def test_that_is_damaged_counts_as_lost(self, files: Home, content: str) -> None:
        files.state_file.write_text(content, encoding="latin-1")

        assert find_state(files) is None

    def test_with_values_of_another_kind_counts_as_lost(self, files: Home) -> None:
        write_state(files, self.STATE)
        content = json.loads(files.state_file.read_text())
        files.state_file.write_text(json.dumps(content | {"port": "5433"}))

        assert find_state(files) is None

    def test_of_a_later_version_with_more_in_it_is_understood(self, files: Home) -> None:
        write_state(files, self.STATE)
        content = json.loads(files.state_file.read_text())
        files.state_file.write_text(json.dumps(content | {"colour": "blue"}))

        assert find_state(files) == self.STATE


class TestTheLock:
    def test_that_another_process_holds_is_reported_with_its_number(self, files: Home, child: Child) -> None:
        holder = child(HOLD, files.root)
        holder.next_line()

        with (
            pytest.raises(EmbeddedPostgresError, match=rf"\(pid {holder.pid}\).*kill {holder.pid}"),
            home_lock(files, wait_seconds=0.2),
        ):
            pytest.fail("held twice")

    def test_is_free_again_when_its_holder_is_killed(self, files: Home, child: Child) -> None:
        holder = child(HOLD, files.root)
        holder.next_line()
        holder.kill()

        with home_lock(files, wait_seconds=5):
            assert int(files.lock_file.read_text()) == os.getpid()

    def test_holds_between_threads_of_one_process_too(self, files: Home) -> None:
        outcomes = []

        def wait() -> None:
            with pytest.raises(EmbeddedPostgresError), home_lock(files, wait_seconds=0.1):
                pass
            outcomes.append("refused")

        with home_lock(files):
            thread = threading.Thread(target=wait)
            thread.start()
            thread.join()

        assert outcomes == ["refused"]


class TestTheLog:
    def test_is_cut_when_it_has_grown_while_the_writer_goes_on(self, files: Home) -> None:
        with open_log(files) as log:
            log.write(b"old\n" * 100)
            trim_log(files, limit_bytes=50)
            log.write(b"new\n")

        assert files.log_file.read_bytes() == b"new\n"
        assert (files.root / "postgres.log.1").read_bytes() == b"old\n" * 100
        assert (files.root / "postgres.log.1").stat().st_mode & 0o077 == 0

    def test_stays_whole_below_the_limit(self, files: Home) -> None:
        with open_log(files) as log:
            log.write(b"old\n")
        trim_log(files, limit_bytes=50)

        assert files.log_file.read_bytes() == b"old\n"
        assert not (files.root / "postgres.log.1").exists()

    def test_is_read_from_where_a_start_began_and_never_whole(self, files: Home) -> None:
        with open_log(files) as log:
            log.write(b"before\n")
            begin = log.tell()
            log.write(b"after\xff\n")

        assert read_log_tail(files, begin) == "after\N{REPLACEMENT CHARACTER}"
        files.log_file.write_bytes(b"x" * 1_000_000)
        assert len(read_log_tail(files)) < 10_000

    def test_that_does_not_exist_is_empty_and_no_trouble(self, files: Home) -> None:
        trim_log(files)

        assert read_log_tail(files) == ""


class TestCauses:
    @pytest.mark.parametrize(
        ("line", "problem", "retry"),
        [
            ('FATAL:  could not write lock file "postmaster.pid": No space left on device', "disk is full", Retry.NO),
            ('could not create lock file "postmaster.pid": Read-only file system', "mounted read-only", Retry.NO),
            ('FATAL:  could not open file "pg_wal/0001": Permission denied', "Permission denied", Retry.NO),
            (
                'could not bind IPv4 address "127.0.0.1": Address already in use\ncould not create any TCP/IP sockets',
                "port is in use",
                Retry.ON_ANOTHER_PORT,
            ),
            (
                "FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use",
                "crashed Postgres",
                Retry.LATER,
            ),
            (
                "could not create shared memory segment: No space left on device\nFailed system call was shmget(1)",
                "no shared memory",
                Retry.NO,
            ),
            ("FATAL:  could not map anonymous shared memory: Cannot allocate memory", "no shared memory", Retry.NO),
            ('ERROR:  could not resize shared memory segment "/x": No space left on device', "not enough", Retry.NO),
            ('FATAL:  data directory "/x" has wrong ownership', "another user", Retry.NO),
            ('FATAL:  data directory "/x" has invalid permissions', "Others may read", Retry.NO),
            ("FATAL:  database files are incompatible with server", "another version", Retry.NO),
            ("PANIC:  could not locate a valid checkpoint record at 0/1", "damaged", Retry.NO),
        ],
    )
    def test_are_recognised_in_what_postgres_writes(self, line: str, problem: str, retry: Retry) -> None:
        cause = find_cause(f"LOG:  starting PostgreSQL 18.4\n{line}\nLOG:  database system is shut down")

        assert cause is not None
        assert problem in cause.problem
        assert cause.cure.endswith((".", "directory."))
        assert cause.retry is retry

    def test_that_nobody_knows_are_shown_as_they_were_written(self, tmp_path: Path) -> None:
        error, retry = explain_end("Postgres did not start in /x", "FATAL:  something new\n" * 20, tmp_path)

        assert str(error).startswith("Postgres did not start in /x. It wrote:\n  FATAL:  something new\n")
        assert str(error).count("something new") == 8
        assert "tahoe doctor" in error.cure
        assert retry is Retry.NO

    def test_of_the_system_are_explained_with_the_file(self, tmp_path: Path) -> None:
        with (
            pytest.raises(EmbeddedPostgresError, match=r"It failed: The path is too long.*Set TAHOE_HOME"),
            system_errors_explained("It failed"),
        ):
            (tmp_path / ("x" * 300)).touch()


class TestAPort:
    def test_where_nothing_listens_is_silent(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]

        assert ask(port) is Answer.SILENCE

    def test_where_something_else_listens_is_silent(self) -> None:
        def serve(server: socket.socket) -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=serve, args=(server,))
            thread.start()
            assert ask(server.getsockname()[1]) is Answer.SILENCE
            thread.join()

    def test_of_our_server_is_ready_and_asking_leaves_no_line_in_its_log(self, shared: TemporaryPostgres) -> None:
        before = shared.server.log_file.stat().st_size

        assert ask(shared.server.port) is Answer.READY
        assert shared.server.log_file.stat().st_size == before


class TestALockFileOfPostgres:
    """Without the right to look into other processes, as in a container: the command line has to do."""

    @pytest.fixture
    def hidden(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tahoe_core.postgres.postmaster.find_works_in", lambda pid, directory: None)

    def test_names_the_server_whose_arguments_name_the_directory(self, shared: TemporaryPostgres, hidden: None) -> None:
        found = find_postmaster(shared.server.data_dir)

        assert found == Postmaster(shared.server.pid, shared.server.port)

    def test_names_no_server_whose_arguments_name_another_directory(
        self, shared: TemporaryPostgres, hidden: None, tmp_path: Path
    ) -> None:
        (tmp_path / "postmaster.pid").write_text(f"{shared.server.pid}\n/data\n1\n5432\n")

        assert find_postmaster(tmp_path) is None

    def test_is_believed_when_the_directory_in_the_arguments_was_moved(
        self, hidden: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        arguments = ["/somewhere/bin/postgres", "-D", str(tmp_path / "old")]
        monkeypatch.setattr("tahoe_core.postgres.postmaster.list_arguments", lambda pid: arguments)
        (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n/data\n1\n5432\n")

        assert find_postmaster(tmp_path) == Postmaster(os.getpid(), 5432)

    @pytest.mark.parametrize(
        "content",
        ["", "\n", "x\n", "-12\n/data\n", pytest.param(f"{os.getpid()}\n/data\n1\n5432\n", id="another-process")],
    )
    def test_that_names_no_server_of_the_directory_is_none(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "postmaster.pid").write_text(content)

        assert find_postmaster(tmp_path) is None

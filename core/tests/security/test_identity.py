import os
import stat
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from tahoe_core.errors import ReadError, UnavailableError
from tahoe_core.security.identity import load_identity
from tahoe_core.security.service_token import is_well_formed

SHOW = """
import sys
from pathlib import Path
from tahoe_core.security.identity import load_identity
identity = load_identity(Path(sys.argv[1]))
print(identity.team_id, identity.token.get_secret_value())
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestTheFirstUse:
    def test_makes_an_identity_that_stays(self, tmp_path: Path) -> None:
        home = tmp_path / "a home" / ".tahoe"
        first = load_identity(home)
        assert isinstance(first.team_id, UUID)
        assert is_well_formed(first.token.get_secret_value())
        assert load_identity(home) == first

    def test_keeps_it_from_others(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        before = os.umask(0)
        try:
            load_identity(home)
        finally:
            os.umask(before)
        assert mode(home) == 0o700
        assert {path.name: mode(path) for path in home.iterdir()} == {"team_id": 0o600, "service_token": 0o600}

    def test_leaves_files_that_a_script_can_use(self, tmp_path: Path) -> None:
        identity = load_identity(tmp_path)
        assert (tmp_path / "service_token").read_text() == identity.token.get_secret_value() + "\n"
        assert (tmp_path / "team_id").read_text() == f"{identity.team_id}\n"

    def test_by_many_processes_at_once_makes_one_identity(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        processes = [
            subprocess.Popen([sys.executable, "-c", SHOW, str(home)], stdout=subprocess.PIPE, text=True)
            for _ in range(6)
        ]
        shown = {process.communicate(timeout=60)[0] for process in processes}
        assert [process.returncode for process in processes] == [0] * 6
        assert len(shown) == 1
        assert sorted(path.name for path in home.iterdir()) == ["service_token", "team_id"]

    def test_after_a_crash_half_way_completes_it(self, tmp_path: Path) -> None:
        team = load_identity(tmp_path).team_id
        (tmp_path / "service_token").unlink()
        (tmp_path / ".service_token.0123456789abcdef").write_text("half a tok")
        identity = load_identity(tmp_path)
        assert identity.team_id == team
        assert is_well_formed(identity.token.get_secret_value())

    def test_works_in_a_home_that_the_postgres_user_may_pass_through(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir(mode=0o711)
        load_identity(home)
        assert mode(home) == 0o711


class TestAFileThatStoodOpen:
    @pytest.mark.parametrize("open_mode", [0o644, 0o640, 0o604, 0o660, 0o601])
    def test_is_refused_with_its_cure(self, tmp_path: Path, open_mode: int) -> None:
        load_identity(tmp_path)
        (tmp_path / "service_token").chmod(open_mode)
        with pytest.raises(ReadError, match=rf"can be read by others \(mode 0{open_mode:o}\).*chmod 600") as raised:
            load_identity(tmp_path)
        assert raised.value.path == str(tmp_path / "service_token")
        assert mode(tmp_path / "service_token") == open_mode

    def test_is_taken_again_when_a_person_has_closed_it(self, tmp_path: Path) -> None:
        first = load_identity(tmp_path)
        (tmp_path / "service_token").chmod(0o644)
        (tmp_path / "service_token").chmod(0o600)
        assert load_identity(tmp_path) == first


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff\xfe", b"tahoe_st_" + b"0" * 49])
def test_a_damaged_file_is_refused_and_not_overwritten(tmp_path: Path, content: bytes) -> None:
    identity = load_identity(tmp_path)
    for name in ("team_id", "service_token"):
        path = tmp_path / name
        kept = path.read_bytes()
        path.write_bytes(content)
        with pytest.raises(ReadError, match="damaged"):
            load_identity(tmp_path)
        assert path.read_bytes() == content
        path.write_bytes(kept)
    assert load_identity(tmp_path) == identity


@pytest.mark.parametrize("open_mode", [0o777, 0o702])
def test_a_home_that_everybody_can_write_is_refused(tmp_path: Path, open_mode: int) -> None:
    tmp_path.chmod(open_mode)
    with pytest.raises(ReadError, match=r"can be written by everybody .* chmod o-w"):
        load_identity(tmp_path)


@pytest.mark.parametrize("open_mode", [0o775, 0o2770, 0o1777])
def test_a_home_that_a_group_can_write_is_taken(tmp_path: Path, open_mode: int) -> None:
    tmp_path.chmod(open_mode)
    identity = load_identity(tmp_path)
    assert load_identity(tmp_path) == identity
    assert mode(tmp_path / "service_token") == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_token_that_another_user_put_there_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    load_identity(tmp_path)
    os.chown(tmp_path / "service_token", 65534, -1)
    with pytest.raises(ReadError, match="belongs to another user"):
        load_identity(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_root_takes_the_identity_of_the_user_whose_home_it_is(tmp_path: Path) -> None:
    identity = load_identity(tmp_path)
    for path in (tmp_path, *tmp_path.iterdir()):
        os.chown(path, 65534, -1)
    assert load_identity(tmp_path) == identity


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("x")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "team_id").symlink_to(elsewhere)
    with pytest.raises(UnavailableError):
        load_identity(home)
    assert elsewhere.read_text() == "x"


def test_a_fifo_does_not_make_it_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "team_id", 0o600)
    with pytest.raises(ReadError, match="is not a file"):
        load_identity(tmp_path)


def test_a_home_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="TAHOE_HOME"):
        load_identity(tmp_path / "file" / "home")


def test_the_token_does_not_show_itself(tmp_path: Path) -> None:
    identity = load_identity(tmp_path)
    assert identity.token.get_secret_value() not in repr(identity)

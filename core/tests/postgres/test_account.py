import os
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest

from tahoe_core.errors import EmbeddedPostgresError
from tahoe_core.postgres.account import Account, choose_account, find_account, find_created_account

ROOT = Account("root", 0, 0)
ANA = Account("ana", 1000, 1000)
POSTGRES = Account("postgres", 101, 104)
TAHOE = Account("tahoe", 998, 998)
NOBODY = Account("nobody", 65534, 65534)


def choose(current: Account, home_owner: Account, *known: Account, creates: Account | None = None) -> Account:
    by_name = {account.name: account for account in known}
    return choose_account(current, home_owner, find=by_name.get, create=lambda name: creates)


class TestTheAccount:
    def test_of_an_ordinary_user_is_the_user(self) -> None:
        assert choose(ANA, ANA, POSTGRES) == ANA
        assert choose(ANA, ROOT, POSTGRES) == ANA

    def test_in_a_home_of_an_ordinary_user_is_that_user_for_root_too(self) -> None:
        assert choose(ROOT, ANA, POSTGRES) == ANA

    @pytest.mark.parametrize(
        ("known", "creates", "chosen"),
        [
            ((TAHOE, POSTGRES, NOBODY), None, POSTGRES),
            ((TAHOE, NOBODY), None, TAHOE),
            ((NOBODY,), TAHOE, TAHOE),
            ((NOBODY,), None, NOBODY),
        ],
    )
    def test_of_root_is_the_first_of_postgres_tahoe_a_new_one_and_nobody(
        self, known: tuple[Account, ...], creates: Account | None, chosen: Account
    ) -> None:
        assert choose(ROOT, ROOT, *known, creates=creates) == chosen

    def test_of_root_must_exist(self) -> None:
        with pytest.raises(EmbeddedPostgresError, match=r"refuses to run as root.*useradd"):
            choose(ROOT, ROOT)


@pytest.mark.usefixtures("as_root")
class TestOnThisMachine:
    def test_a_new_account_has_neither_home_nor_shell(self) -> None:
        if shutil.which("useradd") is None:
            pytest.skip("This system has no useradd.")
        name = f"tahoe-test-{secrets.token_hex(4)}"
        try:
            account = find_created_account(name)

            assert account is not None
            assert account == find_account(name)
            assert account.uid != 0
            entry = subprocess.run(["getent", "passwd", name], capture_output=True, text=True, check=True).stdout
            assert entry.strip().endswith(":/nonexistent:/usr/sbin/nologin")
        finally:
            subprocess.run(["userdel", name], check=False, capture_output=True)

    def test_no_account_is_made_where_the_system_refuses(self) -> None:
        assert find_created_account("no such: name") is None

    def test_what_an_account_can_enter_is_asked_of_the_system(self, home: Path) -> None:
        (home / "open").mkdir(mode=0o755)
        (home / "closed").mkdir(mode=0o700)
        (home / "closed" / "inner").mkdir(mode=0o755)

        assert NOBODY.can_enter(home / "open")
        assert not NOBODY.can_enter(home / "closed")
        assert not NOBODY.can_enter(home / "closed" / "inner")
        assert Account.current().can_enter(home / "closed" / "inner")

    def test_a_number_without_an_entry_is_an_account_too(self, home: Path) -> None:
        os.chown(home, 54321, 54321)

        account = Account.by_owner(home)

        assert account == Account("54321", 54321, 54321)
        assert account.run(["/usr/bin/id", "-u"]).stdout.strip() == "54321"

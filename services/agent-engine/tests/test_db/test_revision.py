"""Which migrations a release can work on."""

from typing import Protocol

import pytest
from sqlalchemy import text

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.engine import EngineOptions, get_engine
from tahoe_core.errors import UnavailableError
from tahoe_engine.composition import compose
from tahoe_engine.db.migrate import upgrade
from tahoe_engine.db.revision import HEAD, is_enough
from tahoe_engine.settings import load_settings

LATER = "999_of_a_later_release"
EARLIER = "000_orchestration"


class Database(Protocol):
    """As in conftest.py."""

    app: DatabaseAddress
    owner: DatabaseAddress


async def pretend(owner: DatabaseAddress, revision: str) -> None:
    engine = get_engine(owner, EngineOptions(pool_size=0))
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    await engine.dispose()


class TestWhatIsEnough:
    def test_is_its_own_and_what_a_later_release_brought(self) -> None:
        assert is_enough(HEAD)
        assert is_enough(LATER)

    @pytest.mark.parametrize("revision", [None, "", EARLIER, "unknown"])
    def test_is_nothing_before(self, revision: str | None) -> None:
        assert not is_enough(revision)


async def test_a_release_stays_ready_when_the_next_one_migrates(fresh: Database) -> None:
    services = compose(load_settings({}), fresh.app)
    with pytest.raises(UnavailableError, match="at migration none"):
        await services.check_database()
    await upgrade(fresh.owner, fresh.app.user)
    await services.check_database()
    await pretend(fresh.owner, LATER)
    await services.check_database()
    await pretend(fresh.owner, EARLIER)
    with pytest.raises(UnavailableError, match=f"at migration {EARLIER}, not at {HEAD}"):
        await services.check_database()
    await services.aclose()

from collections.abc import Iterator
from pathlib import Path

import pytest

from journey import Shell
from tahoe_core.postgres.testing import temporary_home


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """One home for all journeys that can share it, with a space and an accent in its path."""
    with temporary_home(tmp_path_factory.mktemp("mon café")) as home:
        yield Shell(home, tmp_path_factory.mktemp("work"))


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Shell]:
    """A home that no other test uses."""
    with temporary_home() as home:
        yield Shell(home, tmp_path)

from collections.abc import Iterator

import pytest

from journey import Shell


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """One home for all journeys that can share it: with a space and an accent in its path."""
    shell = Shell(tmp_path_factory.mktemp("home") / "mon café", tmp_path_factory.mktemp("work"))
    yield shell
    shell.run("down")

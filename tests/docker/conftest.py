"""The containers, built and started once; only `make docker-test` runs these tests."""

from collections.abc import Iterator

import httpx
import pytest

from containers import Platform


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform that the tests share: up, migrated and seeded. Each leaves it as it found it, or healthy."""
    platform = Platform.create("tahoe-docker-test", tmp_path_factory.mktemp("platform"))
    try:
        platform.start()
        platform.tahoe("db", "seed")
        yield platform
    finally:
        platform.remove()


@pytest.fixture
def client(platform: Platform) -> Iterator[httpx.Client]:
    platform.wait_until_ready()
    with platform.client() as client:
        yield client

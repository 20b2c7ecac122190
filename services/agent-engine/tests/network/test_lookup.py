from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from tahoe_engine.network.addresses import Address, is_public
from tahoe_engine.network.lookup import Lookup, NoAddressError, RefusedAddressError, read_literal
from tahoe_engine.network.testing import HOST, resolver_of


class TestALiteral:
    @pytest.mark.parametrize(
        "host",
        [
            "169.254.169.254",
            "169.254.169.254.",
            "169.254.43518",
            "2852039166",
            "0xa9fea9fe",
            "0XA9.0xFE.0xA9.0xFE",
            "0251.0376.0251.0376",
        ],
    )
    def test_is_read_however_it_is_written(self, host: str) -> None:
        assert read_literal(host) == ip_address("169.254.169.254")

    def test_of_ipv6_is_read(self) -> None:
        assert read_literal("::ffff:a9fe:a9fe") == ip_address("::ffff:169.254.169.254")

    @pytest.mark.parametrize("host", ["localhost", "site.example", "169.254.169.254.nip.io", "0xa9fea9fg", "a" * 300])
    def test_is_no_name(self, host: str) -> None:
        assert read_literal(host) is None

    async def test_is_not_looked_up(self) -> None:
        async def fail(_host: str, _port: int) -> Sequence[Address]:
            raise AssertionError

        lookup = Lookup(is_public, fail)
        assert await lookup.find("1.1.1.1", 80) == (ip_address("1.1.1.1"),)
        with pytest.raises(RefusedAddressError, match="2130706433"):
            await lookup.find("2130706433", 80)


class TestAName:
    async def test_has_all_the_addresses_that_the_system_finds(self) -> None:
        assert ip_address("127.0.0.1") in await Lookup(lambda _: True).find("localhost", 80)

    async def test_is_refused_for_one_address_that_is_not_allowed(self) -> None:
        lookup = Lookup(is_public, resolver_of(site_example=["93.184.215.14", "10.0.0.1"]))
        with pytest.raises(RefusedAddressError, match=HOST):
            await lookup.find(HOST, 80)

    async def test_without_an_address_is_an_error(self) -> None:
        with pytest.raises(NoAddressError, match=r"nowhere\.example has no address"):
            await Lookup(is_public, resolver_of()).find("nowhere.example", 80)

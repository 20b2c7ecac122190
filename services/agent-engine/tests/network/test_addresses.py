from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tahoe_engine.network.addresses import is_public, may_be_server

REFUSED = [
    "0.0.0.0",  # noqa: S104 - no address to bind to
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:0:1:2:3:4:80ff:fffe",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
]
ALLOWED = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
PRIVATE = [ip_network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")]

NO_SERVER = [
    "0.0.0.0",  # noqa: S104 - no address to bind to
    "100.100.100.200",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "192.0.0.192",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::a9fe:a9fe",
    "::ffff:169.254.169.254",
    "::ffff:224.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "2001:0:1:2:3:4:5601:5601",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fe80::a9fe:a9fe%eth0",
    "ff02::1",
]
SERVERS = ["10.0.0.1", "100.64.0.1", "127.0.0.1", "172.16.0.1", "192.168.1.1", "::1", "::ffff:127.0.0.1", "fd12::1"]


class TestAnAddress:
    @pytest.mark.parametrize("text", REFUSED)
    def test_of_no_public_host_is_refused(self, text: str) -> None:
        assert not is_public(ip_address(text))

    @pytest.mark.parametrize("text", ALLOWED)
    def test_of_the_internet_is_allowed(self, text: str) -> None:
        assert is_public(ip_address(text))

    @given(st.sampled_from(PRIVATE).flatmap(lambda block: st.ip_addresses(network=str(block))))
    def test_that_is_private_stays_so_within_an_ipv6_address(self, address: object) -> None:
        number = int(ip_address(str(address)))
        for wrapped in ((0xFFFF << 32) | number, (0x0064FF9B << 96) | number, (0x2002 << 112) | (number << 80)):
            assert not is_public(ip_address(wrapped.to_bytes(16)))


class TestAServer:
    @pytest.mark.parametrize("text", NO_SERVER)
    def test_is_at_no_address_of_a_cloud_s_metadata_nor_at_one_of_no_host(self, text: str) -> None:
        assert not may_be_server(ip_address(text))

    @pytest.mark.parametrize("text", [*SERVERS, *ALLOWED])
    def test_may_be_on_this_machine_in_a_private_network_or_on_the_internet(self, text: str) -> None:
        assert may_be_server(ip_address(text))

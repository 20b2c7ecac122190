"""Kinds of IP addresses: those that agents may reach, and those where a server of one's own may be."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

type Address = IPv4Address | IPv6Address

# Public by their number, and not by what answers there: the host agent of Azure's machines.
_NOT_PUBLIC = frozenset({ip_address("168.63.129.16")})
# Where clouds keep their metadata, and with it keys, beside the link-local addresses: AWS, Google, Alibaba, Oracle.
_METADATA = tuple(map(ip_network, ("fd00:ec2::/32", "fd20:ce::254", "100.100.100.200", "192.0.0.192")))
_NAT64 = ip_network("64:ff9b::/96")
_NAT64_LOCAL = ip_network("64:ff9b:1::/48")
_SITE_LOCAL = ip_network("fec0::/10")
_COMPATIBLE = ip_network("::/96")


def is_public(address: Address) -> bool:
    """Tells whether an address is of the public internet.

    Private, loopback, link-local (where clouds keep their metadata), shared, multicast, reserved and documentation
    addresses are not; nor are these wrapped in an IPv6 address (mapped, compatible, NAT64, 6to4, Teredo).
    """
    if isinstance(address, IPv6Address):
        if address.scope_id is not None or any(address in block for block in (_SITE_LOCAL, _NAT64_LOCAL, _COMPATIBLE)):
            return False
        wrapped = _unwrap(address)
        if wrapped is not None:
            return is_public(wrapped)
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        and address not in _NOT_PUBLIC
    )


def may_be_server(address: Address) -> bool:
    """Tells whether an address may be that of a server which somebody runs: on this machine, in a network, anywhere.

    Link-local addresses (where clouds keep their metadata), the metadata addresses beside them, and unspecified,
    multicast and reserved ones may not; nor may these wrapped in an IPv6 address.
    """
    if isinstance(address, IPv6Address):
        if address.is_loopback:  # of a block that is reserved
            return True
        wrapped = _unwrap(address) or (IPv4Address(int(address)) if address in _COMPATIBLE else None)
        if wrapped is not None:
            return may_be_server(wrapped)
    return (
        not (address.is_link_local or address.is_multicast or address.is_reserved or address.is_unspecified)
        and address not in _NOT_PUBLIC
        and not any(address in block for block in _METADATA)
    )


def _unwrap(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None

"""Whose address a connection comes from, where addresses are counted: for caps, limits and attempts alike.

Layer: api.http.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAPPED_PREFIX: Final = 96  # bits before an IPv4 address that is written as IPv6
IPV6_PREFIX: Final = 64  # a host is given that much of IPv6 at least, so one address of it says nothing


@lru_cache(maxsize=4096)
def neighbourhood(address: str) -> str:
    """The name under which `address` is counted: itself for IPv4, its /64 for IPv6; as written where it is neither."""
    try:
        read = address_of(address)
    except ValueError:
        return address
    if isinstance(read, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((read, IPV6_PREFIX), strict=False))
    return str(read)


def network_of(text: str) -> Network:
    """An address or a network of them, as `address_of` reads what is in it. Raises ValueError."""
    address, slash, length = text.partition("/")
    network = ipaddress.ip_network(address.partition("%")[0] + slash + length, strict=False)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < MAPPED_PREFIX:
        return network
    return ipaddress.ip_network((mapped, network.prefixlen - MAPPED_PREFIX))


def address_of(text: str) -> Address:
    """An address, an IPv4 one that is written as IPv6 as IPv4, without a zone. Raises ValueError."""
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped

"""Tell hosts of the public internet from those of this machine and its network."""

from __future__ import annotations

import ipaddress
import socket
from typing import TypeAlias

from soutu.errors import QueryError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def public_address(host: str, port: int) -> str:
    """Look a host up and return an address of it to connect to.

    Whoever connects to that address, and does not look the name up again, cannot be led elsewhere
    by a name server that changes its answer. Raises QueryError, the same whether there is no such
    host or it is not public, so that nobody learns which names a private network has.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    addresses = [str(each[4][0]) for each in found]
    if not addresses or not all(map(is_public, addresses)):
        msg = f"{host!r} is no host on the public internet; pictures are fetched from nowhere else"
        raise QueryError(msg)
    return addresses[0]


def is_public(address: str) -> bool:
    """Tell whether an address is one that anybody on the internet can reach.

    IPv6 addresses that stand for an IPv4 one are as public as that is.
    """
    found: Address = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address) and (inner := _inner(found)) is not None:
        found = inner
    return found.is_global and not (
        found.is_multicast or found.is_reserved or found.is_unspecified or found.is_link_local
    )


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address inside a mapped, 6to4 or NAT64 address."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour

"""Which network addresses a fetch may connect to: pure rules over numbers, no look-ups.

A document's URL comes from outside, so it must not reach what only this machine or its network can
reach (server-side request forgery). An address that carries another one (IPv4-mapped, NAT64, 6to4,
Teredo) is judged by the address inside as well.
"""

from __future__ import annotations

import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Cloud metadata services hand out credentials: closed even where private addresses are open.
_METADATA = frozenset(
    ipaddress.ip_address(a)
    for a in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "192.0.0.192")
)
_SHARED = ipaddress.ip_network("100.64.0.0/10")  # carrier-grade NAT, RFC 6598
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")  # RFC 8215
_COMPATIBLE = ipaddress.ip_network("::/96")  # IPv4-compatible, deprecated by RFC 4291


def literal(host: str) -> Address | None:
    """Return the address that ``host`` spells, or None for a name.

    The old spellings that resolvers accept are read too: ``2130706433``, ``0x7f.1`` and ``0177.0.0.1``
    are all 127.0.0.1.
    """
    bare = host.strip("[]")
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        pass
    last = bare.rstrip(".").rsplit(".", 1)[-1]
    if not (last[:1].isascii() and last[:1].isdigit()):
        return None  # a name: inet_aton reads numbers only
    try:
        return ipaddress.IPv4Address(socket.inet_aton(bare.rstrip(".")))
    except OSError:
        return None


def _inner(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    inner: list[ipaddress.IPv4Address | None] = [address.ipv4_mapped, address.sixtofour]
    inner += address.teredo or ()
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return [a for a in inner if a is not None]


def refusal(address: Address, *, allow_private: bool) -> str | None:
    """Return why ``address`` must not be connected to ("a loopback address"), or None where it may be.

    ``allow_private`` opens private, loopback, link-local and shared addresses; metadata services,
    multicast, reserved and unspecified addresses stay closed.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            address = ipaddress.IPv6Address(int(address))
        inner = _inner(address)
        for carried in inner:
            reason = refusal(carried, allow_private=allow_private)
            if reason is not None:
                return f"{reason} ({carried}) inside an IPv6 address"
        if inner and address.ipv4_mapped is not None:
            return None  # judged by what it carries, which was allowed
    if address in _METADATA:
        return "the address of a cloud metadata service"
    if address.is_unspecified:
        return "the unspecified address"
    if address.is_multicast:
        return "a multicast address"
    if address.is_loopback:
        return None if allow_private else "a loopback address"
    if address.is_link_local:
        return None if allow_private else "a link-local address"
    if isinstance(address, ipaddress.IPv4Address):
        if address in _SHARED:
            return None if allow_private else "a shared (carrier-grade NAT) address"
    elif address.is_site_local:
        return None if allow_private else "a site-local address"
    if address in _NAT64_LOCAL:
        return None if allow_private else "a local NAT64 address"
    if address in _NAT64:
        return None
    # Before is_private: 240.0.0.0/4 counts as both.
    if address.is_reserved:
        return "a reserved address"
    if address.is_private or not address.is_global:
        return None if allow_private else "a private address"
    return None

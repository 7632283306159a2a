"""Which hosts a wiki that answers may lead us to.

Nothing that a stranger answers may send requests of ours to this machine or into the network
behind it, and no password or token to another host than the one that the user named.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from wikirank.errors import CorpusError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PUBLIC = "public"
_NAT64 = ip_network("64:ff9b::/96")


def check_host(named: httpx.URL, target: httpx.URL, *, has_credentials: bool) -> None:
    """Refuse to be led to a host that the user did not mean.

    Args:
        named: The address that the user gave.
        target: The address that the wiki leads to.
        has_credentials: Whether a password or token is meant for the wiki.

    Raises:
        CorpusError: If the target is another host and there are credentials, or if it is of this
            machine or of a private network and the user named none such.
    """
    if is_same_host(named, target):
        return
    if has_credentials:
        msg = (
            f"{named} leads to {_shown(target)}, another host: expected the one given, as your "
            "password or token is meant for it alone. If you trust the other, give its address."
        )
        raise CorpusError(msg)
    meant = _networks(named)
    # A name of which one address is public, the other not, may be a stranger's.
    inside = _networks(target) - {_PUBLIC} - (set() if _PUBLIC in meant else meant)
    if inside:
        msg = (
            f"{named} leads to {_shown(target)}, an address that is {' and '.join(sorted(inside))}:"
            " expected a host like the one given. If that is right, give that address itself."
        )
        raise CorpusError(msg)


def is_same_host(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two addresses are of one host and port, or of its usual ports for HTTP and HTTPS."""
    if one.host.rstrip(".").lower() != other.host.rstrip(".").lower():
        return False
    return _port(one) == _port(other) or {_port(one), _port(other)} == {80, 443}


def _port(url: httpx.URL) -> int | None:
    return url.port or _DEFAULT_PORTS.get(url.scheme)


def _shown(url: httpx.URL) -> str:
    return str(url.copy_with(query=None, fragment=None, userinfo=b""))


def _networks(url: httpx.URL) -> set[str]:
    """The networks that a host is in; none for a name that only a proxy may know."""
    host = url.raw_host.decode("ascii").strip("[]")
    try:
        addresses = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return set()
    return {_network(ip_address(str(entry[4][0]).partition("%")[0])) for entry in addresses}


def _network(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return _network(address.ipv4_mapped)
        if address in _NAT64:
            return _network(IPv4Address(int(address) & 0xFFFFFFFF))
    if address.is_loopback or address.is_unspecified:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    return _PUBLIC if address.is_global and not address.is_multicast else "private"

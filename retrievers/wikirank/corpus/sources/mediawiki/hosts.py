"""Check the hosts that a wiki redirects or points to.

No answer of a foreign server may direct our requests to this machine or its private network
(server-side request forgery), or our password or token to a host that the user did not name.
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
    """Check that the user would agree to a redirect.

    Args:
        named: The URL that the user gave.
        target: The URL that the wiki redirects to.
        has_credentials: Whether the user gave a password or token for the wiki.

    Raises:
        CorpusError: If the target is another host and there are credentials, or if it is in a
            private network (or on this machine) and `named` is not in the same network.
    """
    if is_same_host(named, target):
        return
    if has_credentials:
        msg = (
            f"{named} leads to {_shown(target)}, another host: expected the host you gave, because "
            "your password or token is for it alone. If you trust the other host, give its URL."
        )
        raise CorpusError(msg)
    allowed = _networks(named)
    # A host with both a public and a private address may belong to a stranger.
    private = _networks(target) - {_PUBLIC} - (set() if _PUBLIC in allowed else allowed)
    if private:
        msg = (
            f"{named} leads to {_shown(target)}, whose network is {' and '.join(sorted(private))}:"
            " expected a host in the network of the one you gave. If it is right, give its URL."
        )
        raise CorpusError(msg)


def is_same_host(a: httpx.URL, b: httpx.URL) -> bool:
    """Whether two URLs have the same host and port, or ports 80 and 443 of one host."""
    if a.host.rstrip(".").lower() != b.host.rstrip(".").lower():
        return False
    return _port(a) == _port(b) or {_port(a), _port(b)} == {80, 443}


def _port(url: httpx.URL) -> int | None:
    return url.port or _DEFAULT_PORTS.get(url.scheme)


def _shown(url: httpx.URL) -> str:
    return str(url.copy_with(query=None, fragment=None, userinfo=b""))


def _networks(url: httpx.URL) -> set[str]:
    """Return the kinds of network of a host's addresses; empty if only a proxy can resolve it."""
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

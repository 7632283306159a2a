"""Where our servers listen: on loopback, or on any other address with a token."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

from wikirank.errors import InvalidArgumentError

_SHORTEST_TOKEN = 16


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is reachable from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_token(host: str, token: str | None, *, hint: str) -> None:
    """Refuse to listen for other machines without a token, or with a token that is easy to guess.

    Args:
        host: Name or address to listen on.
        token: What clients must send; None for no token.
        hint: How to set a token, for the message.

    Raises:
        InvalidArgumentError: If other machines can reach the host and there is no token, or the
            token is too short or not plain ASCII.
    """
    if token is None and not is_loopback(host):
        msg = (
            f"Expected a token to listen on {host}, which other machines can reach; got none. "
            f"{hint}, or listen on 127.0.0.1."
        )
        raise InvalidArgumentError(msg)
    plain = token is None or (token.isascii() and token.isprintable() and " " not in token)
    if not plain or (token is not None and len(token) < _SHORTEST_TOKEN):
        msg = (
            f"Expected a token of at least {_SHORTEST_TOKEN} ASCII characters without spaces. "
            'Make one: python -c "import secrets; print(secrets.token_urlsafe())"'
        )
        raise InvalidArgumentError(msg)


def open_socket(host: str, port: int) -> socket.socket:
    """Listen on a host and port.

    Args:
        host: Name or address.
        port: 0 to 65,535; 0 takes any free port.

    Returns:
        The listening socket.

    Raises:
        InvalidArgumentError: If the port is in use or the host is not an address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as err:
        if err.errno == errno.EADDRINUSE:
            msg = f"Port {port} is in use. Choose another with --port, or --port 0 for a free one."
        else:
            msg = f"Cannot listen on {host}, port {port} ({err}). Choose another --host or --port."
        raise InvalidArgumentError(msg) from err

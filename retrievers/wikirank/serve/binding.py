"""Where the server listens: loopback, or elsewhere with a token."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

from wikirank.errors import InvalidArgumentError


def is_loopback(host: str) -> bool:
    """Whether a host name or address reaches this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_binding(host: str, token: str | None) -> None:
    """Refuse to be reachable from other machines without a token.

    Args:
        host: Name or address to listen on.
        token: What clients must present; None if nothing.

    Raises:
        InvalidArgumentError: If the token is no single word, or is missing where it is needed.
    """
    if token is not None and not (
        token.isascii() and token.isprintable() and token.split() == [token]
    ):
        msg = "A token is one word of printable ASCII characters. Choose a long random one."
        raise InvalidArgumentError(msg)
    if token is None and not is_loopback(host):
        msg = (
            f"{host} can be reached from other machines, so a token is needed: add --token, or "
            "leave --host out to listen on 127.0.0.1 alone."
        )
        raise InvalidArgumentError(msg)


def open_socket(host: str, port: int) -> socket.socket:
    """Listen on a host and port.

    Args:
        host: Name or address.
        port: 0 to 65,535; 0 takes any that is free.

    Returns:
        The socket, listening.

    Raises:
        InvalidArgumentError: If the port is in use or the host is none of this machine's.
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


def page_url(host: str, listening: socket.socket, token: str | None) -> str:
    """The address to open in a browser on this machine.

    Args:
        host: As given to `open_socket`.
        listening: What it returned.
        token: Goes into the address's fragment, which browsers do not send on.

    Returns:
        The address.
    """
    port = listening.getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"#token={token}" if token else "")

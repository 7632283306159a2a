"""What every request is checked for, and the headers that every answer carries."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wikirank._server import is_loopback
from wikirank.serve.failures import failure

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_LONGEST_BODY_BYTES = 64 * 1024


class Guard:
    """ASGI middleware: refuses requests that come by way of other sites.

    A page elsewhere can point a name of its own at 127.0.0.1 (DNS rebinding) and would then share
    our origin; the `Host` header gives it away, since a browser puts the page's own name there.

    Args:
        app: What answers the requests that pass.
        host: Name or address that the server listens on.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app = app
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer that it is refused."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        refused = self._refused(scope["method"], Headers(scope=scope))
        answer = failure(*refused) if refused else self._app
        await answer(scope, receive, send_secured)

    def _refused(self, method: str, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if not host_allowed(host, self._host):
            return (
                400,
                f"This server does not answer to the name {host!r}. Use the printed address.",
            )
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, "Requests of other sites are refused."
        if method == "POST":
            return _body_refused(headers)
        return None


def _body_refused(headers: Headers) -> tuple[int, str] | None:
    length = headers.get("content-length")
    if length is None or not length.isdigit():
        return 411, "A request with a body needs a Content-Length."
    if int(length) > _LONGEST_BODY_BYTES:
        return 413, f"The body has {length} bytes; {_LONGEST_BODY_BYTES} are allowed."
    return None


def host_allowed(header: str, listening: str) -> bool:
    """Whether a `Host` header names this server.

    Args:
        header: The header's value: a name or address, with or without a port.
        listening: Name or address that the server listens on.

    Returns:
        True for that name. Where it is loopback, for every name of loopback; elsewhere, for every
        address, since an address cannot be rebound.
    """
    try:
        name = urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return False
    if name == listening.lower() or is_loopback(name):
        return True
    return not is_loopback(listening) and _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True

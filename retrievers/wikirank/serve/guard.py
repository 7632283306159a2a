"""Security checks of every request, and security headers of every response."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
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
_MAX_BODY_BYTES = 64 * 1024


@dataclass(frozen=True)
class Access:
    """Rules for who may send requests.

    Attributes:
        host: Name or address that the server listens on. Other `Host` headers are refused.
        allowed_hosts: Further names that clients use.
        token: Bearer token that clients must send; None for no token.
        open_paths: Paths that need no token.
    """

    host: str
    allowed_hosts: Collection[str] = ()
    token: str | None = None
    open_paths: Collection[str] = ()

    def is_authorized(self, path: str, authorization: str) -> bool:
        """Return whether a request has the right token, or needs none.

        Args:
            path: Path of the request.
            authorization: `Authorization` header; empty if missing.

        Returns:
            False if the token is missing or wrong. The comparison takes constant time.
        """
        if self.token is None or path in self.open_paths:
            return True
        scheme, _, token = authorization.partition(" ")
        is_equal = hmac.compare_digest(token.strip().encode(), self.token.encode())
        return is_equal and scheme.lower() == "bearer"

    def is_host_allowed(self, host_header: str) -> bool:
        """Return whether a `Host` header names this server."""
        return host_allowed(host_header, self.host) or any(
            _host_name(host_header) == name.lower() for name in self.allowed_hosts
        )


class Guard:
    """ASGI middleware that refuses requests without the token, and requests from other sites.

    Another site can point its own domain name at 127.0.0.1 (DNS rebinding), and its pages would
    then share our origin. The `Host` header reveals this: the browser sends the site's name in it.

    Args:
        app: The application behind this middleware.
        access: Rules for who may send requests.
        body_bytes: Most bytes of a body, by path; 64 KiB for other paths.
    """

    def __init__(
        self, app: ASGIApp, access: Access, body_bytes: Mapping[str, int] | None = None
    ) -> None:
        self._app = app
        self._access = access
        self._body_bytes = body_bytes or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        app = self._refusal(scope) or self._app
        await app(scope, receive, send_secured)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        """Return the response to a refused request, whose body is never read; None to accept."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._access.is_host_allowed(host):
            return failure(
                400,
                f"Expected the host name of this server, got {host[:100]!r}. Use the printed "
                "address, or start the server with --allowed-host.",
            )
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return failure(403, "Requests from other sites are refused.")
        if not self._access.is_authorized(scope["path"], headers.get("authorization", "")):
            response = failure(
                401,
                "This server needs its token. Open the address that `wikirank serve` printed, or "
                "send the token in the header `Authorization: Bearer`.",
            )
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        if scope["method"] == "POST":
            return _body_refusal(headers, self._body_bytes.get(scope["path"], _MAX_BODY_BYTES))
        return None


def _body_refusal(headers: Headers, max_bytes: int) -> JSONResponse | None:
    length = headers.get("content-length")
    if length is None or not length.isdigit():
        return failure(411, "Expected a Content-Length, got none. Send one with the body.")
    if int(length) > max_bytes:
        return failure(
            413, f"Expected a body of at most {max_bytes} bytes, got {length}. Send less at once."
        )
    return None


def host_allowed(header: str, listening: str) -> bool:
    """Return whether a `Host` header may name this server.

    Args:
        header: Value of the header: a name or address, with or without a port.
        listening: Name or address that the server listens on.

    Returns:
        True for `listening` and for every loopback name. If the server does not listen on loopback,
        also for every IP address, because DNS rebinding needs a name.
    """
    name = _host_name(header)
    if name == listening.lower() or is_loopback(name):
        return True
    return not is_loopback(listening) and _is_address(name)


def _host_name(header: str) -> str:
    """Return a `Host` header without its port; empty if it is invalid."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True

"""What every request is checked for, and the headers that every answer carries."""

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
_LONGEST_BODY_BYTES = 64 * 1024


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes:
        host: Name or address that the server listens on; other `Host` headers are refused.
        allowed_hosts: Other names that clients reach it by.
        token: What clients must present as bearer; None if nothing.
        open_paths: What is answered without the token.
    """

    host: str
    allowed_hosts: Collection[str] = ()
    token: str | None = None
    open_paths: Collection[str] = ()

    def lets_in(self, path: str, authorization: str) -> bool:
        """Whether a request may be answered.

        Args:
            path: What it asks for.
            authorization: Its header of that name; empty if there is none.

        Returns:
            False where the token is missing or wrong. Takes as long for any of its length.
        """
        if self.token is None or path in self.open_paths:
            return True
        scheme, _, presented = authorization.partition(" ")
        right = hmac.compare_digest(presented.strip().encode(), self.token.encode())
        return right and scheme.lower() == "bearer"

    def knows(self, host_header: str) -> bool:
        """Whether a `Host` header names this server."""
        return host_allowed(host_header, self.host) or any(
            _host_name(host_header) == name.lower() for name in self.allowed_hosts
        )


class Guard:
    """ASGI middleware: refuses strangers, and requests that come by way of other sites.

    A page elsewhere can point a name of its own at 127.0.0.1 (DNS rebinding) and would then share
    our origin; the `Host` header gives it away, since a browser puts the page's own name there.

    Args:
        app: What answers the requests that pass.
        access: Who may ask.
        body_bytes: The longest body by path, where it is not the usual 64 KiB.
    """

    def __init__(
        self, app: ASGIApp, access: Access, body_bytes: Mapping[str, int] | None = None
    ) -> None:
        self._app = app
        self._access = access
        self._body_bytes = body_bytes or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer that it is refused."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        answer = self._refusal(scope) or self._app
        await answer(scope, receive, send_secured)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        """The answer to a request that is refused; its body has not been read."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._access.knows(host):
            return failure(
                400,
                f"This server does not answer to the name {host[:100]!r}. Use the printed "
                "address, or name it with --allowed-host.",
            )
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return failure(403, "Requests of other sites are refused.")
        if not self._access.lets_in(scope["path"], headers.get("authorization", "")):
            answer = failure(
                401,
                "This server wants its token. Open the address that `wikirank serve` printed, or "
                "send the header `Authorization: Bearer` with it.",
            )
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        if scope["method"] == "POST":
            return _body_refusal(headers, self._body_bytes.get(scope["path"], _LONGEST_BODY_BYTES))
        return None


def _body_refusal(headers: Headers, most: int) -> JSONResponse | None:
    length = headers.get("content-length")
    if length is None or not length.isdigit():
        return failure(411, "A request with a body needs a Content-Length.")
    if int(length) > most:
        return failure(413, f"The body has {length} bytes; {most} are allowed.")
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
    name = _host_name(header)
    if name == listening.lower() or is_loopback(name):
        return True
    return not is_loopback(listening) and _is_address(name)


def _host_name(header: str) -> str:
    """A `Host` header without its port; empty if it is none."""
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

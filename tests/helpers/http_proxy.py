"""A proxy in front of a real server: records the requests and answers some of them itself."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

_HOP = {"connection", "content-encoding", "content-length", "transfer-encoding", "host", "date"}


@dataclass(frozen=True)
class Request:
    """A client's request; `parameters` are those of the query string and of the form."""

    method: str
    path: str
    headers: Mapping[str, str]
    parameters: Mapping[str, str]
    in_address: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """A reply of the proxy in place of the server's."""

    status: int = 200
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()


class Proxy:
    """Forward requests to a server, unless `answer` returns a reply.

    Args:
        target: Address of the server.
        answer: Returns the reply to a request, or None to forward it.
        change: Returns the parameters to forward.
        certificate: File with a certificate and its key, to use HTTPS.
    """

    def __init__(
        self,
        target: str,
        answer: Callable[[Request], Reply | None] = lambda _: None,
        *,
        change: Callable[[Request], Mapping[str, str]] = lambda request: request.parameters,
        certificate: Path | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self._http = httpx.Client(base_url=target, timeout=60, follow_redirects=False)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                address = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
                form = dict(parse_qsl(body.decode(), keep_blank_values=True))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(
                    self.command, urlsplit(self.path).path, headers, {**address, **form}, address
                )
                proxy.requests.append(request)
                reply = answer(request) or proxy._forward(request, change(request))
                self.send_response(reply.status)
                for name, value in reply.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *args: Any) -> None:
                del args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://{self.host}"
        self.api = f"{self.url}/api.php"

    def _forward(self, request: Request, parameters: Mapping[str, str]) -> Reply:
        headers = {name: value for name, value in request.headers.items() if name not in _HOP}
        if request.method == "GET":
            answer = self._http.get(request.path, params=dict(parameters), headers=headers)
        else:
            answer = self._http.post(request.path, data=dict(parameters), headers=headers)
        self._http.cookies.clear()  # Only the client keeps cookies.
        pairs = [pair for pair in answer.headers.multi_items() if pair[0].lower() not in _HOP]
        return Reply(answer.status_code, answer.content, pairs)

    def __enter__(self) -> Proxy:
        # The default of half a second would delay each shutdown.
        serve = partial(self._server.serve_forever, poll_interval=0.02)
        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._http.close()

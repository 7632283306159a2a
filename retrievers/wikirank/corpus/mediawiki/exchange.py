"""One request to a wiki and its answer, within bounds of time and size."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from time import monotonic

import httpx

import wikirank
from wikirank.errors import CorpusError, SourceConnectionError

_LARGEST = 64 * 2**20  # bytes of an answer; MediaWiki's own limit is 12 MiB
_LONGEST = 300.0  # seconds for a whole answer, however slowly it drips
_TIMEOUT = httpx.Timeout(60.0, connect=15.0)
_LONGEST_URL = 2000  # characters; what is longer goes as a form


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered.

    Attributes:
        status: HTTP status.
        headers: HTTP headers.
        body: The content, decompressed.
        url: Where it came from.
    """

    status: int
    headers: httpx.Headers
    body: bytes
    url: httpx.URL

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait, 0 or more; None if it does not say."""
        value = self.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            return float(value)
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())


def make_client(contact: str | None) -> httpx.Client:
    """An HTTP client that says who it is and follows no redirect.

    Args:
        contact: Mail address or page of whoever runs it, as wikis ask for in the user agent.

    Returns:
        The client, open.
    """
    about = f"; contact: {contact}" if contact else ""
    agent = f"langchain-wikirank/{wikirank.__version__} (indexing{about}) httpx/{httpx.__version__}"
    return httpx.Client(headers={"User-Agent": agent}, timeout=_TIMEOUT, follow_redirects=False)


def send(
    client: httpx.Client,
    url: str,
    parameters: Mapping[str, str],
    *,
    headers: Mapping[str, str] | None = None,
    form: bool = False,
) -> Answer:
    """Send a request.

    Args:
        client: What sends it.
        url: Address.
        parameters: Query, or fields of the form.
        headers: Further headers.
        form: Whether the parameters must not show in the address; long ones never do.

    Returns:
        The answer, whatever its status.

    Raises:
        CorpusError: If the answer is too large, or the server's certificate is not to be trusted.
        SourceConnectionError: If the network or the server fails; another try may help.
    """
    as_form = form or sum(len(value) for value in parameters.values()) > _LONGEST_URL
    request = client.build_request(
        "POST" if as_form else "GET",
        url,
        params=None if as_form else parameters,
        data=dict(parameters) if as_form else None,
        headers=headers,
    )
    host = request.url.host
    try:
        response = client.send(request, stream=True)
        try:
            return Answer(response.status_code, response.headers, _body(response), request.url)
        finally:
            response.close()
    except httpx.RequestError as err:
        if _is_about_certificates(err):
            msg = (
                f"The certificate of {host} is not trusted ({err}). If it is your company's own, "
                "name the file of its authority in SSL_CERT_FILE."
            )
            raise CorpusError(msg) from err
        msg = f"{host} cannot be reached ({type(err).__name__}: {err})"
        raise SourceConnectionError(msg) from err


def _body(response: httpx.Response) -> bytes:
    until = monotonic() + _LONGEST
    body = bytearray()
    for part in response.iter_bytes():
        body += part
        if len(body) > _LARGEST:
            msg = f"{response.url.host} answers with more than {_LARGEST} bytes: expected less."
            raise CorpusError(msg)
        if monotonic() > until:
            msg = f"the answer took longer than {_LONGEST:.0f} s"
            raise httpx.ReadTimeout(msg)
    return bytes(body)


def _is_about_certificates(err: BaseException | None) -> bool:
    while err is not None:
        if isinstance(err, ssl.SSLCertVerificationError):
            return True
        err = err.__cause__ or err.__context__
    return False

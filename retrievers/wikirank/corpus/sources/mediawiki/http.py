"""Send one request to a wiki, with limits on time and size, and convert errors."""

from __future__ import annotations

import math
import ssl
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import ClassVar

import httpx

from wikirank._cancellation import check_cancelled
from wikirank._version import __version__
from wikirank.errors import CorpusError, SourceAccessError, SourceConnectionError

LOGIN_LOST = frozenset({"assertuserfailed", "assertnameduserfailed"})
_DENIED = LOGIN_LOST | {
    "readapidenied",
    "permissiondenied",
    "mustbeloggedin",
    "mwoauth-invalid-authorization",
    "mwoauth-invalid-authorization-invalid-user",
    "blocked",
    "globalblocking-blockedtext-ip",
}
_BUSY_STATUSES = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SHOWN = 120  # characters of an answer in a message


class BusyError(SourceConnectionError):
    """The wiki is busy or failed; the request may be tried again later.

    Args:
        message: The message.
        retry_after: Seconds that the wiki asks to wait; None if it does not say.
        is_failure: True if this request failed, rather than the wiki being busy.
    """

    CODES: ClassVar[frozenset[str]] = frozenset({"maxlag", "ratelimited", "readonly"})

    def __init__(
        self, message: str, retry_after: float | None = None, *, is_failure: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.is_failure = is_failure


class ApiError(CorpusError):
    """The API answered with an error.

    Args:
        message: The message.
        code: The API's code for the error.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def retries_exhausted(
    error: SourceConnectionError, tries: int, retry_after: float | None
) -> CorpusError:
    """Make the error to raise after the last try failed."""
    if isinstance(error, BusyError) and error.is_failure:
        return ApiError(f"{error}, {tries} times", "failure")
    wait = f"; it asks to wait {retry_after:.0f} s" if retry_after else ""
    msg = f"{error}. Gave up after {tries} tries{wait}. Run the same command later to continue."
    return SourceConnectionError(msg)


def status_error(answer: Answer, *, has_credentials: bool) -> CorpusError | None:
    """Make the error for an HTTP status other than 200; None for 200."""
    where = answer.url.copy_with(query=None)
    if answer.status in _BUSY_STATUSES:
        msg = f"{where} answers with status {answer.status}"
        return BusyError(msg, answer.retry_after, is_failure=answer.status == 500)
    if answer.status in _REDIRECTS:
        target = answer.headers.get("location", "nowhere")
        msg = (
            f"{where} redirects to {target}, which is not followed, because it may belong to "
            "somebody else. Give the URL of the wiki's api.php itself."
        )
        return CorpusError(msg)
    if answer.status in (401, 403):
        refused = "these credentials" if has_credentials else "reading without credentials"
        msg = (
            f"{where} refuses {refused} (status {answer.status}). {_HOW_TO_LOG_IN} Some public "
            "wikis refuse programs without a contact: give --contact."
        )
        return SourceAccessError(msg)
    return None if answer.status == 200 else unexpected_answer(answer)


def unexpected_answer(answer: Answer) -> CorpusError:
    """Make the error for an answer that no MediaWiki API sends."""
    where = answer.url.copy_with(query=None)
    beginning = " ".join(answer.body[: 4 * _SHOWN].decode(errors="replace").split())[:_SHOWN]
    msg = (
        f"{where} does not answer like a MediaWiki API: expected JSON, got status "
        f"{answer.status} and {beginning!r}. Give the URL of the wiki, or of its api.php."
    )
    return CorpusError(msg)


def error_code(error: object) -> str:
    """Return the API's code for an error; empty if there is none."""
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def api_error(url: str, error: object) -> CorpusError:
    """Make the error from the field `error` of an answer, which is a map unless it is malformed."""
    code = error_code(error) or "unknown"
    info = error.get("info", "no details") if isinstance(error, dict) else error
    info = " ".join(str(info).split())[: 4 * _SHOWN]
    if code in _DENIED:
        return SourceAccessError(f"{url} denies read access ({code}: {info}). {_HOW_TO_LOG_IN}")
    return ApiError(f"{url} answers with an error ({code}: {info})", code)


_HOW_TO_LOG_IN = (
    "For a private wiki give --user and set WIKIRANK_MEDIAWIKI_PASSWORD (its page "
    "Special:BotPasswords makes both), or set WIKIRANK_MEDIAWIKI_TOKEN, an OAuth 2 access token."
)


_MAX_BODY = 64 * 2**20  # bytes of an answer; MediaWiki's own limit is 12 MiB
_PIECE = 2**20  # bytes that are decompressed at once
_MAX_SECONDS = 300.0  # for a whole answer, however slowly it arrives
_TIMEOUT = 60.0
_CONNECT_TIMEOUT = 15.0
_MIN_TIMEOUT = 0.01
_MAX_QUERY = 2000  # characters; longer parameters are sent as a form


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a server.

    Attributes:
        status: HTTP status.
        headers: HTTP headers.
        body: The content, decompressed.
        url: URL of the request.
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
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def make_client(contact: str | None) -> httpx.Client:
    """Return an HTTP client that follows no redirects and names a contact, as wikis ask for."""
    about = f"; contact: {contact}" if contact else ""
    agent = f"langchain-wikirank/{__version__} (indexing{about}) httpx/{httpx.__version__}"
    headers = {"User-Agent": agent, "Accept-Encoding": "gzip"}
    return httpx.Client(headers=headers, follow_redirects=False)


def parse_url(url: str) -> httpx.URL:
    """Parse a URL; CorpusError if it is invalid."""
    try:
        return httpx.URL(url)
    except httpx.InvalidURL as err:
        msg = f"Expected a URL, got {url[:_SHOWN]!r} ({err})."
        raise CorpusError(msg) from err


def send(
    client: httpx.Client,
    url: str,
    parameters: Mapping[str, str],
    *,
    headers: Mapping[str, str] | None = None,
    form: bool = False,
    until: float = math.inf,
) -> Answer:
    """Send a request.

    Args:
        client: The HTTP client.
        url: URL without query.
        parameters: Parameters of the query or form.
        headers: Additional headers.
        form: Send the parameters as a form (POST), so that they are not part of the URL. Long ones
            are always sent as a form.
        until: When to give up, by `time.monotonic`. The limit of 5 minutes also applies.

    Returns:
        The answer, whatever its status.

    Raises:
        CorpusError: If the answer is too large, or the server's certificate is not trusted.
        SourceConnectionError: If the network or the server fails; another try may help.
    """
    as_form = form or sum(len(value) for value in parameters.values()) > _MAX_QUERY
    request = client.build_request(
        "POST" if as_form else "GET",
        parse_url(url),
        params=None if as_form else parameters,
        data=dict(parameters) if as_form else None,
        headers=headers,
        timeout=_timeout(until),
    )
    host = request.url.host
    try:
        response = client.send(request, stream=True)
        try:
            body = _body(response, until)
            return Answer(response.status_code, response.headers, body, request.url)
        finally:
            response.close()
    except httpx.RequestError as err:
        if _is_certificate_error(err):
            msg = (
                f"The certificate of {host} is not trusted ({err}). If your company issued it, "
                "set SSL_CERT_FILE to the file with the company's root certificate."
            )
            raise CorpusError(msg) from err
        msg = f"{host} cannot be reached ({type(err).__name__}: {err})"
        raise SourceConnectionError(msg) from err


def _timeout(until: float) -> httpx.Timeout:
    """Return the timeouts for a connection and for each part of an answer."""
    left = max(_MIN_TIMEOUT, until - monotonic())
    return httpx.Timeout(min(_TIMEOUT, left), connect=min(_CONNECT_TIMEOUT, left))


def _body(response: httpx.Response, until: float) -> bytes:
    until = min(until, monotonic() + _MAX_SECONDS)
    body = bytearray()
    for piece in _decompress(response):
        check_cancelled()
        body += piece
        if len(body) > _MAX_BODY:
            msg = f"{response.url.host} answers with more than {_MAX_BODY} bytes: expected less."
            raise CorpusError(msg)
        if monotonic() > until:
            msg = "the answer took too long"
            raise httpx.ReadTimeout(msg)
    return bytes(body)


def _decompress(response: httpx.Response) -> Iterator[bytes]:
    """Yield the content in pieces of limited size, against decompression bombs."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        yield from response.iter_raw()
        return
    if coding not in ("gzip", "x-gzip"):
        msg = (
            f"{response.url.host} answers in the encoding {coding[:_SHOWN]!r}: expected gzip or "
            "none, as requested."
        )
        raise CorpusError(msg)
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 16)  # with gzip's header
    empty = True
    try:
        for raw in response.iter_raw():
            empty = False
            piece = decompressor.decompress(raw, _PIECE)
            while piece:
                yield piece
                piece = decompressor.decompress(decompressor.unconsumed_tail, _PIECE)
    except zlib.error as err:
        raise httpx.DecodingError(str(err)) from err
    if not (empty or decompressor.eof):
        msg = "the compressed answer is cut short"
        raise httpx.DecodingError(msg)


def _is_certificate_error(err: BaseException | None) -> bool:
    while err is not None:
        if isinstance(err, ssl.SSLCertVerificationError):
            return True
        err = err.__cause__ or err.__context__
    return False

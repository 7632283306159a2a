"""One request to a wiki and its answer, within bounds of time and size; its errors as ours."""

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
    """The wiki asks to come again later.

    Args:
        message: What it said.
        retry_after: Seconds that it asks to wait; None if it does not say.
        is_failure: Whether it failed on this request, rather than being busy.
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
        message: What is wrong.
        code: The API's name for it.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def given_up(fault: SourceConnectionError, tries: int, retry_after: float | None) -> CorpusError:
    """The error when trying again has not helped.

    Args:
        fault: What went wrong the last time.
        tries: How many times it was tried.
        retry_after: Seconds that the wiki asks to wait now; None if it does not say.

    Returns:
        The error.
    """
    if isinstance(fault, BusyError) and fault.is_failure:
        return ApiError(f"{fault}, {tries} times", "failure")
    asks = f"; it asks to wait {retry_after:.0f} s" if retry_after else ""
    msg = f"{fault}. Gave up after {tries} tries{asks}. Run the same command later to go on."
    return SourceConnectionError(msg)


def refused(answer: Answer, *, signed: bool) -> CorpusError | None:
    """The error for an answer whose HTTP status is none of success.

    Args:
        answer: The answer.
        signed: Whether the request bore credentials.

    Returns:
        The error; None for a success.
    """
    where = answer.url.copy_with(query=None)
    if answer.status in _BUSY_STATUSES:
        msg = f"{where} answers with status {answer.status}"
        return BusyError(msg, answer.retry_after, is_failure=answer.status == 500)
    if answer.status in _REDIRECTS:
        target = answer.headers.get("location", "nowhere")
        msg = (
            f"{where} redirects to {target}, which is not followed, as it may be another's: "
            "expected an answer. Give the address of the wiki's api.php itself."
        )
        return CorpusError(msg)
    if answer.status in (401, 403):
        credentials = "the credentials given" if signed else "reading without credentials"
        msg = (
            f"{where} refuses {credentials} (status {answer.status}). {_HOW_TO_SIGN} Some public "
            "wikis refuse programs that name no contact: --contact."
        )
        return SourceAccessError(msg)
    return None if answer.status == 200 else unexpected_answer(answer)


def unexpected_answer(answer: Answer) -> CorpusError:
    """The error for an answer that no MediaWiki API gives."""
    where = answer.url.copy_with(query=None)
    begins = " ".join(answer.body[: 4 * _SHOWN].decode(errors="replace").split())[:_SHOWN]
    msg = (
        f"{where} does not answer as a MediaWiki API does: expected JSON, got status "
        f"{answer.status} and {begins!r}. Give the wiki's address, or that of its api.php."
    )
    return CorpusError(msg)


def error_code(error: object) -> str:
    """The API's name for an error; empty where there is none."""
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def api_error(url: str, error: object) -> CorpusError:
    """The error for what stands in the field `error` of an API's answer, a map unless broken."""
    code = error_code(error) or "unknown"
    said = error.get("info", "nothing said") if isinstance(error, dict) else error
    said = " ".join(str(said).split())[: 4 * _SHOWN]
    if code in _DENIED:
        return SourceAccessError(f"{url} does not let us read ({code}: {said}). {_HOW_TO_SIGN}")
    return ApiError(f"{url} answers with an error ({code}: {said})", code)


_HOW_TO_SIGN = (
    "For a private wiki give --user and set WIKIRANK_MEDIAWIKI_PASSWORD (its page "
    "Special:BotPasswords makes both), or set WIKIRANK_MEDIAWIKI_TOKEN, an OAuth 2 access token."
)


_LARGEST = 64 * 2**20  # bytes of an answer; MediaWiki's own limit is 12 MiB
_PIECE = 2**20  # bytes that are decompressed at once
_LONGEST = 300.0  # seconds for a whole answer, however slowly it drips
_TIMEOUT = 60.0
_CONNECT_TIMEOUT = 15.0
_SHORTEST_TIMEOUT = 0.01
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
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def make_client(contact: str | None) -> httpx.Client:
    """An HTTP client that says who runs it, as wikis ask for, and follows no redirect."""
    about = f"; contact: {contact}" if contact else ""
    agent = f"langchain-wikirank/{__version__} (indexing{about}) httpx/{httpx.__version__}"
    headers = {"User-Agent": agent, "Accept-Encoding": "gzip"}
    return httpx.Client(headers=headers, follow_redirects=False)


def parse_url(url: str) -> httpx.URL:
    """Parse an address; CorpusError if it is none."""
    try:
        return httpx.URL(url)
    except httpx.InvalidURL as err:
        msg = f"Expected an address of the web, got {url[:_SHOWN]!r} ({err})."
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
        client: What sends it.
        url: Address.
        parameters: Query, or fields of the form.
        headers: Further headers.
        form: Whether the parameters must not show in the address; long ones never do.
        until: When to give up, by `time.monotonic`; 5 minutes after it began in any case.

    Returns:
        The answer, whatever its status.

    Raises:
        CorpusError: If the answer is too large, or the server's certificate is not to be trusted.
        SourceConnectionError: If the network or the server fails; another try may help.
    """
    as_form = form or sum(len(value) for value in parameters.values()) > _LONGEST_URL
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
        if _is_about_certificates(err):
            msg = (
                f"The certificate of {host} is not trusted ({err}). If it is your company's own, "
                "name the file of its authority in SSL_CERT_FILE."
            )
            raise CorpusError(msg) from err
        msg = f"{host} cannot be reached ({type(err).__name__}: {err})"
        raise SourceConnectionError(msg) from err


def _timeout(until: float) -> httpx.Timeout:
    """How long to wait for a connection and for each part of an answer."""
    left = max(_SHORTEST_TIMEOUT, until - monotonic())
    return httpx.Timeout(min(_TIMEOUT, left), connect=min(_CONNECT_TIMEOUT, left))


def _body(response: httpx.Response, until: float) -> bytes:
    until = min(until, monotonic() + _LONGEST)
    body = bytearray()
    for piece in _decompressed(response):
        check_cancelled()
        body += piece
        if len(body) > _LARGEST:
            msg = f"{response.url.host} answers with more than {_LARGEST} bytes: expected less."
            raise CorpusError(msg)
        if monotonic() > until:
            msg = "the answer took longer than it may"
            raise httpx.ReadTimeout(msg)
    return bytes(body)


def _decompressed(response: httpx.Response) -> Iterator[bytes]:
    """The content in pieces of bounded size, however small it was compressed."""
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        yield from response.iter_raw()
        return
    if coding not in ("gzip", "x-gzip"):
        msg = (
            f"{response.url.host} answers in the encoding {coding[:_SHOWN]!r}: expected gzip or "
            "none, as it was asked for."
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


def _is_about_certificates(err: BaseException | None) -> bool:
    while err is not None:
        if isinstance(err, ssl.SSLCertVerificationError):
            return True
        err = err.__cause__ or err.__context__
    return False

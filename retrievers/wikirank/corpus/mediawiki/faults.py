"""What a wiki's answer says is wrong, as errors of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from wikirank.corpus.mediawiki.exchange import Answer
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


def given_up(fault: SourceConnectionError, tries: int, asked: float | None) -> CorpusError:
    """The error when trying again has not helped.

    Args:
        fault: What went wrong the last time.
        tries: How many times it was tried.
        asked: Seconds that the wiki asks to wait now; None if it does not say.

    Returns:
        The error.
    """
    if isinstance(fault, BusyError) and fault.is_failure:
        return ApiError(f"{fault}, {tries} times", "failure")
    asks = f"; it asks to wait {asked:.0f} s" if asked else ""
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


def api_error(url: str, error: Mapping[str, Any]) -> CorpusError:
    """The error for the `error` object of an API's answer."""
    code, said = str(error.get("code", "unknown")), str(error.get("info", "nothing said"))
    if code in _DENIED:
        return SourceAccessError(f"{url} does not let us read ({code}: {said}). {_HOW_TO_SIGN}")
    return ApiError(f"{url} answers with an error ({code}: {said})", code)


_HOW_TO_SIGN = (
    "For a private wiki give --user and set WIKIRANK_MEDIAWIKI_PASSWORD (its page "
    "Special:BotPasswords makes both), or set WIKIRANK_MEDIAWIKI_TOKEN, an OAuth 2 access token."
)

"""Client of a MediaWiki API: login, retries, continuation and errors."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from wikirank._cancellation import check_cancelled
from wikirank._server import is_loopback
from wikirank._util import Closing, abandon, renew_after_fork
from wikirank.corpus.sources.mediawiki.credentials import Credentials
from wikirank.corpus.sources.mediawiki.fields import section
from wikirank.corpus.sources.mediawiki.http import (
    LOGIN_LOST,
    Answer,
    BusyError,
    api_error,
    error_code,
    make_client,
    retries_exhausted,
    send,
    status_error,
    unexpected_answer,
)
from wikirank.errors import (
    CorpusError,
    InvalidArgumentError,
    SourceAccessError,
    SourceConnectionError,
)
from wikirank.passages.ids import stable_hash

_LOGGER = logging.getLogger(__name__)
_MAXLAG = "5"  # seconds; the wiki refuses requests while its database replicas lag further behind
_TRIES = 8
# Before the first answer, because the URL may be mistyped, and for a page that makes the wiki fail.
_FEW_TRIES = 3
_MAX_WARNING = 1000  # characters
_MAX_WAIT = 300.0  # seconds between two tries; give up if the wiki asks for more
_BACKOFF = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


class ApiClient(Closing):
    """Sends requests to one `api.php`; a context manager that closes its connections.

    Sends one request at a time, with `maxlag`. If the server is busy or fails, it is tried again
    after the time it asks for (`Retry-After`), otherwise after 1, 2, 4, … 60 seconds. The client
    gives up after 8 tries, or if the server asks for more than 5 minutes. Redirects are not
    followed, so that credentials are sent to this URL only.

    Args:
        url: URL of the wiki's `api.php`.
        credentials: Credentials for a private wiki, or None.
        contact: Your mail address or web page, for the user agent.
        allow_http: Whether credentials may be sent unencrypted to another machine.
        sleep: Called with the seconds to wait before trying again.

    Attributes:
        url: URL of the wiki's `api.php`.
        until: When to give up requests, by `time.monotonic`; infinite by default.

    Raises:
        InvalidArgumentError: If credentials would be sent unencrypted to another machine.
    """

    def __init__(
        self,
        url: str,
        *,
        credentials: Credentials | None = None,
        contact: str | None = None,
        allow_http: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url
        self.until = math.inf
        self._credentials = credentials or Credentials()
        parts = urlsplit(url)
        unencrypted = parts.scheme != "https" and not is_loopback(parts.hostname or "")
        if self._credentials and unencrypted and not allow_http:
            msg = (
                f"Expected an https:// URL, got {url}. Without encryption, others could read the "
                "password or token. If you trust the network, allow it (--allow-http)."
            )
            raise InvalidArgumentError(msg)
        self._contact = contact
        self._http = make_client(contact)
        renew_after_fork(self)
        self._sleep = sleep
        self._answered = False
        self._logged_in = False
        self._warned: set[str] = set()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def after_fork(self) -> None:
        """Open new connections in the child process, with the same session at the wiki."""
        abandon(self._http)
        cookies = self._http.cookies
        self._http = make_client(self._contact)
        self._http.cookies = cookies

    def call(self, **parameters: str) -> dict[str, Any]:
        """Send one request, logged in if there is a user.

        Args:
            **parameters: Parameters of the API; format and `maxlag` are added.

        Returns:
            The JSON object of the answer, without errors.

        Raises:
            CorpusError: If the API reports an error, or the server is not a MediaWiki.
            SourceAccessError: If the wiki denies access.
            SourceConnectionError: If the wiki cannot be reached, or stays too busy.
        """
        for _ in range(2):
            if self._credentials.user and not self._logged_in:
                self._log_in()
            login = {"assert": "user"} if self._logged_in else {}
            answer = self._send_with_retries({**parameters, **login, "maxlag": _MAXLAG})
            error = answer.get("error")
            if not (self._logged_in and error and error_code(error) in LOGIN_LOST):
                break
            self._logged_in = False  # The session expired: log in once more.
        if error:
            raise api_error(self.url, error)
        self._log_warnings(answer)
        return answer

    def batches(self, **parameters: str) -> Iterator[dict[str, Any]]:
        """Send a query, and continue it until its end.

        Args:
            **parameters: Parameters of the API, without `action`.

        Yields:
            The answer of each request.

        Raises:
            CorpusError: If the API reports an error, or continues in a circle.
        """
        step: dict[str, str] = {}
        seen: set[str] = set()  # all steps, because a circle may have any length
        while True:
            answer = self.call(action="query", **{**parameters, **step})
            yield answer
            step = {key: str(value) for key, value in section(answer, "continue").items()}
            if not step:
                return
            digest = stable_hash(sorted(step.items()))
            if digest in seen:
                msg = f"{self.url} continues in a circle ({step}): the list does not end."
                raise CorpusError(msg)
            seen.add(digest)

    def _send_with_retries(
        self, parameters: dict[str, str], *, form: bool = False
    ) -> dict[str, Any]:
        tries = 0
        while True:
            tries += 1
            try:
                return self._send(parameters, form=form)
            except SourceConnectionError as err:
                retry_after = err.retry_after if isinstance(err, BusyError) else None
                wait = (
                    _BACKOFF[min(tries, len(_BACKOFF)) - 1] if retry_after is None else retry_after
                )
                if tries >= self._max_tries(err) or wait > _MAX_WAIT:
                    raise retries_exhausted(err, tries, retry_after) from err
                _LOGGER.info("%s; trying again in %.0f s", err, wait)
                self._sleep(wait)

    def _max_tries(self, error: SourceConnectionError) -> int:
        failed = isinstance(error, BusyError) and error.is_failure
        return _TRIES if self._answered and not failed else _FEW_TRIES

    def _send(self, parameters: dict[str, str], *, form: bool) -> dict[str, Any]:
        check_cancelled()
        token = self._credentials.token
        answer = send(
            self._http,
            self.url,
            {**parameters, "format": "json", "formatversion": "2"},
            headers={"Authorization": f"Bearer {token}"} if token else None,
            form=form,
            until=self.until,
        )
        return self._parse(answer)

    def _parse(self, answer: Answer) -> dict[str, Any]:
        """Parse the JSON; errors of the API other than "busy" are left to the caller."""
        http_error = status_error(answer, has_credentials=bool(self._credentials))
        if http_error is not None:
            raise http_error
        try:
            parsed = json.loads(answer.body)
        except ValueError as err:
            raise unexpected_answer(answer) from err
        if not isinstance(parsed, dict):
            raise unexpected_answer(answer)
        self._answered = True
        error = parsed.get("error")
        if isinstance(error, dict) and error_code(error) in BusyError.CODES:
            msg = f"{self.url} is busy ({error.get('info', error['code'])})"
            raise BusyError(msg, answer.retry_after)
        return parsed

    def _log_in(self) -> None:
        self._http.cookies.clear()  # With the cookies of a broken session, a login is refused.
        tokens = self._send_with_retries({"action": "query", "meta": "tokens", "type": "login"})
        token = section(tokens, "query", "tokens").get("logintoken")
        if not isinstance(token, str):
            raise api_error(self.url, tokens.get("error"))
        credentials = self._credentials
        parameters = {"lgname": credentials.user, "lgpassword": credentials.password}
        parameters |= {"action": "login", "lgtoken": token}
        answer = self._send_with_retries(parameters, form=True)
        result = section(answer, "login")
        if result.get("result") != "Success":
            reason = result.get("reason") or result.get("result") or answer.get("error")
            msg = (
                f"{self.url} refuses the login of {credentials.user!r} ({reason}). Use a user name "
                "and bot password from its page Special:BotPasswords, such as Anna@indexing."
            )
            raise SourceAccessError(msg)
        self._logged_in = True

    def _log_warnings(self, answer: dict[str, Any]) -> None:
        """Log the API's warnings, each once."""
        for module, warning in section(answer, "warnings").items():
            message = warning.get("warnings", warning) if isinstance(warning, dict) else warning
            text = f"{module}: {message}"[:_MAX_WARNING]
            if text not in self._warned:
                self._warned.add(text)
                _LOGGER.warning("Warning of %s: %s", self.url, text)

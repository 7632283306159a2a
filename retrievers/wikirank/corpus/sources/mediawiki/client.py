"""The client of a MediaWiki API: waits when asked to, tries again, goes on, reports faults."""

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
    given_up,
    make_client,
    refused,
    send,
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
_MAXLAG = "5"  # seconds that the wiki's database replicas may lag behind before we wait
_TRIES = 8
# Before anything was answered, as a mistyped address is likelier then than a failure; and of a page
# that makes the wiki fail.
_FEW_TRIES = 3
_LONGEST_WARNING = 1000  # characters
_LONGEST_WAIT = 300.0  # seconds between two tries that we accept to be asked for
_BACKOFF = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


class ApiClient(Closing):
    """Talks to one `api.php`; a context manager that closes its connections.

    One request at a time, with `maxlag`. What a busy or failing server does is waited for, as long
    as it asks (`Retry-After`) or 1, 2, 4, … 60 seconds; after 8 tries, or if it asks for more than
    5 minutes, the run ends. Credentials go to this address only: redirects are not followed.

    Args:
        url: Address of the wiki's `api.php`.
        credentials: Who reads; none for a wiki that anyone may read.
        contact: Mail address or page for the user agent.
        allow_http: Whether credentials may go unencrypted to another machine.
        sleep: Waits some seconds.

    Attributes:
        url: Address of the wiki's `api.php`.
        until: When requests are given up, by `time.monotonic`.

    Raises:
        InvalidArgumentError: If credentials would go unencrypted to another machine.
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
                f"{url} is not encrypted, so that others could read the password or token: expected"
                " an https:// address. If you trust the network, allow it (--allow-http)."
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
        """Leave the connections to the parent; its session at the wiki goes on."""
        abandon(self._http)
        cookies = self._http.cookies
        self._http = make_client(self._contact)
        self._http.cookies = cookies

    def call(self, **parameters: str) -> dict[str, Any]:
        """Make one request, as the user if there is one.

        Args:
            **parameters: Those of the API; format and `maxlag` are added.

        Returns:
            The answer's JSON object, free of errors.

        Raises:
            CorpusError: If the API reports an error, or what answers is no MediaWiki.
            SourceAccessError: If the wiki does not let us read.
            SourceConnectionError: If the wiki cannot be reached, or stays too busy.
        """
        for _ in range(2):
            if self._credentials.user and not self._logged_in:
                self._log_in()
            who = {"assert": "user"} if self._logged_in else {}
            answer = self._persist({**parameters, **who, "maxlag": _MAXLAG})
            error = answer.get("error")
            if not (self._logged_in and error and error_code(error) in LOGIN_LOST):
                break
            self._logged_in = False  # The session ran out: log in once more.
        if error:
            raise api_error(self.url, error)
        self._tell_warnings(answer)
        return answer

    def batches(self, **parameters: str) -> Iterator[dict[str, Any]]:
        """Ask a query and go on until its end.

        Args:
            **parameters: Those of the API, without `action`.

        Yields:
            The answer of each request.

        Raises:
            CorpusError: As `call`; also if the wiki sends us in circles.
        """
        step: dict[str, str] = {}
        met: set[str] = set()  # of all steps: a circle may be of any length
        while True:
            answer = self.call(action="query", **{**parameters, **step})
            yield answer
            step = {key: str(value) for key, value in section(answer, "continue").items()}
            if not step:
                return
            digest = stable_hash(sorted(step.items()))
            if digest in met:
                msg = f"{self.url} goes on where it went on before ({step}): it does not end."
                raise CorpusError(msg)
            met.add(digest)

    def _persist(self, parameters: dict[str, str], *, form: bool = False) -> dict[str, Any]:
        """Send a request until it is answered by other than "later"."""
        tries = 0
        while True:
            tries += 1
            try:
                return self._once(parameters, form=form)
            except SourceConnectionError as err:
                retry_after = err.retry_after if isinstance(err, BusyError) else None
                wait = (
                    _BACKOFF[min(tries, len(_BACKOFF)) - 1] if retry_after is None else retry_after
                )
                if tries >= self._most_tries(err) or wait > _LONGEST_WAIT:
                    raise given_up(err, tries, retry_after) from err
                _LOGGER.info("%s; trying again in %.0f s", err, wait)
                self._sleep(wait)

    def _most_tries(self, fault: SourceConnectionError) -> int:
        failed = isinstance(fault, BusyError) and fault.is_failure
        return _TRIES if self._answered and not failed else _FEW_TRIES

    def _once(self, parameters: dict[str, str], *, form: bool) -> dict[str, Any]:
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
        return self._read(answer)

    def _read(self, answer: Answer) -> dict[str, Any]:
        fault = refused(answer, signed=bool(self._credentials))
        if fault is not None:
            raise fault
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
        self._http.cookies.clear()  # A session that half exists refuses another login.
        tokens = self._persist({"action": "query", "meta": "tokens", "type": "login"})
        token = section(tokens, "query", "tokens").get("logintoken")
        if not isinstance(token, str):
            raise api_error(self.url, tokens.get("error"))
        credentials = self._credentials
        parameters = {"lgname": credentials.user, "lgpassword": credentials.password}
        answer = self._persist({"action": "login", "lgtoken": token, **parameters}, form=True)
        outcome = section(answer, "login")
        if outcome.get("result") != "Success":
            reason = outcome.get("reason") or outcome.get("result") or answer.get("error")
            msg = (
                f"{self.url} refuses the login of {credentials.user!r} ({reason}). Expected a user "
                "and bot password made on its page Special:BotPasswords, such as Anna@indexing."
            )
            raise SourceAccessError(msg)
        self._logged_in = True

    def _tell_warnings(self, answer: dict[str, Any]) -> None:
        """Pass on the API's warnings, each once."""
        for module, warning in section(answer, "warnings").items():
            said = warning.get("warnings", warning) if isinstance(warning, dict) else warning
            text = f"{module}: {said}"[:_LONGEST_WARNING]
            if text not in self._warned:
                self._warned.add(text)
                _LOGGER.warning("%s warns of %s", self.url, text)

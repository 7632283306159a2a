"""The client of a MediaWiki API: a real wiki behind a proxy that answers some calls itself."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from http_proxy import Proxy, Reply, Request
from mediawiki_wiki import BOT_PASSWORD, Wiki

from wikirank.corpus.sources.mediawiki import http as exchange
from wikirank.corpus.sources.mediawiki.client import ApiClient
from wikirank.corpus.sources.mediawiki.credentials import Credentials
from wikirank.corpus.sources.mediawiki.site import find_api, read_site
from wikirank.errors import (
    CorpusError,
    InvalidArgumentError,
    SourceAccessError,
    SourceConnectionError,
)

BUSY = json.dumps({"error": {"code": "maxlag", "info": "Waiting: 6 seconds lagged."}}).encode()
TOO_FAST = json.dumps({"error": {"code": "ratelimited", "info": "Slow down."}}).encode()
SECRET = "secret-token-of-0123456789"


class Answers:
    """Give replies one after the other, then forward requests."""

    def __init__(self, *replies: Reply) -> None:
        self.give(*replies)

    def give(self, *replies: Reply) -> None:
        self._replies = list(replies)

    def __call__(self, request: Request) -> Reply | None:
        del request
        return self._replies.pop(0) if self._replies else None


def after(seconds: int, **options: object) -> Reply:
    return Reply(headers=[("Retry-After", str(seconds))], **options)  # type: ignore[arg-type]


def waits_for(wiki: Wiki, *replies: Reply) -> list[float]:
    """Query a wiki that has answered before; return the seconds waited."""
    waits: list[float] = []
    answers = Answers()
    with Proxy(wiki.url, answers) as proxy, ApiClient(proxy.api, sleep=waits.append) as client:
        read_site(client)
        answers.give(*replies)
        assert read_site(client).generator.startswith("MediaWiki")
    return waits


@pytest.mark.parametrize(
    ("replies", "waits"),
    [
        ([after(3, body=BUSY)], [3]),
        ([Reply(body=BUSY), Reply(body=TOO_FAST)], [1, 2]),
        ([after(7, status=429), after(1, status=503)], [7, 1]),
        ([Reply(502), Reply(504), Reply(503), Reply(503)], [1, 2, 4, 8]),
        ([Reply(500), Reply(500)], [1, 2]),
        ([Reply(429, headers=[("Retry-After", "soon")])], [1]),
    ],
)
def test_a_busy_wiki_is_waited_for(
    wiki: Wiki, replies: Sequence[Reply], waits: Sequence[float]
) -> None:
    assert waits_for(wiki, *replies) == waits


def test_retry_after_may_be_a_date(wiki: Wiki) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=60), usegmt=True)
    replies = [Reply(429, headers=[("Retry-After", moment)]) for moment in (soon, past)]
    first, second = waits_for(wiki, *replies)
    assert 0 < first <= 60
    assert second == 0


def test_a_limit_that_does_not_end(wiki: Wiki) -> None:
    waits: list[float] = []
    answers = Answers()
    with Proxy(wiki.url, answers) as proxy, ApiClient(proxy.api, sleep=waits.append) as client:
        read_site(client)
        answers.give(*[Reply(429)] * 20)
        with pytest.raises(SourceConnectionError, match=r"status 429\. Gave up after 8 tries"):
            read_site(client)
    assert waits == [1, 2, 4, 8, 15, 30, 60]


def test_an_unreachable_wiki_is_reported_soon(wiki: Wiki) -> None:
    wiki.stop()
    waits: list[float] = []
    with (
        ApiClient(wiki.api, sleep=waits.append) as client,
        pytest.raises(SourceConnectionError, match=r"cannot be reached.*after 3 tries"),
    ):
        read_site(client)
    assert waits == [1, 2]
    with pytest.raises(SourceConnectionError, match="cannot be reached"):
        find_api(wiki.url)
    with wiki:
        assert find_api(wiki.url) == wiki.api


def test_requests_are_polite(wiki: Wiki) -> None:
    with (
        Proxy(wiki.url) as proxy,
        ApiClient(proxy.api, contact="anna@wiki.example") as client,
    ):
        read_site(client)
    (request,) = proxy.requests
    assert request.parameters["maxlag"] == "5"
    assert request.headers["user-agent"].startswith("langchain-wikirank/")
    assert "anna@wiki.example" in request.headers["user-agent"]


def test_secrets_go_to_the_wiki_alone_and_never_in_an_address(wiki: Wiki) -> None:
    user = wiki.add_bot_password()
    with Proxy(wiki.url) as other:
        redirect = Reply(302, headers=[("Location", other.api)])
        for credentials in (Credentials(token=SECRET), Credentials(user, BOT_PASSWORD)):
            with (
                Proxy(wiki.url, Answers(redirect)) as proxy,
                ApiClient(proxy.api, credentials=credentials) as client,
            ):
                with pytest.raises(CorpusError, match=r"redirects to .* not followed"):
                    read_site(client)
                read_site(client)
            shown = repr(credentials)
            for request in proxy.requests:
                shown += request.path + repr(request.in_address)
            assert SECRET not in shown
            assert BOT_PASSWORD not in shown
        assert other.requests == []


def test_a_token_is_sent_with_each_request(wiki: Wiki) -> None:
    with (
        Proxy(wiki.url) as proxy,
        ApiClient(proxy.api, credentials=Credentials(token=SECRET)) as client,
    ):
        read_site(client)
        read_site(client)
    assert [r.headers["authorization"] for r in proxy.requests] == [f"Bearer {SECRET}"] * 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_reported_but_not_shown(wiki: Wiki, status: int) -> None:
    with (
        Proxy(wiki.url, Answers(Reply(status))) as proxy,
        ApiClient(proxy.api, credentials=Credentials(token=SECRET)) as client,
        pytest.raises(SourceAccessError, match="refuses these credentials") as caught,
    ):
        read_site(client)
    assert SECRET not in str(caught.value)


def test_no_secrets_unencrypted_to_other_machines() -> None:
    credentials = Credentials(token=SECRET)
    with pytest.raises(InvalidArgumentError, match="--allow-http"):
        ApiClient("http://wiki.example/api.php", credentials=credentials)
    ApiClient("http://wiki.example/api.php", credentials=credentials, allow_http=True).close()
    ApiClient("http://wiki.example/api.php").close()


def test_a_session_that_ran_out_is_renewed(wiki: Wiki) -> None:
    wiki.settings("$wgGroupPermissions['*']['read'] = false;")
    credentials = Credentials(wiki.add_bot_password(), BOT_PASSWORD)
    lost = json.dumps({"error": {"code": "assertuserfailed", "info": "Not logged in."}}).encode()
    answers = Answers()
    with Proxy(wiki.url, answers) as proxy, ApiClient(proxy.api, credentials=credentials) as client:
        read_site(client)
        answers.give(Reply(body=lost))
        read_site(client)
        answers.give(Reply(body=lost))
        logins = [r for r in proxy.requests if r.parameters.get("action") == "login"]
        assert len(logins) == 2


def test_errors_and_warnings_of_the_api(wiki: Wiki, caplog: pytest.LogCaptureFixture) -> None:
    with ApiClient(wiki.api) as client:
        with pytest.raises(CorpusError, match="nosuchpageid"):
            client.call(action="parse", pageid="123456")
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                client.call(action="query", meta="siteinfo", nonsense="1")
    assert caplog.text.count("nonsense") == 1


def test_an_endless_query_is_ended(wiki: Wiki) -> None:
    round_ = Reply(body=json.dumps({"continue": {"gapcontinue": "A", "continue": "-"}}).encode())
    with (
        Proxy(wiki.url, Answers(*[round_] * 9)) as proxy,
        ApiClient(proxy.api) as client,
        pytest.raises(CorpusError, match="does not end"),
    ):
        list(client.batches(list="allpages"))
    assert len(proxy.requests) == 2


def test_an_api_on_another_host_is_not_trusted(wiki: Wiki) -> None:
    head = b'<link rel="EditURI" href="//elsewhere.example/w/api.php?action=rsd"/>'
    with (
        Proxy(wiki.url, Answers(Reply(body=head))) as proxy,
        pytest.raises(CorpusError, match="another host"),
    ):
        find_api(proxy.url)


def test_an_api_is_found_in_the_usual_places(wiki: Wiki) -> None:
    plain = Reply(body=b"<html></html>")
    with Proxy(wiki.url, Answers(plain, Reply(404))) as proxy:
        assert find_api(proxy.url) == proxy.api
    endless = Proxy(wiki.url, lambda _: Reply(302, headers=[("Location", "/round")]))
    with endless, pytest.raises(CorpusError, match="redirects more than 5 times"):
        find_api(endless.url)


def test_certificates_are_checked(
    wiki: Wiki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = tmp_path / "own.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=wiki"
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    files = ["-keyout", str(key), "-out", str(certificate)]
    name = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command.split(), *name, *files], capture_output=True, check=True)
    pem.write_bytes(key.read_bytes() + certificate.read_bytes())
    waits: list[float] = []
    with Proxy(wiki.url, certificate=pem) as proxy:
        credentials = Credentials(token=SECRET)
        with (
            ApiClient(proxy.api, credentials=credentials, sleep=waits.append) as client,
            pytest.raises(CorpusError, match=r"certificate of .* is not trusted.*SSL_CERT_FILE"),
        ):
            read_site(client)
        assert (waits, proxy.requests) == ([], [])
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with ApiClient(proxy.api, credentials=credentials) as client:
            assert read_site(client).name == "Test Wiki"


def test_an_answer_is_bounded_in_size_and_time(wiki: Wiki, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    with ApiClient(wiki.api, sleep=waits.append) as client:
        monkeypatch.setattr(exchange, "_MAX_BODY", 100)
        with pytest.raises(CorpusError, match="more than 100 bytes"):
            read_site(client)
        monkeypatch.undo()
        monkeypatch.setattr(exchange, "_MAX_SECONDS", 0)
        with pytest.raises(SourceConnectionError, match="took too long"):
            read_site(client)
    assert waits == [1, 2]


def test_a_broken_answer_is_tried_again(wiki: Wiki) -> None:
    broken = Reply(body=b"no gzip", headers=[("Content-Encoding", "gzip")])
    assert waits_for(wiki, broken) == [1]

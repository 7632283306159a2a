"""Hostile servers that pose as a wiki: their redirects and their answers."""

from __future__ import annotations

import gzip
import json
import socket
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from http_proxy import Proxy, Reply, Request

from wikirank.corpus import open_source
from wikirank.corpus.sources.mediawiki.client import ApiClient
from wikirank.corpus.sources.mediawiki.site import find_api, read_site
from wikirank.corpus.sources.options import SourceOptions
from wikirank.errors import CorpusError, InvalidArgumentError, SourceConnectionError, WikirankError

NOWHERE = "http://127.0.0.1:9"  # the proxy forwards nothing
PRIVATE = [
    SourceOptions(token="a-token-of-0123456789"),
    SourceOptions(user="Anna@indexing", password="a-bot-password"),
]
SITE = {
    "general": {"generator": "MediaWiki 1.43.0", "sitename": "A wiki"},
    "statistics": {"articles": 3},
    "namespaces": {"0": {"id": 0, "name": ""}, "14": {"name": "Category", "canonical": "Category"}},
    "namespacealiases": [],
}
PAGE = {
    "pageid": 7,
    "ns": 0,
    "title": "Ada",
    "canonicalurl": "http://wiki.example/Ada",
    "lastrevid": 12,
    "touched": "2026-11-01T00:00:00Z",
}
PARSED = {"title": "Ada", "text": "<p>Ada walked.</p>", "revid": 12}


def answer_json(value: object, **options: Any) -> Reply:
    return Reply(body=json.dumps(value).encode(), **options)


def redirect(url: str) -> Reply:
    return Reply(302, headers=[("Location", url)])


def wiki_that(say: Callable[[Request], object]) -> Proxy:
    """A wiki with one page; `say` may return another answer to a request, or a whole reply."""

    def answer(request: Request) -> Reply:
        said = say(request)
        if isinstance(said, Reply):
            return said
        if said is not None:
            return answer_json(said)
        if "meta" in request.parameters:
            return answer_json({"query": SITE, "curtimestamp": "2026-11-30T00:00:00Z"})
        if request.parameters.get("action") == "parse":
            return answer_json({"parse": PARSED})
        return answer_json({"batchcomplete": True, "query": {"pages": [PAGE]}})

    return Proxy(NOWHERE, answer)


def test_the_wiki_of_these_tests_can_be_read() -> None:
    with wiki_that(lambda _: None) as wiki:
        (article,) = open_source(wiki.api)
        assert (article.title, article.text, article.revision) == ("Ada", "Ada walked.", "12")


@pytest.mark.parametrize("options", PRIVATE, ids=["token", "password"])
@pytest.mark.parametrize("page", ["", "/wiki/Main_Page", "/index.php?title=Ada"])
def test_a_private_wiki_is_read_at_the_host_given_alone(options: SourceOptions, page: str) -> None:
    with (
        wiki_that(lambda _: None) as other,
        wiki_that(lambda _: redirect(f"{other.api}?secret=1")) as given,
    ):
        with pytest.raises(CorpusError, match=f"{other.host}/api.php, another host") as caught:
            open_source(given.url + page, options=options)
        assert other.requests == []
        assert "secret" not in str(caught.value)
        open_source(other.api, options=options)


def test_a_private_wiki_may_redirect_within_its_host() -> None:
    head = b'<link rel="EditURI" href="/w/api.php?action=rsd"/>'
    token = PRIVATE[0]

    def say(request: Request) -> Reply | None:
        if request.path == "/":
            return redirect("/wiki/Main_Page")
        return Reply(body=head) if request.path.startswith("/wiki/") else None

    with wiki_that(say) as wiki:
        source = open_source(wiki.url, options=token)
        assert source.location == f"{wiki.url}/w/api.php"
        assert [article.title for article in source] == ["Ada"]
        signed = [r for r in wiki.requests if "authorization" in r.headers]
        assert {r.path for r in signed} == {"/w/api.php"}


def test_the_usual_places_do_not_lead_a_token_away_either() -> None:
    with (
        wiki_that(lambda _: answer_json("MediaWiki API")) as other,
        wiki_that(
            lambda r: redirect(other.api) if r.path.endswith("api.php") else Reply(404)
        ) as wiki,
    ):
        with pytest.raises(CorpusError, match="another host"):
            open_source(wiki.url, options=PRIVATE[0])
        assert other.requests == []


@pytest.fixture
def public_name(monkeypatch: pytest.MonkeyPatch) -> Callable[[Proxy], str]:
    """Give a server a host name that looks public."""
    known: dict[str, str] = {"wiki.example": "93.184.215.14", "both.example": "93.184.215.14"}
    resolve = socket.getaddrinfo

    def named(host: Any, *args: Any, **options: Any) -> Any:
        host = host.decode() if isinstance(host, bytes) else host
        found = resolve(known.get(host, host), *args, **options)
        return found + resolve("127.0.0.1", *args, **options) if host == "both.example" else found

    monkeypatch.setattr(socket, "getaddrinfo", named)

    def name(proxy: Proxy, host: str = "wiki.example") -> str:
        # Only the proxy resolves the name, as in a company network.
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        return f"http://{host}/"

    return name


@pytest.mark.parametrize(
    ("target", "network"),
    [
        ("http://127.0.0.1:8000/api.php", "loopback"),
        ("http://localhost/w/api.php", "loopback"),
        ("http://127.1/", "loopback"),
        ("http://2130706433/", "loopback"),
        ("http://0x7f.0.0.1/", "loopback"),
        ("http://0.0.0.0/", "loopback"),
        ("http://[::1]/", "loopback"),
        ("http://[::ffff:127.0.0.1]/", "loopback"),
        ("http://[64:ff9b::7f00:1]/", "loopback"),
        ("http://user@127.0.0.1/", "loopback"),
        ("http://169.254.169.254/latest/meta-data/", "link-local"),
        ("http://[fe80::1]/", "link-local"),
        ("http://10.0.0.7/", "private"),
        ("http://172.20.1.1:8080/", "private"),
        ("http://192.168.1.1/", "private"),
        ("http://100.64.0.1/", "private"),
        ("http://[fd00::1]/", "private"),
    ],
)
def test_a_public_wiki_does_not_lead_inside(
    target: str, network: str, public_name: Callable[..., str]
) -> None:
    with wiki_that(lambda _: redirect(target)) as wiki:
        url = public_name(wiki)
        with pytest.raises(CorpusError, match=network):
            find_api(url)
        with pytest.raises(CorpusError, match=network):  # one public address makes it public
            find_api(public_name(wiki, "both.example"))
        assert len(wiki.requests) == 2


def test_one_network_does_not_lead_into_another() -> None:
    for target in ("http://169.254.169.254/", "http://10.0.0.7/"):
        with (
            wiki_that(lambda _, target=target: redirect(target)) as wiki,
            pytest.raises(CorpusError, match="expected a host in the network of"),
        ):
            find_api(wiki.url)


def test_a_public_wiki_may_lead_to_another_public_host(public_name: Callable[..., str]) -> None:
    def say(request: Request) -> Reply | None:
        there = request.headers["host"] == "1.1.1.1"
        return None if there else redirect("http://1.1.1.1/w/api.php")

    with wiki_that(say) as wiki:
        # The answer does not name MediaWiki in its head, but the API is in the usual places.
        with pytest.raises(CorpusError, match="Expected a page of a MediaWiki"):
            find_api(public_name(wiki))
        assert {r.headers["host"] for r in wiki.requests} == {"wiki.example", "1.1.1.1"}


def test_a_wiki_of_this_machine_may_lead_to_this_machine() -> None:
    head = b'<link rel="EditURI" href="api.php?action=rsd"/>'
    with (
        wiki_that(lambda _: Reply(body=head)) as other,
        wiki_that(lambda _: redirect(other.url)) as given,
    ):
        assert find_api(given.url) == other.api


@pytest.mark.parametrize("target", ["http://[", "http://a:b:c/", "file:///etc/passwd", "//", "\t"])
def test_a_redirect_to_no_address(target: str) -> None:
    with wiki_that(lambda _: redirect(target)) as wiki, pytest.raises(WikirankError):
        find_api(wiki.url)


def test_invalid_addresses() -> None:
    for address in ("http://", "http://[", "http://a b:c/"):
        with pytest.raises((CorpusError, InvalidArgumentError)):
            open_source(address)


@pytest.mark.parametrize(
    "broken",
    [
        {"error": "boom"},
        {"error": ["boom"]},
        {"error": 5},
        {"query": []},
        {"query": "nothing"},
        {"query": {**SITE, "namespaces": []}, "curtimestamp": "x"},
        {"query": {**SITE, "namespaces": {"0": "Main"}}, "curtimestamp": "x"},
        {"query": {**SITE, "namespaces": {"main": {"name": ""}}}, "curtimestamp": "x"},
        {"query": {**SITE, "namespacealiases": [5]}, "curtimestamp": "x"},
        {"query": {**SITE, "statistics": {"articles": "many"}}, "curtimestamp": "x"},
        {"query": {k: v for k, v in SITE.items() if k != "namespaces"}, "curtimestamp": "x"},
        {"query": {**SITE, "general": {"generator": "MediaWiki"}}, "curtimestamp": "x"},
        {"query": SITE},
        {"warnings": "careful"},
        [1, 2],
        "MediaWiki",
    ],
)
def test_nonsense_as_site_info(broken: object) -> None:
    with (
        wiki_that(lambda r: broken if "meta" in r.parameters else None) as wiki,
        ApiClient(wiki.api, sleep=lambda _: None) as client,
        pytest.raises(CorpusError),
    ):
        read_site(client)


@pytest.mark.parametrize(
    "broken",
    [
        {"query": {"pages": {"7": PAGE}}},  # the format before version 1.25
        {"query": {"pages": ["Ada"]}},
        {"query": {"pages": [{**PAGE, "title": None}]}},
        {"query": {"pages": [{**PAGE, "pageid": "seven"}]}, "batchcomplete": True},
        {"query": {"pages": [{**PAGE, "ns": [0]}]}, "batchcomplete": True},
        {"query": {"pages": [{**PAGE, "canonicalurl": 5}]}, "batchcomplete": True},
        {"query": {"pages": [{**PAGE, "redirects": "Bob"}]}, "batchcomplete": True},
        {"query": {"pages": [{**PAGE, "redirects": [{}]}]}, "batchcomplete": True},
        {"continue": "more", "query": {"pages": [PAGE]}},
        {"error": "boom"},
        {"error": None, "query": 3},
    ],
)
def test_nonsense_as_a_listing(broken: object) -> None:
    def say(request: Request) -> object:
        is_listing = request.parameters.get("action") == "query" and "meta" not in (
            request.parameters
        )
        return broken if is_listing else None

    for options in (
        None,
        SourceOptions(titles=("Ada",)),
        SourceOptions(category="People"),
        SourceOptions(text="wikitext"),
    ):
        with wiki_that(say) as wiki, pytest.raises(CorpusError):
            list(open_source(wiki.api, options=options))


@pytest.mark.parametrize(
    "broken",
    [
        {"parse": []},
        {"parse": {**PARSED, "text": {"*": "<p>old form</p>"}}},
        {"parse": {**PARSED, "categories": ["People"]}},
        {"parse": {**PARSED, "templates": [5]}},
        {"parse": {**PARSED, "properties": "none"}},
        {"error": "boom"},
    ],
)
def test_nonsense_as_a_page_is_skipped(broken: object) -> None:
    with wiki_that(lambda r: broken if r.parameters.get("action") == "parse" else None) as wiki:
        source = open_source(wiki.api)
        assert list(source) == []
        assert sum(source.skipped.values()) == 1


@pytest.mark.parametrize("period", [1, 2, 5])
def test_an_endless_listing_is_ended(period: int) -> None:
    steps: list[int] = []

    def say(request: Request) -> object:
        if "meta" in request.parameters:
            return None
        steps.append(len(steps) % period)
        return {"continue": {"gapcontinue": f"Page {steps[-1]}", "continue": "-"}}

    with wiki_that(say) as wiki, pytest.raises(CorpusError, match="does not end"):
        list(open_source(wiki.api))
    assert len(steps) == period + 1


@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip,deflate", "br", "zstd", "gzip;q=1"])
def test_an_encoding_that_was_not_asked_for_is_refused(coding: str) -> None:
    body = gzip.compress(gzip.compress(bytes(2**24)))
    with (
        wiki_that(lambda _: Reply(body=body, headers=[("Content-Encoding", coding)])) as wiki,
        ApiClient(wiki.api, sleep=lambda _: None) as client,
        pytest.raises(CorpusError, match="expected gzip or none"),
    ):
        read_site(client)


def test_a_small_answer_does_not_become_a_large_one() -> None:
    bomb = gzip.compress(bytes(2**28))
    with (
        wiki_that(lambda _: Reply(body=bomb, headers=[("Content-Encoding", "gzip")])) as wiki,
        ApiClient(wiki.api, sleep=lambda _: None) as client,
    ):
        tracemalloc.start()
        try:
            with pytest.raises(CorpusError, match="answers with more than"):
                read_site(client)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 200 * 2**20


def test_compressed_answers_are_read_and_damaged_ones_tried_again() -> None:
    whole = gzip.compress(json.dumps({"query": SITE, "curtimestamp": "now"}).encode())
    headers = [("Content-Encoding", "gzip")]
    with (
        wiki_that(lambda _: Reply(body=whole, headers=headers)) as wiki,
        ApiClient(wiki.api) as client,
    ):
        assert read_site(client).name == "A wiki"
    with (
        wiki_that(lambda _: Reply(body=whole[:-12], headers=headers)) as wiki,
        ApiClient(wiki.api, sleep=lambda _: None) as client,
        pytest.raises(SourceConnectionError, match="cut short"),
    ):
        read_site(client)

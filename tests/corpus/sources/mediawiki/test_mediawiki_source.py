"""A live MediaWiki as a source: a real one, its pages edited, moved and deleted."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from http_proxy import Proxy, Reply, Request
from index_snapshot import snapshot
from mediawiki_wiki import BOT_PASSWORD, Wiki

from wikirank.corpus import Source, SourceOptions, open_source
from wikirank.errors import (
    CorpusError,
    EmptyCorpusError,
    InvalidArgumentError,
    SourceAccessError,
    SourceConnectionError,
)
from wikirank.index import IndexReport, WikiIndex
from wikirank.types import Article

ALL = {"Ada", "Bob", "Main Page", "Tom"}


def source(address: str, **options: object) -> Source:
    return open_source(address, options=SourceOptions(**options))  # type: ignore[arg-type]


def titles(index: WikiIndex) -> set[str]:
    return {passage.title for passage in index.store.select("1")}


def changes(report: IndexReport) -> tuple[int, int, int, int]:
    return report.added, report.changed, report.unchanged, report.removed


@pytest.fixture
def index(tmp_path: Path) -> WikiIndex:
    return WikiIndex.create(tmp_path / "index")


def test_articles_are_as_the_wiki_shows_them(wiki: Wiki) -> None:
    articles: dict[str, Article] = {article.title: article for article in source(wiki.url)}
    assert articles.keys() == ALL
    ada = articles["Ada"]
    assert ada.text == (
        "Ada walked 5 km. She liked it.\n\n== Engine ==\nIt was never built.\n"
        "Part | Teeth\nWheel | 40\n\n== Notes =="
    )
    assert ada.url == f"{wiki.url}/index.php/Ada"
    assert ada.revision.isdigit()
    assert ada.metadata.pop("page_id") > 1  # type: ignore[attr-defined]
    assert ada.metadata == {"kind": "article", "namespace": 0, "categories": ["People"]}
    bob = articles["Bob"]
    assert bob.text == "Bob bakes bread.\n- rye\n- wheat"
    assert bob.metadata["aliases"] == ["Robert"]


def test_wikitext_is_read_many_pages_at_once(wiki: Wiki, index: WikiIndex) -> None:
    wiki.edit("Help:Kinds", "A\n\n{{disambiguation}}")
    wiki.edit("Help:Code.js", "alert(1)")
    rendered = {article.title: article for article in source(wiki.url, namespaces=(0, 12))}
    with Proxy(wiki.url) as proxy:
        opened = source(proxy.api, text="wikitext", namespaces=(0, 12))
        articles = {article.title: article for article in opened}
        assert len(proxy.requests) == 4  # site info, two listings, one for all texts
        assert changes(index.add_source(opened)) == (7, 0, 0, 0)
        assert changes(index.add_source(opened)) == (0, 0, 7, 0)
    assert (
        articles.keys() == rendered.keys() == ALL | {"Help:Editing", "Help:Kinds", "Help:Code.js"}
    )
    assert articles["Help:Kinds"].metadata["kind"] == "disambiguation"
    assert rendered["Help:Kinds"].metadata["kind"] == "disambiguation"
    for title in ("Bob", "Tom", "Help:Editing"):
        assert articles[title].text.split() == rendered[title].text.split()
        assert articles[title].metadata == rendered[title].metadata
    # Only the wiki itself can expand a template.
    assert rendered["Ada"].text.startswith("Ada walked 5 km.")
    assert articles["Ada"].text.startswith("Ada walked 5. She")


def test_wikitext_of_a_long_answer_comes_in_parts(wiki: Wiki) -> None:
    wiki.edit("Ada", "Ada. " * 1000)
    wiki.edit("Bob", "Bob. " * 1000)
    wiki.settings("$wgAPIMaxResultSize = 8000;")
    articles = {article.title: article.text for article in source(wiki.url, text="wikitext")}
    assert articles.keys() == ALL
    assert articles["Ada"].count("Ada.") == articles["Bob"].count("Bob.") == 1000


@pytest.mark.parametrize("path", ["", "/", "/api.php", "/index.php/Bob", "/api.php?action=query"])
def test_a_wiki_is_found_by_any_address_of_it(wiki: Wiki, path: str) -> None:
    opened = open_source(wiki.url + path)
    assert opened.location == wiki.api
    assert opened.name == wiki.host


def test_second_run_reads_no_text(wiki: Wiki, index: WikiIndex) -> None:
    with Proxy(wiki.url) as proxy:
        first = index.add_source(source(proxy.api))
        reads = [request for request in proxy.requests if "pageid" in request.parameters]
        assert (changes(first), len(reads)) == ((4, 0, 0, 0), 4)
        before, seen = snapshot(index), len(proxy.requests)
        second = index.add_source(source(proxy.api))
        assert changes(second) == (0, 0, 4, 0)
        assert not any("pageid" in request.parameters for request in proxy.requests[seen:])
    assert snapshot(index) == before


def test_edits_moves_and_deletions_follow(wiki: Wiki, index: WikiIndex, tmp_path: Path) -> None:
    index.add_source(source(wiki.url))
    wiki.edit("Ada", "Ada wrote notes.")
    wiki.move("Bob", "Baker")
    wiki.delete("Tom")
    wiki.edit("Cyd", "Cyd sails.")
    report = index.add_source(source(wiki.url, since="last"))
    assert (report.added, report.changed, report.removed) == (2, 1, 2)
    assert titles(index) == {"Ada", "Baker", "Cyd", "Main Page"}
    (baker,) = index.store.select("title = 'Baker'")
    assert baker.metadata["aliases"] == ["Bob"]
    with WikiIndex.create(tmp_path / "fresh") as fresh:
        fresh.add_source(source(wiki.url))
        assert snapshot(index) == snapshot(fresh)
    wiki.undelete("Tom")
    assert changes(index.add_source(source(wiki.url, since="last")))[0] == 1
    assert "Tom" in titles(index)


def test_since_asks_for_what_changed_alone(wiki: Wiki, index: WikiIndex) -> None:
    with Proxy(wiki.url) as proxy:
        index.add_source(source(proxy.api))
        wiki.edit("Tom", "Tom is a tomcat.")
        seen = len(proxy.requests)
        report = index.add_source(source(proxy.api, since="last"))
        later = [request.parameters for request in proxy.requests[seen:]]
    assert report.changed == 1
    assert not any(parameters.get("generator") for parameters in later)
    assert sum("pageid" in parameters for parameters in later) == 1


def test_an_edited_template_changes_the_pages_that_use_it(wiki: Wiki, index: WikiIndex) -> None:
    index.add_source(source(wiki.url))
    for unit, options in (("miles", {"since": "last"}), ("yards", {})):
        time.sleep(1.1)  # MediaWiki's times are whole seconds
        wiki.edit("Template:Unit", f"{{{{{{1}}}}}} {unit}")
        wiki.run_jobs()
        assert index.add_source(source(wiki.url, **options)).changed == 1
        assert any(f"5 {unit}" in passage.text for passage in index.store.select("1"))


def test_redirects_that_come_and_go_change_aliases(wiki: Wiki, index: WikiIndex) -> None:
    index.add_source(source(wiki.url))
    wiki.edit("Bobby", "#REDIRECT [[Bob]]")
    wiki.delete("Robert")
    assert index.add_source(source(wiki.url, since="last")).changed == 1
    assert {tuple(p.metadata["aliases"]) for p in index.store.select("title = 'Bob'")} == {
        ("Bobby",)
    }
    wiki.delete("Bobby")
    assert index.add_source(source(wiki.url, since="last")).changed == 1
    assert not any("aliases" in p.metadata for p in index.store.select("title = 'Bob'"))


def test_since_a_date(wiki: Wiki, index: WikiIndex) -> None:
    report = index.add_source(source(wiki.url, since="2100-01-01"))
    assert changes(report) == (0, 0, 0, 0)
    # Recent changes do not reach back so far: all pages are compared.
    assert changes(index.add_source(source(wiki.url, since="2001-01-15"))) == (4, 0, 0, 0)


def test_since_last_needs_a_whole_run(wiki: Wiki, index: WikiIndex) -> None:
    with pytest.raises(InvalidArgumentError, match="Run it once without --since"):
        index.add_source(source(wiki.url, since="last"))
    index.add_source(source(wiki.url, titles=("Ada",)))
    with pytest.raises(InvalidArgumentError, match="Run it once without --since"):
        index.add_source(source(wiki.url, since="last"))
    index.add_source(source(wiki.url))
    with pytest.raises(InvalidArgumentError, match="namespaces"):
        index.add_source(source(wiki.url, since="last", namespaces=(0, 12)))


def test_titles_are_added_to_what_is_there(wiki: Wiki, index: WikiIndex) -> None:
    asked = ("Ada", "robert", "Loop one", "<bad>", "Nobody")
    opened = source(wiki.url, titles=asked)
    assert changes(index.add_source(opened)) == (2, 0, 0, 0)
    assert titles(index) == {"Ada", "Bob"}
    assert opened.skipped == {  # type: ignore[attr-defined]
        "a redirect in a circle": 1,
        "no such page": 1,
        "no title of a page": 1,
    }
    assert changes(index.add_source(source(wiki.url, titles=("Tom",)))) == (1, 0, 0, 0)
    wiki.delete("Ada")
    assert changes(index.add_source(source(wiki.url, titles=("Ada", "Tom")))) == (0, 0, 1, 1)
    assert titles(index) == {"Bob", "Tom"}


def test_a_category_tree_with_a_cycle(wiki: Wiki, index: WikiIndex) -> None:
    flat = source(wiki.url, category="People")
    assert flat.name == f"{wiki.host}/People"
    assert {article.title for article in flat} == {"Ada", "Bob"}
    deep = source(wiki.url, category="category:people", depth=5, namespaces=(0, 14))
    assert {article.title for article in deep} == {"Ada", "Bob", "Tom"}
    index.add_source(flat)
    wiki.edit("Bob", "Bob left.")
    assert changes(index.add_source(flat)) == (0, 0, 1, 1)
    with pytest.raises(EmptyCorpusError, match="no article"):
        index.add_source(source(wiki.url, category="No such thing"))


def test_namespaces(wiki: Wiki) -> None:
    helps = source(wiki.url, namespaces=(12,))
    assert [article.title for article in helps] == ["Help:Editing"]


def test_a_private_wiki(wiki: Wiki, monkeypatch: pytest.MonkeyPatch) -> None:
    wiki.settings("$wgGroupPermissions['*']['read'] = false;")
    user = wiki.add_bot_password()
    with pytest.raises(SourceAccessError, match="WIKIRANK_MEDIAWIKI_PASSWORD"):
        list(source(wiki.url))
    with pytest.raises(SourceAccessError, match="refuses the login of 'Admin@indexing'") as caught:
        list(source(wiki.url, user=user, password="wrong-secret"))
    assert "wrong-secret" not in str(caught.value)
    monkeypatch.setenv("WIKIRANK_MEDIAWIKI_PASSWORD", BOT_PASSWORD)
    opened = source(wiki.url, user=user)
    assert BOT_PASSWORD not in repr(opened) + repr(vars(opened))
    assert {article.title for article in opened} == ALL


def test_a_run_resumes_where_the_network_failed(
    wiki: Wiki, index: WikiIndex, tmp_path: Path
) -> None:
    reads: list[str] = []

    def break_off(request: Request) -> Reply | None:
        if "pageid" in request.parameters:
            reads.append(request.parameters["pageid"])
            if len(reads) == 3:
                wiki.stop()
                # The wiki asks for more patience than we have.
                return Reply(503, headers=[("Retry-After", "3600")])
        return None

    with Proxy(wiki.url, break_off) as proxy:
        with pytest.raises(SourceConnectionError, match=r"wait 3600 s\. Run the same command"):
            index.add_source(source(proxy.api))
        assert len(titles(index)) == 2
        with wiki:
            assert changes(index.add_source(source(proxy.api))) == (2, 0, 2, 0)
            assert len(reads) == 5
            assert len(set(reads)) == 4
            with WikiIndex.create(tmp_path / "fresh") as fresh:
                fresh.add_source(source(proxy.api))
                assert snapshot(index) == snapshot(fresh)


def test_a_page_that_the_wiki_fails_on_stays_as_it_was(wiki: Wiki, index: WikiIndex) -> None:
    index.add_source(source(wiki.url))
    wiki.edit("Ada", "Ada. " * 2000)
    wiki.settings("$wgAPIMaxResultSize = 8000;")
    opened = source(wiki.url)
    assert changes(index.add_source(opened)) == (0, 0, 4, 0)
    assert opened.skipped == {"the wiki fails to give its text": 1}  # type: ignore[attr-defined]
    assert any("Wheel | 40" in passage.text for passage in index.store.select("1"))
    wiki.settings("")
    assert changes(index.add_source(source(wiki.url))) == (0, 1, 3, 0)


def test_long_listings_are_continued(wiki: Wiki) -> None:
    for number in range(3):
        wiki.edit(f"Bob {number}", "#REDIRECT [[Bob]]")
    limits = {"gaplimit": "1", "rdlimit": "1", "gcmlimit": "1", "cmlimit": "1"}

    def one_at_once(request: Request) -> dict[str, str]:
        return {name: limits.get(name, value) for name, value in request.parameters.items()}

    with Proxy(wiki.url, change=one_at_once) as proxy:
        articles = {article.title: article for article in source(proxy.api)}
        tree = source(proxy.api, category="Animals", depth=1)
        assert {article.title for article in tree} == {"Ada", "Bob", "Tom"}
    assert articles.keys() == ALL
    assert articles["Bob"].metadata["aliases"] == ["Bob 0", "Bob 1", "Bob 2", "Robert"]


def test_addresses_that_are_not_a_wiki(wiki: Wiki) -> None:
    page = Reply(200, b"<html><head></head><body>Hello</body></html>")
    json_answer = Reply(200, json.dumps({"query": {"general": {"generator": "Other"}}}).encode())
    cases = [
        (lambda _: page, "", "Expected a page of a MediaWiki"),
        (lambda _: page, "/api.php", "expected JSON"),
        (lambda _: json_answer, "/api.php", "expected MediaWiki"),
        (lambda _: Reply(404), "/api.php", "status 404"),
    ]
    for answer, path, message in cases:
        with Proxy(wiki.url, answer) as proxy, pytest.raises(CorpusError, match=message):
            list(source(proxy.url + path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"titles": ("A",), "category": "B"}, "Expected titles or category"),
        ({"titles": ("A",), "since": "last"}, "revisions"),
        ({"category": "A", "since": "last"}, "revisions"),
        ({"depth": 1}, "together with a category"),
        ({"since": "yesterday"}, "2026-11-01"),
        ({"user": "Anna@indexing"}, "Set WIKIRANK_MEDIAWIKI_PASSWORD"),
        ({"password": "x"}, "Set WIKIRANK_MEDIAWIKI_USER"),
        ({"user": "A", "password": "b", "token": "c"}, "or a token, got both"),
        ({"token": "two words"}, "without spaces"),
    ],
)
def test_options_that_contradict_each_other(options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        source("https://wiki.example/api.php", **options)


def test_options_of_a_wiki_fit_no_file(tiny_wiki: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="titles, since too"):
        source(str(tiny_wiki), titles=("A",), since="last")


@pytest.mark.parametrize("address", ["https://", "http://[::1", "https://wiki.example:port/x"])
def test_invalid_addresses(address: str) -> None:
    with pytest.raises(InvalidArgumentError, match="Expected the URL of a wiki"):
        source(address)


def test_no_secrets_in_an_address() -> None:
    with pytest.raises(InvalidArgumentError, match="Expected a URL without credentials"):
        source("https://anna:secret@wiki.example/api.php")

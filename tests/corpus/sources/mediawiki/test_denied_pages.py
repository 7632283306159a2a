"""Pages that may not be read, and the address of a single page; a local server acts as wiki."""

from __future__ import annotations

import json

import pytest
from http_proxy import Proxy, Reply, Request

from wikirank.corpus import open_source
from wikirank.corpus.sources.options import SourceOptions
from wikirank.errors import SourceAccessError

NOWHERE = "http://127.0.0.1:9"  # the proxy forwards nothing
TITLES = ("Ada", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal")
SITE = {
    "general": {"generator": "MediaWiki 1.43.0", "sitename": "A wiki"},
    "statistics": {"articles": len(TITLES)},
    "namespaces": {"0": {"id": 0, "name": ""}},
    "namespacealiases": [],
}


def wiki_without(*denied: str, code: str = "permissiondenied") -> Proxy:
    """A wiki of eight pages, some of which may not be read."""
    pages = [
        {
            "pageid": number,
            "ns": 0,
            "title": title,
            "canonicalurl": f"http://wiki.example/{title}",
            "lastrevid": 12,
            "touched": "2026-11-01T00:00:00Z",
        }
        for number, title in enumerate(TITLES, 1)
    ]

    def answer(request: Request) -> Reply:
        asked = request.parameters
        if not request.path.endswith("api.php"):
            return Reply(body=b'<link rel="EditURI" href="/api.php?action=rsd"/>')
        if asked.get("action") == "parse":
            title = TITLES[int(asked["pageid"]) - 1]
            if title in denied:
                said: object = {"error": {"code": code, "info": "You may not read this page."}}
            else:
                said = {"parse": {"title": title, "text": f"<p>{title} walked.", "revid": 12}}
        elif "meta" in asked:
            said = {"query": SITE, "curtimestamp": "2026-11-30T00:00:00Z"}
        else:
            said = {"batchcomplete": True, "query": {"pages": pages}}
        return Reply(body=json.dumps(said).encode())

    return Proxy(NOWHERE, answer)


@pytest.mark.parametrize("code", ["permissiondenied", "readapidenied", "blocked"])
def test_a_page_that_is_not_open_is_skipped_by_name(code: str) -> None:
    with wiki_without("Cleo", "Finn", code=code) as wiki:
        source = open_source(wiki.api)
        read = [article.title for article in source]
    assert read == ["Ada", "Bob", "Dan", "Eve", "Gus", "Hal"]
    assert source.skipped == {"not open to us": 2}
    assert getattr(source, "passed_over") == (  # noqa: B009 - no part of the protocol
        "Cleo (not open to us)",
        "Finn (not open to us)",
    )


@pytest.mark.parametrize("denied", [TITLES[:1], TITLES[1:6], TITLES])
def test_a_wiki_that_is_not_open_ends_the_run(denied: tuple[str, ...]) -> None:
    with (
        wiki_without(*denied) as wiki,
        pytest.raises(SourceAccessError, match="denies read access"),
    ):
        list(open_source(wiki.api))


@pytest.mark.parametrize(
    ("path", "options", "named"),
    [
        ("/wiki/Ada_Lovelace", None, "Ada Lovelace"),
        ("/index.php/Bob", None, "Bob"),
        ("/index.php?title=Caf%C3%A9", None, "Café"),
        ("/wiki/Main_Page", None, ""),
        ("/api.php", None, ""),
        ("/wiki/Ada", SourceOptions(titles=("Ada",)), ""),
    ],
)
def test_an_address_of_a_page_means_the_whole_wiki_which_is_reported(
    path: str, options: SourceOptions | None, named: str, caplog: pytest.LogCaptureFixture
) -> None:
    with wiki_without() as wiki:
        open_source(wiki.url + path, options=options)
    said = [record.getMessage() for record in caplog.records if "whole wiki" in record.getMessage()]
    assert len(said) == bool(named)
    assert all(f"--titles {named!r}" in line for line in said)

"""Questions to a wiki without an index: a real MediaWiki and a real ZIM file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from australia import CAPITAL, write_australia
from mediawiki_wiki import Wiki
from typer.testing import CliRunner

from langchain_wikirank import LiveWikiRetriever, WikiRetriever, create_wiki_qa_chain
from wikirank.cli import app
from wikirank.corpus.sources.mediawiki.live import LiveMediaWiki
from wikirank.corpus.sources.zim_live import LiveZim
from wikirank.errors import CorpusError, InvalidArgumentError, SourceConnectionError
from wikirank.rank import load_cross_encoder
from wikirank.search import SearchOptions
from wikirank.search.live import LiveSearcher
from wikirank.search.phrasings import keywords, phrasings, possible_titles


@pytest.fixture(params=["mediawiki", "zim"])
def retriever(request: pytest.FixtureRequest) -> Iterator[LiveWikiRetriever]:
    if request.param == "zim":
        yield WikiRetriever.from_zim(request.getfixturevalue("zim"), k=3, seconds=600)
        return
    address = request.getfixturevalue("served_wiki").url
    retriever = WikiRetriever.from_mediawiki(address, k=3, seconds=600)
    with retriever.wiki:
        yield retriever


def test_the_passage_that_answers_is_cited(retriever: LiveWikiRetriever) -> None:
    best, *others = retriever.invoke(CAPITAL)
    assert best.page_content == "Canberra was chosen as the capital of Australia in 1908."
    assert (best.metadata["title"], best.metadata["section"]) == ("Canberra", "History")
    assert best.metadata["url"].endswith("Canberra#History")
    scores = [one.metadata["relevance_score"] for one in (best, *others)]
    assert scores == sorted(scores, reverse=True)
    assert "dense_score" not in best.metadata
    assert len(others) == 2
    # Nothing is embedded, so the logit decides.
    logits = np.array([one.metadata["rerank_logit"] for one in (best, *others)])
    assert scores == pytest.approx(load_cross_encoder().calibration.relevance(logits))


async def test_the_same_without_blocking(retriever: LiveWikiRetriever) -> None:
    alone = retriever.invoke(CAPITAL)
    together = await asyncio.gather(*(retriever.ainvoke(CAPITAL) for _ in range(3)))
    for documents in together:
        assert [one.metadata for one in documents] == [one.metadata for one in alone]


def test_words_that_stand_nowhere(retriever: LiveWikiRetriever) -> None:
    assert retriever.invoke("zyxgh qwvbn") == []
    with pytest.raises(InvalidArgumentError, match="query is empty"):
        retriever.invoke(" ")
    # Search operators, and queries that the search refuses.
    for odd in (
        '"capital" -Australia insource:/x/ [[A]]',
        "capital " * 50,
        "~ * ?",
        "\x00 capital",
    ):
        retriever.invoke(odd)


@pytest.mark.parametrize("setting", [{"filter": {"title": "Perth"}}, {"neighbours": 1}])
def test_what_needs_an_index_is_refused(
    retriever: LiveWikiRetriever, setting: dict[str, object]
) -> None:
    with pytest.raises(InvalidArgumentError, match="for a wiki that is not indexed"):
        retriever.search(CAPITAL, **setting)


def test_a_revision_is_read_once_and_a_new_one_again(served_wiki: Wiki) -> None:
    served_wiki.edit("Darwin", "Darwin is a city in the north of Australia.")
    with LiveMediaWiki(served_wiki.url) as wiki:
        first, again = (wiki.find_pages(["Darwin"], 5, monotonic() + 600) for _ in range(2))
        assert [one.title for one in first.articles] == ["Darwin"]
        assert again.articles[0] is first.articles[0]
        served_wiki.edit("Darwin", "Darwin lies on the Timor Sea.")
        (changed,) = wiki.find_pages(["Darwin"], 5, monotonic() + 600).articles
        assert changed.text == "Darwin lies on the Timor Sea."
        assert int(changed.revision) > int(first.articles[0].revision)
    served_wiki.delete("Darwin")


def test_a_wiki_that_is_slow_or_away(served_wiki: Wiki, tmp_path: Path) -> None:
    with LiveMediaWiki(served_wiki.url) as wiki:
        searcher = LiveSearcher(wiki, seconds=-1)
        with pytest.raises(SourceConnectionError, match="did not answer in time"):
            searcher.search(CAPITAL)
    with served_wiki.copy(tmp_path / "other") as other, LiveMediaWiki(other.url) as wiki:
        address = other.url
        LiveSearcher(wiki, seconds=600).search(CAPITAL)
        other.stop()
        with pytest.raises(SourceConnectionError):
            LiveSearcher(wiki, seconds=1).search(CAPITAL)
    with pytest.raises(CorpusError):
        LiveMediaWiki(address)


def test_a_private_wiki_is_reported(served_wiki: Wiki, tmp_path: Path) -> None:
    with served_wiki.copy(tmp_path / "private") as private:
        private.settings("$wgGroupPermissions['*']['read'] = false;")
        with pytest.raises(CorpusError), LiveMediaWiki(private.url) as wiki:
            LiveSearcher(wiki).search(CAPITAL)


def test_a_zim_file_without_an_index_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"with a full-text index, got .* without"):
        LiveZim(write_australia(tmp_path / "plain.zim", indexed=False))
    with pytest.raises(CorpusError):
        LiveZim(tmp_path / "none.zim")


def test_only_so_many_pages_are_read(zim: Path) -> None:
    wiki = LiveZim(zim)
    result = LiveSearcher(wiki, pages=1).search("Australia", SearchOptions(k=10))
    assert len({one.passage.title for one in result.candidates}) == 1
    found = wiki.find_pages(["Australia"], 10, monotonic() - 1)
    assert (found.articles, found.notes) == ([], ["The file was too slow for all pages."])


def test_it_serves_chains(zim: Path) -> None:
    from langchain_core.language_models import FakeListChatModel

    model = FakeListChatModel(responses=["Canberra [1]."])
    answer = create_wiki_qa_chain(model, WikiRetriever.from_zim(zim)).invoke(CAPITAL)
    assert [one.title for one in answer.citations] == ["Canberra"]


def test_phrasings() -> None:
    assert phrasings('Who wrote "Notes" for Ada Lovelace\'s -engine?') == [
        "Who wrote Notes for Ada Lovelace's engine",
        "wrote Notes Ada Lovelace's engine",
        "Notes",
        "Ada Lovelace's",
        "Lovelace's OR engine OR wrote OR Notes OR Ada",
    ]
    assert keywords("Who wrote Notes for Ada, who?") == ["wrote", "Notes", "Ada"]
    assert len(keywords(" ".join(map(str, range(99))))) == 10
    assert phrasings("the who") == ["the who"]
    assert possible_titles("when did beryl markham fly?") == [
        "beryl markham fly",
        "Beryl Markham Fly",
        "beryl markham",
        "Beryl Markham",
        "markham fly",
        "Markham Fly",
    ]
    assert possible_titles("Where is the Statue of Liberty?")[0] == "Statue"
    assert "Statue of Liberty" in possible_titles("Where is the Statue of Liberty?")
    assert (possible_titles(""), len(possible_titles("word " * 99))) == ([], 8)
    assert phrasings("?! ~ *") == []
    assert all(len(phrase) <= 200 for phrase in phrasings("word " * 1000))


@pytest.mark.parametrize("place", ["mediawiki", "zim"])
def test_the_command_line_asks_a_wiki_without_an_index(
    place: str, request: pytest.FixtureRequest
) -> None:
    option = (
        ["--zim", str(request.getfixturevalue("zim"))]
        if place == "zim"
        else ["--wiki", request.getfixturevalue("served_wiki").url]
    )
    done = CliRunner().invoke(app, ["search", CAPITAL, *option, "--json", "-k", "1"])
    assert done.exit_code == 0, done.output
    (best,) = json.loads(done.stdout)["results"]
    assert best["text"] == "Canberra was chosen as the capital of Australia in 1908."


@pytest.mark.parametrize("places", [[], ["--wiki", "https://localhost", "--zim", "a.zim"]])
def test_the_command_line_wants_one_place_to_ask(places: list[str]) -> None:
    done = CliRunner().invoke(app, ["search", CAPITAL, *places])
    assert done.exit_code != 0
    assert "one of --index, --wiki and --zim" in f"{done.output} {done.exception}"

"""The same index with its vectors in a real `chroma run` on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from chroma_run import chroma_server

from wikirank.corpus import open_source
from wikirank.errors import IndexConnectionError, IndexStorageError, InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.search import Searcher, SearchOptions
from wikirank.types import Passage


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chroma_server(tmp_path_factory.mktemp("chroma-server")) as url:
        yield url


def test_answers_as_the_embedded_one(
    server: str, tmp_path: Path, tiny_wiki: Path, tiny_index: WikiIndex
) -> None:
    with WikiIndex.create(tmp_path / "index", chroma_url=server, collection="tiny") as index:
        report = index.add_source(open_source(str(tiny_wiki)))
        assert report.passages_written == 31
        assert index.add_source(open_source(str(tiny_wiki))).unchanged == 10
        assert index.info().chroma == server
    options = SearchOptions(k=5, filter={"topic": {"$ne": "Music"}}, rerank=True)
    with WikiIndex.open(tmp_path / "index") as index:
        theirs = Searcher(index).search("light of the tower", options).passages
    ours = Searcher(tiny_index).search("light of the tower", options).passages
    assert [r.passage.id for r in theirs] == [r.passage.id for r in ours]
    assert not (tmp_path / "index" / "chroma").exists()


def test_server_that_does_not_answer(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        # Bound but not listening: a connection is refused at once.
        with pytest.raises(IndexConnectionError, match="chroma run"):
            WikiIndex.create(tmp_path / "index", chroma_url=f"http://127.0.0.1:{port}")
    assert not (tmp_path / "index").exists()
    with pytest.raises(InvalidArgumentError, match="http://host:8000"):
        WikiIndex.create(tmp_path / "index", chroma_url="localhost")


def test_server_that_went_away(tmp_path: Path, tiny_wiki: Path) -> None:
    with chroma_server(tmp_path) as url:
        index = WikiIndex.create(tmp_path / "index", chroma_url=url)
        index.add_source(open_source(str(tiny_wiki)))
    with pytest.raises(IndexConnectionError, match="does not answer"):
        Searcher(index).search("light", SearchOptions(rerank=False))
    index.close()
    with pytest.raises(IndexConnectionError, match="chroma run"):
        WikiIndex.open(tmp_path / "index")


def test_collection_that_is_not_empty_is_refused(server: str, tmp_path: Path) -> None:
    name = "one-index-only"
    with WikiIndex.create(tmp_path / "one", chroma_url=server, collection=name) as index:
        index.add_passages([Passage(id="1", text="Something.")])
    with pytest.raises(IndexStorageError, match="--collection"):
        WikiIndex.create(tmp_path / "two", chroma_url=server, collection=name)

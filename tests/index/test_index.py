"""Indexing: what is added, replaced, removed, refused; with the real embedder and Chroma."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import pytest
from index_snapshot import snapshot
from numpy.typing import NDArray

from wikirank.corpus import open_source
from wikirank.embed import load_embedder
from wikirank.errors import (
    EmptyCorpusError,
    IndexLockedError,
    IndexMismatchError,
    IndexNotFoundError,
    IndexStorageError,
    InvalidArgumentError,
)
from wikirank.index import IndexProgress, IndexReport, WikiIndex, open_collection_index
from wikirank.index.vectors import embedded
from wikirank.index.vectors.hnsw_files import graph_backlog
from wikirank.index.vectors.server import open_collection
from wikirank.index.verify.run import verify_index
from wikirank.passages.splitters import SentenceSplitter, WindowSplitter
from wikirank.types import Passage

ADA = {"title": "Ada", "text": "Ada wrote notes.\n== Engine ==\nThe engine was never built."}
BOB = {"title": "Bob", "text": "Bob bakes bread."}


def write(path: Path, *articles: dict[str, Any]) -> Path:
    path.write_text("".join(f"{json.dumps(article)}\n" for article in articles), encoding="utf-8")
    return path


def add(index: WikiIndex, path: Path, **options: Any) -> IndexReport:
    return index.add_source(open_source(str(path)), **options)


@pytest.fixture
def index(tmp_path: Path) -> WikiIndex:
    return WikiIndex.create(tmp_path / "index")


def test_same_source_again_adds_nothing(index: WikiIndex, tiny_wiki: Path) -> None:
    first = add(index, tiny_wiki)
    before = snapshot(index)
    second = add(index, tiny_wiki)
    assert (first.added, first.unchanged, first.passages_written) == (10, 0, 31)
    assert (second.added, second.unchanged, second.passages_written) == (0, 10, 0)
    assert snapshot(index) == before


def writes_graph_every(index: WikiIndex) -> int:
    with index.dense._use() as collection:
        return int(collection.configuration_json["hnsw"]["sync_threshold"])


def test_a_run_leaves_no_backlog_for_the_next_opening(tmp_path: Path) -> None:
    """Chroma adds records to its graph on disk a thousand at a time, and the rest at each start."""
    towns = [{"title": f"Town {n}", "text": f"Town {n} has {n} wells."} for n in range(120)]
    wiki = write(tmp_path / "wiki.jsonl", *towns)
    index = WikiIndex.create(tmp_path / "index")
    add(index, wiki)
    chroma, name = index.path / "chroma", "wikirank"
    assert graph_backlog(chroma, name) < 10
    assert writes_graph_every(index) == 1000  # Chroma's default
    before = snapshot(index)["chroma"]
    with (
        pytest.warns(DeprecationWarning, match="legacy"),
        index.dense._use(write=True) as collection,
    ):
        # The state that a killed run leaves.
        collection.modify(configuration={"hnsw": {"sync_threshold": 2}})
    index.close()
    write(wiki, *({"title": f"Town {n}", "text": f"Town {n} has a well."} for n in range(9)))
    with WikiIndex.open(index.path) as reopened:
        add(reopened, wiki)
        assert writes_graph_every(reopened) == 1000
        add(reopened, write(wiki, *towns))
    assert snapshot(index)["chroma"] == before
    index.close()
    assert verify_index(tmp_path / "index", full=True).whole


def test_a_large_graph_is_written_more_rarely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_SYNC_THRESHOLD", 3)
    monkeypatch.setattr(embedded, "_SYNC_FRACTION", 4)
    index = WikiIndex.create(tmp_path / "index")
    with index.dense._use() as collection, pytest.warns(DeprecationWarning, match="legacy"):
        collection.modify(configuration={"hnsw": {"sync_threshold": 3}})
    paces = []
    for number in range(12):  # 8 passages each
        made = [Passage(id=f"{number}-{n}", text=f"Well {number}-{n}.") for n in range(8)]
        index.add_passages(made)
        paces.append(writes_graph_every(index))
    # Tuned whenever the number of passages has doubled, at 16, 32 and 64: to a quarter of them, at
    # least 3, unless that is less than double.
    assert paces == [3, 3, 3, 8, 8, 8, 8, 16, 16, 16, 16, 16]
    before = snapshot(index)["chroma"]
    index.close()
    with WikiIndex.open(tmp_path / "index") as again:
        assert snapshot(again)["chroma"] == before
        assert again.dense.count() == 96
    assert verify_index(tmp_path / "index", full=True).whole


def test_changed_added_and_removed_articles(index: WikiIndex, tmp_path: Path) -> None:
    wiki = write(tmp_path / "wiki.jsonl", ADA, BOB)
    add(index, wiki)
    changed = {**ADA, "text": ADA["text"].replace("never built", "built at last")}
    write(wiki, changed, {"title": "Cyd", "text": "Cyd sails."})
    report = add(index, wiki)
    assert (report.added, report.changed, report.removed) == (1, 1, 1)
    assert (report.passages_written, report.passages_removed) == (2, 2)
    fresh = WikiIndex.create(tmp_path / "fresh")
    add(fresh, wiki)
    assert snapshot(index) == snapshot(fresh)


def test_metadata_alone_changed(index: WikiIndex, tmp_path: Path) -> None:
    wiki = write(tmp_path / "wiki.jsonl", BOB)
    add(index, wiki)
    write(wiki, {**BOB, "revision": "7", "topic": "Food"})
    assert add(index, wiki).changed == 1
    (record,) = snapshot(index)["chroma"].values()
    assert record[1]["revision"] == "7"
    assert record[1]["topic"] == "Food"


def test_an_article_that_lost_its_text_goes(index: WikiIndex, tmp_path: Path) -> None:
    wiki = write(tmp_path / "wiki.jsonl", ADA, BOB)
    add(index, wiki)
    write(wiki, ADA, {**BOB, "text": "== Only a heading =="})
    report = add(index, wiki)
    assert (report.without_text, report.removed) == (1, 1)
    assert {row[2] for row in snapshot(index)["passages"]} == {"Ada"}


def test_two_articles_of_one_title_are_both_kept(index: WikiIndex, tmp_path: Path) -> None:
    wiki = write(tmp_path / "wiki.jsonl", BOB, {**BOB, "text": "Another Bob sings."}, BOB)
    assert add(index, wiki).added == 3
    before = snapshot(index)
    assert len(before["passages"]) == 3
    assert add(index, wiki).unchanged == 3
    assert snapshot(index) == before


def test_sources_do_not_touch_each_other(index: WikiIndex, tmp_path: Path) -> None:
    add(index, write(tmp_path / "one.jsonl", ADA))
    add(index, write(tmp_path / "two.jsonl", BOB))
    add(index, write(tmp_path / "two.jsonl", ADA))
    assert index.info().sources == {"one.jsonl": 1, "two.jsonl": 1}


def test_two_places_of_one_name_do_not_mix(index: WikiIndex, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    add(index, write(tmp_path / "a" / "wiki.jsonl", ADA))
    other = write(tmp_path / "b" / "wiki.jsonl", BOB)
    with pytest.raises(InvalidArgumentError, match="--name"):
        add(index, other)
    assert index.info().sources == {"wiki.jsonl": 1}
    index.add_source(open_source(str(other), name="b"))
    assert index.info().sources == {"b": 1, "wiki.jsonl": 1}


def test_empty_corpus_leaves_the_index_as_it_was(index: WikiIndex, tmp_path: Path) -> None:
    wiki = write(tmp_path / "wiki.jsonl", ADA)
    add(index, wiki)
    before = snapshot(index)
    write(wiki)
    with pytest.raises(EmptyCorpusError, match="no article with text"):
        add(index, wiki)
    write(wiki, {"title": "Empty", "text": "  "})
    with pytest.raises(EmptyCorpusError, match="1 without"):
        add(index, wiki)
    assert snapshot(index) == before


def test_broken_record_keeps_what_came_before(index: WikiIndex, tmp_path: Path) -> None:
    wiki = write(tmp_path / "wiki.jsonl", *({**BOB, "title": f"Bob {n}"} for n in range(200)))
    add(index, wiki)
    with wiki.open("ab") as file:
        file.write(b'{"title": "Broken", "text": "\xff\xfe"}\n')
    report = add(index, wiki)
    assert [name for name in report.passed_over if "201" in name]
    assert index.info().articles == 200


def test_progress_is_reported(index: WikiIndex, tiny_wiki: Path) -> None:
    seen: list[IndexProgress] = []
    add(index, tiny_wiki, on_progress=seen.append)
    assert (seen[-1].articles, seen[-1].passages) == (10, 31)


def test_open_finds_what_create_wrote(index: WikiIndex, tiny_wiki: Path) -> None:
    add(index, tiny_wiki)
    info = index.info()
    index.close()
    with WikiIndex.open(index.path) as again:
        assert again.info().passages == info.passages == 31
        assert again.info().embedder == load_embedder().model_id
        assert {"topic", "year", "title"} <= set(again.info().filter_keys)


def test_missing_index(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFoundError, match="wikirank index"):
        WikiIndex.open(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_create_refuses_what_is_there(index: WikiIndex, tmp_path: Path) -> None:
    with pytest.raises(IndexStorageError, match="without an index"):
        WikiIndex.create(index.path)
    write(tmp_path / "file", BOB)
    with pytest.raises(IndexStorageError, match="got the file"):
        WikiIndex.create(tmp_path / "file")
    with pytest.raises(IndexStorageError, match="an empty folder"):
        WikiIndex.create(tmp_path)


class OtherEmbedder:
    """The bundled embedder under another name, cut to fewer dimensions."""

    model_id = "someone/else"

    def embed_passages(self, texts: list[str]) -> NDArray[np.float32]:
        return load_embedder().embed_passages(texts)[:, :64]

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return load_embedder().embed_query(text)[:64]


def test_index_of_another_model_or_splitter_is_refused(index: WikiIndex) -> None:
    with pytest.raises(IndexMismatchError, match="got someone/else"):
        WikiIndex.open(index.path, embedder=OtherEmbedder())
    with pytest.raises(IndexMismatchError, match="splitter"):
        WikiIndex.open_or_create(index.path, splitter=WindowSplitter())
    same = WikiIndex.open_or_create(index.path, splitter=SentenceSplitter())
    assert same.info().passages == 0


def test_damaged_store_is_reported(index: WikiIndex) -> None:
    index.close()
    (index.path / "wikirank.sqlite3").write_bytes(b"no database, but long enough" * 100)
    with pytest.raises(IndexStorageError, match="cannot be opened"):
        WikiIndex.open(index.path)


def test_second_writer_is_refused(index: WikiIndex, tiny_wiki: Path) -> None:
    def write_too(_: IndexProgress) -> None:
        with WikiIndex.open(index.path) as second, pytest.raises(IndexLockedError, match="writing"):
            add(second, tiny_wiki)

    assert add(index, tiny_wiki, on_progress=write_too).added == 10


def test_ready_made_passages_are_upserted(index: WikiIndex) -> None:
    one = Passage(id="1", text="One.", article="A", metadata={"tags": ["x"], "none": None})
    index.add_passages([one, Passage(id="2", text="Two.", article="A")])
    index.add_passages([Passage(id="2", text="Two, again.", article="A")])
    held = index.store.get(["1", "2"])
    assert held["1"] == one
    assert held["2"].text == "Two, again."
    with pytest.raises(InvalidArgumentError, match="'3' twice"):
        index.add_passages([Passage(id="3", text="a"), Passage(id="3", text="b")])
    with pytest.raises(InvalidArgumentError, match="JSON"):
        index.add_passages([Passage(id="4", text="a", metadata={"when": object()})])
    assert index.info().passages == 2


def test_temporary_index_goes_with_its_object() -> None:
    index = WikiIndex.create()
    folder = index.path
    assert folder.exists()
    index.close()
    del index
    assert not folder.exists()


def test_foreign_collection() -> None:
    client = chromadb.EphemeralClient()
    collection = client.create_collection("foreign-docs", embedding_function=None)
    texts = ["Herring swim in shoals.", "Bread is baked."]
    collection.add(
        ids=["h", "b"],
        embeddings=load_embedder().embed_passages(texts),
        documents=texts,
        metadatas=[{"title": "Herring", "section": "Life › Shoals", "n": 1}, {"n": 2}],
    )
    index = open_collection_index(collection)
    assert index.store.get(["h"])["h"].section == ("Life", "Shoals")
    assert index.lexical.search("who baked it", 5)[0][0] == "b"
    similarity = dict(index.dense.search(load_embedder().embed_query(texts[0]), 2))
    assert similarity["h"] == pytest.approx(1.0, abs=1e-3)
    with pytest.raises(IndexMismatchError, match="384 dimensions"):
        open_collection_index(collection, embedder=OtherEmbedder())
    with pytest.raises(IndexNotFoundError, match="foreign-docs"):
        open_collection(client, "no-such", create=False)

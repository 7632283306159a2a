"""Several Chroma servers, each with whole sources, give the same results as one index."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from chroma_run import chroma_server
from hypothesis import given
from hypothesis import strategies as st
from index_snapshot import snapshot
from typer.testing import CliRunner

from wikirank.cli import app
from wikirank.corpus import open_source
from wikirank.embed import load_embedder
from wikirank.errors import (
    IndexConnectionError,
    IndexMismatchError,
    IndexStorageError,
    InvalidArgumentError,
)
from wikirank.index import WikiIndex
from wikirank.index.vectors.server import ServerVectors, server_client
from wikirank.index.vectors.sharded import ShardedVectors, merge_hits
from wikirank.index.verify.repair import repair_index
from wikirank.index.verify.run import verify_index
from wikirank.search import Searcher, SearchOptions
from wikirank.types import Passage

QUESTIONS = ["light of the tower", "how is bread made?", "fish caught at night", "merge two halves"]
FILTERS = [None, {"source": "c.jsonl"}, {"topic": {"$ne": "Music"}}, {"title": "Herring"}]

Hits = list[tuple[str, float]]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    with ExitStack() as stack:
        folders = [tmp_path_factory.mktemp(f"server-{number}") for number in range(2)]
        yield [stack.enter_context(chroma_server(folder)) for folder in folders]


def pieces(tiny_wiki: Path, folder: Path) -> list[Path]:
    """The tiny wiki as three files of 5, 3 and 2 articles."""
    lines = tiny_wiki.read_text(encoding="utf-8").splitlines()
    files = [folder / name for name in ("a.jsonl", "b.jsonl", "c.jsonl")]
    for file, part in zip(files, (lines[:5], lines[5:8], lines[8:]), strict=True):
        file.write_text("\n".join(part), encoding="utf-8")
    return files


def passages_on(servers: list[str], collection: str) -> list[set[str]]:
    """Return the sources whose passages each server holds."""
    shards = [ServerVectors.open(server_client(url), collection) for url in servers]
    records = [shard.get(list(shard.ids())).values() for shard in shards]
    return [{record.metadata["source"] for record in of_shard} for of_shard in records]


def assert_answers_alike(ours: WikiIndex, theirs: WikiIndex) -> None:
    for where in FILTERS:
        for question in QUESTIONS:
            for kind in ("dense", "hybrid"):
                options = SearchOptions(k=8, filter=where, search_type=kind, rerank=False)
                left = Searcher(ours).search(question, options).passages
                right = Searcher(theirs).search(question, options).passages
                assert [hit.passage for hit in left] == [hit.passage for hit in right]
                scores = [[hit.dense_score or 0.0 for hit in hits] for hits in (left, right)]
                assert np.allclose(*scores, rtol=0, atol=1e-6)


def test_answers_as_one_embedded_index(servers: list[str], tmp_path: Path, tiny_wiki: Path) -> None:
    files = pieces(tiny_wiki, tmp_path)
    with (
        WikiIndex.create(tmp_path / "sharded", chroma_url=servers, collection="alike") as sharded,
        WikiIndex.create(tmp_path / "one") as one,
    ):
        for index in (sharded, one):
            for file in files:
                index.add_source(open_source(file))
        # The first server got the largest source, the second the two others.
        assert passages_on(servers, "alike") == [{"a.jsonl"}, {"b.jsonl", "c.jsonl"}]
        assert snapshot(sharded) == snapshot(one)
        assert_answers_alike(sharded, one)
        assert sharded.info().chroma == ", ".join(servers)
        # Changes, removals and growth beyond the other server's sources move no source.
        lines = files[2].read_text(encoding="utf-8").splitlines()
        changed = {**json.loads(lines[0]), "text": "A glacier carves the valley that it fills."}
        more = [json.dumps({"title": f"New {n}", "text": f"Number {n}. So."}) for n in range(40)]
        files[2].write_text("\n".join([json.dumps(changed), *more]), encoding="utf-8")
        files[1].write_text(files[1].read_text(encoding="utf-8").splitlines()[0], encoding="utf-8")
        for index in (sharded, one):
            reports = [index.add_source(open_source(file), reread=True) for file in files]
            assert [report.removed for report in reports] == [0, 2, 1]
            assert [report.changed for report in reports] == [0, 0, 1]
        assert passages_on(servers, "alike") == [{"a.jsonl"}, {"b.jsonl", "c.jsonl"}]
        assert snapshot(sharded) == snapshot(one)
        assert_answers_alike(sharded, one)
    assert verify_index(tmp_path / "sharded", full=True).whole


def test_verify_finds_and_repair_fixes(servers: list[str], tmp_path: Path, tiny_wiki: Path) -> None:
    folder = tmp_path / "index"
    with WikiIndex.create(folder, chroma_url=servers, collection="repaired") as index:
        for file in pieces(tiny_wiki, tmp_path):
            index.add_source(open_source(file))
        whole = snapshot(index)
    shards = [ServerVectors.open(server_client(url), "repaired") for url in servers]
    lost = next(shards[1].ids())
    stray_id = next(shards[0].ids())
    vector = load_embedder().embed_passages(["stray"])
    shards[1].upsert([Passage(id=stray_id, text="stray")], vector)
    shards[1].delete([lost])
    shards[0].upsert([Passage(id="orphan", text="nobody's")], vector)
    (check,) = (check for check in verify_index(folder).checks if check.faults)
    assert check.name == "vectors"
    assert check.examples == [
        f"passage {lost}: missing from Chroma",
        "2 vectors without a passage",
    ]
    assert len(repair_index(folder)) == 3
    assert verify_index(folder, full=True).whole
    with WikiIndex.open(folder) as index:
        assert snapshot(index) == whole


def test_a_killed_run_is_finished_on_the_same_server(
    servers: list[str], tmp_path: Path, tiny_wiki: Path
) -> None:
    """The server of a source is recorded before its first vector is written."""
    files = pieces(tiny_wiki, tmp_path)
    index = WikiIndex.create(tmp_path / "index", chroma_url=servers, collection="killed")
    index.add_source(open_source(files[2]))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ServerVectors, "upsert", die)
        with pytest.raises(KeyboardInterrupt):
            index.add_source(open_source(files[1]))
    assert isinstance(index.dense, ShardedVectors)
    assert index.dense.server_of("b.jsonl") == 1
    index.add_source(open_source(files[0]))
    index.close()
    with WikiIndex.open(tmp_path / "index") as again:
        again.add_source(open_source(files[1]))
    assert passages_on(servers, "killed")[1] >= {"b.jsonl"}
    assert verify_index(tmp_path / "index", full=True).whole


def test_a_server_that_went_away_is_named(tmp_path: Path, tiny_wiki: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with chroma_server(folders[0]) as first:
        with chroma_server(folders[1]) as second:
            index = WikiIndex.create(tmp_path / "index", chroma_url=[first, second])
            index.add_source(open_source(tiny_wiki))
        with pytest.raises(IndexConnectionError, match=f"{second} does not answer"):
            Searcher(index).search("light", SearchOptions(rerank=False))
        index.close()
        with pytest.raises(IndexConnectionError, match=f"answers at {second}"):
            WikiIndex.open(tmp_path / "index")
        with pytest.raises(IndexConnectionError, match=f"answers at {second}"):
            verify_index(tmp_path / "index")
        with pytest.raises(IndexConnectionError, match=f"answers at {second}"):
            WikiIndex.create(tmp_path / "other", chroma_url=[first, second])
        assert not (tmp_path / "other").exists()


def test_servers_that_are_refused(servers: list[str], tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="twice"):
        WikiIndex.create(tmp_path / "a", chroma_url=[servers[0], servers[0]])
    alias = servers[0].replace("127.0.0.1", "localhost")
    with pytest.raises(InvalidArgumentError, match="same server"):
        WikiIndex.create(tmp_path / "b", chroma_url=[servers[0], alias], collection="aliased")
    with WikiIndex.create(tmp_path / "c", chroma_url=servers, collection="taken") as index:
        index.add_passages([Passage(id="1", text="Something.")])
    with pytest.raises(IndexStorageError, match="--collection"):
        WikiIndex.create(tmp_path / "d", chroma_url=servers[::-1], collection="taken")
    with pytest.raises(IndexMismatchError, match="chroma_url"):
        WikiIndex.open_or_create(tmp_path / "c", chroma_url=servers[::-1])
    WikiIndex.open_or_create(tmp_path / "c", chroma_url=servers).close()


def test_one_server_is_recorded_as_before(servers: list[str], tmp_path: Path) -> None:
    WikiIndex.create(tmp_path / "index", chroma_url=[servers[0]], collection="single").close()
    connection = sqlite3.connect(tmp_path / "index" / "wikirank.sqlite3")
    (value,) = connection.execute("SELECT value FROM meta WHERE key = 'chroma_url'").fetchone()
    connection.close()
    assert json.loads(value) == servers[0]
    with WikiIndex.open_or_create(tmp_path / "index", chroma_url=servers[0]) as index:
        assert type(index.dense) is ServerVectors


def test_on_the_command_line(servers: list[str], tmp_path: Path, tiny_wiki: Path) -> None:
    files = [str(file) for file in pieces(tiny_wiki, tmp_path)]
    options = [part for url in servers for part in ("--chroma-url", url)]
    folder = str(tmp_path / "index")
    command = ["index", *files, "--into", folder, *options, "--collection", "cli", "--quiet"]
    for _ in range(2):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output
    info = CliRunner().invoke(app, ["info", "--index", folder, "--json"])
    assert json.loads(info.stdout)["chroma"] == ", ".join(servers)
    assert passages_on(servers, "cli") == [{"a.jsonl"}, {"b.jsonl", "c.jsonl"}]


similarities = st.floats(-1, 1)
ids = st.text("abc", min_size=1, max_size=3)


@given(
    st.dictionaries(ids, st.tuples(similarities, st.integers(0, 3)), max_size=30),
    st.integers(1, 12),
)
def test_merged_hits_are_those_of_one_collection(
    held: dict[str, tuple[float, int]], k: int
) -> None:
    """Each id is on one of four servers; each server returns its own k best."""

    def best(hits: Hits) -> Hits:
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:k]

    shards: list[Hits] = [[], [], [], []]
    for id_, (similarity, position) in held.items():
        shards[position].append((id_, similarity))
    one = best([(id_, similarity) for id_, (similarity, _) in held.items()])
    assert merge_hits(map(best, shards), k) == one


def test_an_id_on_two_servers_is_one_hit() -> None:
    assert merge_hits([[("a", 0.5), ("b", 0.1)], [("a", 0.7)]], 2) == [("a", 0.7), ("b", 0.1)]

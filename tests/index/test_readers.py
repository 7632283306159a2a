"""A search while an article is replaced finds its old passages or its new ones, never both."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from wikirank.corpus import open_source
from wikirank.errors import IndexStorageError
from wikirank.index import WikiIndex
from wikirank.search import Searcher, SearchOptions
from wikirank.types import SearchType

VERSIONS = (
    {"Old coast": "The lighthouse is red.", "Old keeper": "A keeper lives in the lighthouse."},
    {"New coast": "The lighthouse is white.", "New keeper": "The lighthouse has no keeper."},
)
WRITE = """
import sys
from pathlib import Path
from test_readers import replace
for turn in range(int(sys.argv[3])):
    replace(Path(sys.argv[1]), Path(sys.argv[2]), turn % 2)
"""


def write(wiki: Path, version: int) -> None:
    text = "\n".join(f"== {head} ==\n{body}" for head, body in VERSIONS[version].items())
    others = [{"title": f"Other {n}", "text": f"Number {n} stands elsewhere."} for n in range(5)]
    articles = [{"title": "Lighthouse", "text": text}, *others]
    wiki.write_text("\n".join(json.dumps(article) for article in articles), encoding="utf-8")


def replace(folder: Path, wiki: Path, version: int) -> None:
    write(wiki, version)
    with WikiIndex.open_or_create(folder) as index:
        index.add_source(open_source(wiki), reread=True)


def sections(searcher: Searcher, search_type: SearchType) -> frozenset[str]:
    options = SearchOptions(k=20, search_type=search_type, rerank=False)
    found = searcher.search("lighthouse keeper", options).passages
    return frozenset(r.passage.section[0] for r in found if r.passage.title == "Lighthouse")


def watch(searcher: Searcher, seen: set[frozenset[str]], busy: Iterator[bool]) -> None:
    kinds: tuple[SearchType, ...] = ("dense", "lexical", "hybrid")
    while next(busy):
        for kind in kinds:
            seen.add(sections(searcher, kind))


OLD, NEW = (frozenset(version) for version in VERSIONS)


def test_threads_beside_a_writer(tmp_path: Path) -> None:
    folder, wiki = tmp_path / "index", tmp_path / "wiki.jsonl"
    replace(folder, wiki, 0)
    seen: set[frozenset[str]] = set()
    done = threading.Event()
    with WikiIndex.open(folder) as index:
        searcher = Searcher(index)
        busy = iter(lambda: not done.is_set(), None)
        readers = [threading.Thread(target=watch, args=(searcher, seen, busy)) for _ in range(2)]
        for reader in readers:
            reader.start()
        for turn in range(1, 8):
            write(wiki, turn % 2)
            index.add_source(open_source(wiki), reread=True)
        done.set()
        for reader in readers:
            reader.join()
        assert sections(searcher, "dense") == NEW
    assert seen == {OLD, NEW}


@pytest.mark.slow
def test_a_reader_beside_a_writer_in_another_process(tmp_path: Path) -> None:
    folder, wiki = tmp_path / "index", tmp_path / "wiki.jsonl"
    replace(folder, wiki, 0)
    seen: set[frozenset[str]] = set()
    with WikiIndex.open(folder) as index:
        searcher = Searcher(index)
        assert sections(searcher, "dense") == OLD
        command = [sys.executable, "-c", WRITE, str(folder), str(wiki), "8"]
        writer = subprocess.Popen(command, cwd=Path(__file__).parent)
        watch(searcher, seen, iter(lambda: writer.poll() is None, None))
        assert writer.returncode == 0
        assert [sections(searcher, kind) for kind in ("dense", "lexical", "hybrid")] == [NEW] * 3
    assert seen == {OLD, NEW}


def test_a_writer_sees_what_another_process_wrote(tmp_path: Path) -> None:
    """Otherwise the writer would overwrite the search graph on disk with its own, older one."""
    folder, wiki = tmp_path / "index", tmp_path / "wiki.jsonl"
    replace(folder, wiki, 0)
    with WikiIndex.open(folder) as index:
        searcher = Searcher(index)
        assert sections(searcher, "dense") == OLD
        command = [sys.executable, "-c", WRITE, str(folder), str(wiki), "2"]
        subprocess.run(command, check=True, cwd=Path(__file__).parent)
        write(wiki, 0)
        index.add_source(open_source(wiki), reread=True)
        assert sections(searcher, "dense") == OLD
    with WikiIndex.open(folder) as index:
        assert sections(Searcher(index), "dense") == OLD


def cut_links(folder: Path) -> None:
    (file,) = folder.glob("chroma/*/link_lists.bin")
    file.write_bytes(b"\xff" * 400)


def delete_in_the_graph_alone(folder: Path) -> None:
    """Chroma writes the elements before the list of ids, and deletes no element twice."""
    with WikiIndex.open(folder) as index:
        index.dense.delete(list(index.dense.ids())[:3])
    (header,) = folder.glob("chroma/*/header.bin")
    (size,) = struct.unpack_from("<Q", header.read_bytes(), 28)
    elements = np.memmap(header.with_name("data_level0.bin"), np.uint8, "r+")
    elements[2::size] |= 1
    elements.flush()


@pytest.mark.parametrize("damage", [cut_links, delete_in_the_graph_alone])
def test_a_damaged_graph_is_an_error_for_a_reader_and_repaired_by_a_writer(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder, wiki = tmp_path / "index", tmp_path / "wiki.jsonl"
    replace(folder, wiki, 0)
    with WikiIndex.open(folder) as index:
        passages = list(index.store.select("1"))
        vectors = index.embedder.embed_passages([passage.headed_text for passage in passages])
        for _ in range(1 + 1000 // len(passages)):
            index.dense.upsert(passages, vectors)
    damage(folder)
    (folder / "chroma.writing").touch()  # The state after a kill inside a write.
    with WikiIndex.open(folder) as index:
        with pytest.raises(IndexStorageError, match="--repair"):
            sections(Searcher(index), "dense")
        index.add_source(open_source(wiki), reread=True)
        assert sections(Searcher(index), "dense") == OLD
    assert not (folder / "chroma.writing").exists()

"""What a long-lived process does: threads, temporary indexes, forks, other folders."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import chromadb
import pytest

from wikirank.index import WikiIndex
from wikirank.search import Searcher, SearchOptions
from wikirank.types import Passage

HYBRID = SearchOptions(rerank=False)


def found(index: WikiIndex, query: str = "Which animals fly?") -> list[str]:
    return [hit.passage.id for hit in Searcher(index).search(query, HYBRID).passages]


def open_files() -> int:
    gc.collect()
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def threads() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())


linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


@linux
def test_threads_take_their_connections_with_them(tiny_index: WikiIndex) -> None:
    expected = found(tiny_index)
    before = open_files()
    for _ in range(40):
        answers: list[list[str]] = []
        thread = threading.Thread(target=lambda to=answers: to.append(found(tiny_index)))
        thread.start()
        thread.join()
        assert answers == [expected]
    assert open_files() < before + 20
    assert found(tiny_index) == expected


@linux
def test_temporary_indexes_leave_nothing() -> None:
    def one() -> Path:
        index = WikiIndex.create()
        index.add_passages([Passage(id="a", text="Ants carry leaves.", source="mine")])
        assert found(index, "ants") == ["a"]
        return index.path

    shutil.rmtree(one(), ignore_errors=True)
    files, running = open_files(), threads()
    folders = [one() for _ in range(4)]
    assert open_files() <= files
    for _ in range(100_000):  # The last of tantivy's threads ends a moment after its writer.
        if threads() <= running:
            break
        os.sched_yield()
    assert threads() <= running
    assert not any(folder.exists() for folder in folders)


def test_a_relative_path_outlives_a_change_of_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with WikiIndex.create("index") as index:
        index.add_passages([Passage(id="a", text="Ants carry leaves.", source="mine")])
        monkeypatch.chdir(tmp_path / "elsewhere")
        index.add_passages([Passage(id="b", text="Bees fly.", source="mine")])
        assert set(found(index, "bees")) == {"a", "b"}
        index.close()
        assert set(found(index, "bees")) == {"a", "b"}
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("closed", [True, False])
def test_a_folder_removed_and_filled_again(tmp_path: Path, closed: bool) -> None:
    kept = []
    for text in ("Ants carry leaves.", "Bees fly.", "Cats purr."):
        index = WikiIndex.create(tmp_path / "index")
        index.add_passages([Passage(id=text, text=text, source="mine")])
        assert found(index, "animals") == [text]
        assert list(index.dense.ids()) == [text]
        if closed:
            index.close()
        kept.append(index)
        shutil.rmtree(tmp_path / "index")
    for index in kept:
        index.close()


@pytest.mark.parametrize("theirs_first", [True, False])
def test_beside_a_chroma_client_of_the_user(tmp_path: Path, theirs_first: bool) -> None:
    passage = Passage(id="a", text="Ants carry leaves.", source="mine")
    with WikiIndex.create(tmp_path / "index") as index:
        index.add_passages([passage])
        if theirs_first:
            index.close()
        client = chromadb.PersistentClient(str(tmp_path / "index" / "chroma"))
        assert client.get_collection("wikirank", embedding_function=None).count() == 1
        assert found(index, "ants") == ["a"]
        with WikiIndex.open(tmp_path / "index") as again:
            assert found(again, "ants") == ["a"]


FORKING = """
import os, sys
from wikirank.errors import IndexStorageError
from wikirank.index import WikiIndex
from wikirank.search import Searcher, SearchOptions
from wikirank.types import Passage

def found(index):
    options = SearchOptions(rerank=False)
    return [hit.passage.id for hit in Searcher(index).search("ants", options).passages]

index = WikiIndex.create(sys.argv[1])
index.add_passages([Passage(id="a", text="Ants carry leaves.", source="mine")])
assert found(index) == ["a"]
child = os.fork()
if child == 0:
    told = 0
    for attempt in (lambda: found(index), lambda: WikiIndex.open(sys.argv[1])):
        try:
            attempt()
        except IndexStorageError as err:
            told += "spawn" in str(err)
    print("told", told, flush=True)
    end = {"_exit": os._exit, "exit": sys.exit}[sys.argv[2]]
    end(told)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
index.add_passages([Passage(id="b", text="Bees fly.", source="mine")])
assert set(found(index)) == {"a", "b"}
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("end", ["_exit", "exit"])  # multiprocessing ends its children by the first
def test_a_forked_child_is_told_and_its_parent_goes_on(tmp_path: Path, end: str) -> None:
    program = [sys.executable, "-W", "ignore", "-c", FORKING, str(tmp_path / "index"), end]
    done = subprocess.run(program, timeout=120, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "told 2\n"

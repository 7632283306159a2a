"""Long-lived processes: threads, temporary indexes, forks, changes of folder."""

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
import multiprocessing, os, signal, sys, threading, traceback
from wikirank.index import WikiIndex
from wikirank.search import Searcher
from wikirank.types import Passage

folder, way, end = sys.argv[1:]

def found(index, query="What do ants carry?"):
    return [(hit.passage.id, hit.relevance_score) for hit in Searcher(index).search(query).passages]

def check():
    assert found(index) == expected
    with WikiIndex.open(folder) as again:
        assert found(again) == expected
    mine = Passage(id=f"of {os.getpid()}", text="Wasps sting.", source="mine")
    index.add_passages([mine])
    assert found(index, "Which animals sting?")[0][0] == mine.id
    index.remove_passages([mine.id])

def child(work):
    signal.alarm(100)  # Ends the process with a message if it hangs.
    try:
        work()
    except Exception:
        traceback.print_exc()
        os._exit(1)
    os._exit(0) if end == "_exit" else sys.exit()

def forked(work):
    process = os.fork()
    if process == 0:
        child(work)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0

def of_multiprocessing():
    process = multiprocessing.get_context("fork").Process(target=check)
    process.start()
    process.join()
    assert process.exitcode == 0

def twice():
    forked(check)
    check()

def from_a_thread():
    faults = []
    def work():
        try:
            forked(check)
        except BaseException as err:
            faults.append(err)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not faults

def beside_searches():
    stop = threading.Event()
    def search():
        while not stop.is_set():
            found(index)
    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(4):
            forked(lambda: found(index) == expected or os._exit(2))
    finally:
        stop.set()
        for thread in threads:
            thread.join()

index = WikiIndex.create(folder)
texts = [f"Ants carry leaves, {number} at a time." for number in range(40)] + ["Bees fly."]
index.add_passages([Passage(id=text, text=text, source="mine") for text in texts])
expected = found(index)
assert len(expected) > 1
{
    "fork": lambda: forked(check),
    "multiprocessing": of_multiprocessing,
    "twice": lambda: forked(twice),
    "thread": from_a_thread,
    "searches": beside_searches,
}[way]()
assert found(index) == expected
index.add_passages([Passage(id="newer", text="Balloons rise.", source="mine")])
assert found(index, "balloons")[0][0] == "newer"
print("done", flush=True)
"""

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def run_forking(program: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", program, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@needs_fork
@pytest.mark.parametrize(
    ("way", "end"),
    [
        ("fork", "exit"),
        ("fork", "_exit"),
        ("multiprocessing", "exit"),
        ("twice", "exit"),  # as of gunicorn --preload, whose workers fork again
        ("thread", "_exit"),
        ("searches", "_exit"),
    ],
)
def test_a_forked_child_searches_and_writes_as_its_parent_does(
    tmp_path: Path, way: str, end: str
) -> None:
    assert run_forking(FORKING, str(tmp_path / "index"), way, end) == "done\n"


FORKED_CLIENT = """
import os, signal, sys
import chromadb
from wikirank.embed import load_embedder
from wikirank.errors import IndexStorageError
from wikirank.index import open_collection_index
from wikirank.search import Searcher

def found(index):
    return [hit.passage.id for hit in Searcher(index).search("What do ants carry?").passages]

client = chromadb.PersistentClient(sys.argv[1]) if len(sys.argv) > 1 else chromadb.EphemeralClient()
texts = [f"Ants carry leaves, {number} at a time." for number in range(40)]
collection = client.create_collection("mine", embedding_function=None)
collection.add(ids=texts, documents=texts, embeddings=load_embedder().embed_passages(texts))
index = open_collection_index(collection)
expected = found(index)
child = os.fork()
if child == 0:
    signal.alarm(100)
    try:
        print(found(index) == expected, flush=True)
    except IndexStorageError as err:
        print(err, flush=True)
    sys.exit()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert found(index) == expected
"""


@needs_fork
def test_a_forked_child_opens_the_folder_of_a_client_again(tmp_path: Path) -> None:
    assert run_forking(FORKED_CLIENT, str(tmp_path)) == "True\n"


@needs_fork
def test_a_forked_child_is_told_that_a_store_in_memory_stays_behind() -> None:
    assert "PersistentClient" in run_forking(FORKED_CLIENT)

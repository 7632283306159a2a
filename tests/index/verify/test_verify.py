"""`wikirank verify` finds each kind of damage, and `--repair` fixes it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import chromadb
import numpy as np
import pytest
from chromadb.errors import ChromaError
from filelock import FileLock
from index_snapshot import snapshot

from wikirank.corpus import open_source
from wikirank.embed import load_embedder
from wikirank.errors import IndexLockedError, IndexNotFoundError, IndexStorageError
from wikirank.index import WikiIndex
from wikirank.index.bm25 import LexicalIndex
from wikirank.index.store import PassageStore
from wikirank.index.vectors.embedded import EmbeddedVectors
from wikirank.index.verify.repair import repair_index
from wikirank.index.verify.run import verify_index
from wikirank.types import Passage

WIKIRANK = str(Path(sys.executable).with_name("wikirank"))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, tiny_wiki: Path) -> Path:
    """An intact index whose search graph Chroma has written to disk, which takes 1,000 writes."""
    folder = tmp_path_factory.mktemp("original") / "index"
    with WikiIndex.create(folder) as index:
        index.add_source(open_source(str(tiny_wiki)))
        passages = list(index.store.select("1"))
        vectors = load_embedder().embed_passages([passage.headed_text for passage in passages])
        for _ in range(33):
            index.dense.upsert(passages, vectors)
    assert list(folder.glob("chroma/*/index_metadata.pickle"))
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "index"))


def sql(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / "wikirank.sqlite3")
    with connection:
        connection.execute(statement)
    connection.close()


def a_passage(folder: Path) -> Passage:
    store = PassageStore(folder / "wikirank.sqlite3")
    passage = next(store.select("title = 'Sorting'"))
    store.close()
    return passage


def in_dense(folder: Path, change: Callable[[EmbeddedVectors, Passage], None]) -> None:
    dense = EmbeddedVectors(folder, "wikirank", lambda: None)
    change(dense, a_passage(folder))
    dense.close()


def cut_short(folder: Path, pattern: str) -> None:
    (file,) = folder.glob(pattern)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 4])


def vector_of(text: str) -> np.ndarray:
    return load_embedder().embed_passages([text])


def drop_a_word_entry(folder: Path) -> None:
    with LexicalIndex(folder / "lexical").writer() as writer:
        writer.delete([a_passage(folder).id])


def foreign_word_entry(folder: Path) -> None:
    with LexicalIndex(folder / "lexical").writer() as writer:
        writer.put([Passage(id="none", text="Nothing.")])


def other_words(folder: Path) -> None:
    with LexicalIndex(folder / "lexical").writer() as writer:
        writer.put([Passage(id=a_passage(folder).id, text="Something else.")])


# What is broken, how, and which check finds it. All can be repaired from the index alone.
MENDABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "word entry lost": (drop_a_word_entry, "lexical index"),
    "word entry of nothing": (foreign_word_entry, "lexical index"),
    "word entry of another text": (other_words, "lexical index"),
    "lexical index gone": (lambda f: shutil.rmtree(f / "lexical"), "lexical index"),
    "lexical index unreadable": (
        lambda f: (f / "lexical" / "meta.json").write_text("{"),
        "lexical index",
    ),
    "vector lost": (
        lambda f: in_dense(f, lambda dense, passage: dense.delete([passage.id])),
        "vectors",
    ),
    "vector of another text": (
        lambda f: in_dense(
            f, lambda dense, passage: dense.upsert([passage], vector_of("A whale sings."))
        ),
        "vectors",
    ),
    "vector of nothing": (
        lambda f: in_dense(
            f, lambda dense, _: dense.upsert([Passage(id="none", text="No.")], vector_of("No."))
        ),
        "vectors",
    ),
    "vectors gone": (lambda f: shutil.rmtree(f / "chroma"), "Chroma's files"),
    "graph cut short": (lambda f: cut_short(f, "chroma/*/data_level0.bin"), "Chroma's files"),
    "graph's upper levels cut short": (
        lambda f: cut_short(f, "chroma/*/link_lists.bin"),
        "Chroma's files",
    ),
    "graph's ids cut short": (
        lambda f: cut_short(f, "chroma/*/index_metadata.pickle"),
        "Chroma's files",
    ),
    "Chroma's database cut short": (lambda f: cut_short(f, "chroma/*.sqlite3"), "Chroma's files"),
    "half written": (
        lambda f: sql(f, "INSERT INTO pending SELECT id FROM passages LIMIT 3"),
        "half written",
    ),
    "filter keys lost": (lambda f: sql(f, "DELETE FROM metadata_keys"), "passages"),
}

# Damage that needs the source.
LOST: dict[str, tuple[str, str]] = {
    "passage lost": (
        "DELETE FROM passages WHERE id = (SELECT id FROM passages ORDER BY article, number DESC)",
        "passages",
    ),
    "text changed": ("UPDATE passages SET text = 'X' || text WHERE number = 0", "passages"),
    "title changed": ("UPDATE passages SET title = 'X' WHERE number = 1", "passages"),
    "metadata unreadable": (
        "UPDATE passages SET metadata = '{' WHERE title = 'Sorting'",
        "passages",
    ),
    "article not recorded": ("DELETE FROM articles WHERE article LIKE '%Sorting'", "ledger"),
    "article without passages": ("INSERT INTO articles VALUES ('x', 'y', 'z', '')", "ledger"),
}


def faulty(folder: Path, *, full: bool = True) -> set[str]:
    result = verify_index(folder, full=full)
    assert result.whole == (not any(check.faults for check in result.checks))
    assert bool(result.advice) == (not result.whole)
    return {check.name for check in result.checks if check.faults}


def contents(folder: Path) -> dict[str, object]:
    with WikiIndex.open(folder) as index:
        return snapshot(index)


def test_a_whole_index(folder: Path) -> None:
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    result = verify_index(folder)
    assert result.whole
    assert {check.name: check.seen for check in result.checks} == {
        "database": 1,
        "tables": 9,
        "settings": 6,
        "passages": 31,
        "ledger": 10,
        "half written": 0,
        "lexical index": 31,
        "Chroma's files": 1,
        "vectors": 31,
    }
    changed = [file for file, data in before.items() if file.read_bytes() != data]
    assert not [file for file in changed if "chroma" not in str(file)]
    assert repair_index(folder) == []


@pytest.mark.parametrize("case", MENDABLE)
def test_damage_is_found_and_repaired(original: Path, folder: Path, case: str) -> None:
    damage, check = MENDABLE[case]
    damage(folder)
    assert check in faulty(folder)
    repair_index(folder, full=True)
    assert faulty(folder) == set()
    assert contents(folder) == contents(original)


@pytest.mark.parametrize("case", LOST)
def test_what_is_lost_comes_back_from_the_source(
    original: Path, folder: Path, case: str, tiny_wiki: Path
) -> None:
    statement, check = LOST[case]
    sql(folder, statement)
    assert check in faulty(folder)
    assert repair_index(folder, full=True)
    with WikiIndex.open(folder) as index:
        index.add_source(open_source(str(tiny_wiki)))
    assert faulty(folder) == set()
    assert contents(folder) == contents(original)


def test_a_log_that_chroma_cannot_apply(original: Path, folder: Path) -> None:
    """A record with 5,500 keys, as versions without a limit wrote it."""
    client = chromadb.PersistentClient(str(folder / "chroma"))
    collection = client.get_collection("wikirank", embedding_function=None)
    with pytest.raises(ChromaError):
        collection.upsert(
            ids=["many"],
            embeddings=[[1.0] + [0.0] * 383],
            metadatas=[{f"key{n}": n for n in range(5500)}],
        )
    with WikiIndex.open(folder) as index, pytest.raises(IndexStorageError, match="--repair"):
        index.dense.count()
    assert "vectors" in faulty(folder)
    assert "Rebuilt all vectors" in " ".join(repair_index(folder))
    assert faulty(folder) == set()
    assert contents(folder) == contents(original)


def test_a_searched_index_whose_lexical_index_goes(folder: Path) -> None:
    for file in (folder / "lexical").glob("*.json"):
        file.unlink()
    with pytest.raises(IndexStorageError, match="--repair"):
        WikiIndex.open(folder)
    assert not (folder / "lexical" / "meta.json").exists()


@pytest.mark.parametrize("empty", [True, False])
def test_an_index_without_its_passages_is_not_begun_afresh(folder: Path, empty: bool) -> None:
    file = folder / "wikirank.sqlite3"
    file.unlink()
    if empty:
        file.touch()
    with pytest.raises(IndexStorageError, match="lost its passages"):
        WikiIndex.open(folder)
    assert file.exists() == empty
    assert not empty or file.stat().st_size == 0


def test_a_damaged_database_is_left_as_it_is(folder: Path) -> None:
    file = folder / "wikirank.sqlite3"
    data = bytearray(file.read_bytes())
    data[4096:12288] = b"\x00" * 8192
    file.write_bytes(data)
    (check,) = [check for check in verify_index(folder).checks if check.faults]
    assert check.name in ("database", "tables")
    with pytest.raises(IndexStorageError, match="Index the sources again"):
        repair_index(folder)
    assert file.read_bytes() == data


def test_not_beside_a_writer(folder: Path, tmp_path: Path) -> None:
    with FileLock(folder / "write.lock"):
        for look in (verify_index, repair_index):
            with pytest.raises(IndexLockedError, match="writing"):
                look(folder)
    with pytest.raises(IndexNotFoundError):
        verify_index(tmp_path / "nowhere")


def test_a_writer_that_comes_meanwhile_gets_an_error(folder: Path) -> None:
    def write(name: str) -> None:
        if name == "lexical index":
            with WikiIndex.open(folder) as index:
                index.add_passages([Passage(id="new", text="New.", source="mine")])

    with pytest.raises(IndexLockedError, match="cannot be verified now"):
        verify_index(folder, on_check=write)


def test_an_index_of_an_older_version(folder: Path, tiny_wiki: Path) -> None:
    """An older index has no hashes of passages and no versions of articles."""
    sql(folder, "ALTER TABLE articles DROP COLUMN content")
    sql(folder, "DROP TABLE versions")
    result = verify_index(folder)
    assert result.whole
    assert "older version" in " ".join(check.note for check in result.checks)
    with WikiIndex.open(folder) as index:
        assert index.add_source(open_source(str(tiny_wiki))).unchanged == 10
        index.add_passages([Passage(id="new", text="New.", source="mine")])
    assert faulty(folder) == set()


def test_command(folder: Path) -> None:
    def run(*options: str) -> tuple[int, str]:
        command = [WIKIRANK, "verify", "--index", str(folder), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout

    status, told = run("--json")
    assert (status, json.loads(told)["whole"]) == (0, True)
    drop_a_word_entry(folder)
    status, told = run()
    assert status == 1
    assert "is in the lexical index 0 times" in " ".join(told.split())
    assert "--repair" in told
    status, told = run("--repair", "--json")
    assert (status, json.loads(told)["whole"]) == (0, True)
    assert "Rebuilt the lexical index" in json.loads(told)["repaired"][0]

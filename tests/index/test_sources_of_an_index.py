"""Sources of an index: moved by giving a name, listed, and removed."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from command import run
from index_snapshot import snapshot

from wikirank.corpus import open_source
from wikirank.errors import IndexLockedError, InvalidArgumentError
from wikirank.index import IndexProgress, WikiIndex
from wikirank.index.verify.run import verify_index
from wikirank.types import Passage


def write(path: Path, **texts: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    lines = (json.dumps({"title": title, "text": text}) for title, text in texts.items())
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_name_given_moves_the_source(tmp_path: Path) -> None:
    november = write(tmp_path / "november" / "wiki.jsonl", A="Apples.", B="Bees.", C="Cats.")
    december = write(tmp_path / "december" / "wiki.jsonl", A="Apples.", B="Bees fly.", D="Dogs.")
    with WikiIndex.create(tmp_path / "index") as index, WikiIndex.create() as fresh:
        index.add_source(open_source(november))
        with pytest.raises(InvalidArgumentError, match=r"has moved.*--name wiki\.jsonl"):
            index.add_source(open_source(december))
        report = index.add_source(open_source(december, name="wiki.jsonl"))
        assert (report.added, report.changed, report.unchanged, report.removed) == (1, 1, 1, 1)
        assert index.info().locations == {"wiki.jsonl": str(december)}
        assert index.add_source(open_source(december)).unchanged == 3
        fresh.add_source(open_source(december))
        assert snapshot(index) == snapshot(fresh)


def test_a_source_is_removed(tmp_path: Path) -> None:
    first = write(tmp_path / "one.jsonl", A="Apples.", B="Bees.")
    second = write(tmp_path / "two.jsonl", A="Ants.", C="Cats.")
    with WikiIndex.create(tmp_path / "index") as index, WikiIndex.create() as fresh:
        fresh.add_source(open_source(second))
        for wiki in (first, second):
            index.add_source(open_source(wiki))
        with pytest.raises(InvalidArgumentError, match=r"got 'three'. Sources: one.jsonl, two"):
            index.remove_source("three")
        assert index.remove_source("one.jsonl") == 2
        assert snapshot(index) == snapshot(fresh)
        assert index.info().sources == {"two.jsonl": 2}
        index.add_passages([Passage(id="mine", text="Mine.", source="mine")])
        assert index.remove_source("mine") == 1
        assert index.add_source(open_source(first)).added == 2
    assert verify_index(tmp_path / "index").whole


def test_one_and_several_are_distinguished(tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", A="Apples.")
    with WikiIndex.create() as index:
        summary = index.add_source(open_source(one)).summary()
        assert summary.startswith("1 article added, ")
        assert "; 1 passage written" in summary
        write(one, A="Apples.", B="Bees.", C="Cats.")
        assert index.add_source(open_source(one)).summary().startswith("2 articles added, ")


def test_commands(tmp_path: Path) -> None:
    wiki = write(tmp_path / "one.jsonl", A="Apples.", B="Bees.")
    folder = str(tmp_path / "index")
    run("index", str(wiki), "--into", folder, "--quiet", "--wait", "1")
    listed = " ".join(run("info", "--index", folder).split())
    assert "one.jsonl: 2 articles" in listed
    removed = run("remove", "one.jsonl", "--index", folder, "--json")
    assert json.loads(removed) == {"one.jsonl": 2}
    assert "Sources: none" in run("remove", "one.jsonl", "--index", folder, status=1)


def test_the_error_of_a_second_writer_names_the_first(tmp_path: Path) -> None:
    wiki = write(tmp_path / "one.jsonl", A="Apples.", B="Bees.")
    passages = [Passage(id="mine", text="Mine.", source="mine")]
    writing, go_on = threading.Event(), threading.Event()
    with WikiIndex.create(tmp_path / "index") as index:

        def hold(_: IndexProgress) -> None:
            writing.set()
            go_on.wait()

        first = threading.Thread(
            target=lambda: index.add_source(open_source(wiki), on_progress=hold)
        )
        first.start()
        try:
            writing.wait()
            with pytest.raises(IndexLockedError, match=r"thread of this process.*wait=SECONDS"):
                index.add_passages(passages)
            other = run("index", str(wiki), "--into", str(index.path), "--wait", "0.1", status=1)
            assert "Another process (" in other
        finally:
            go_on.set()
        assert index.add_passages(passages, wait=600) == 1
        first.join()
        assert index.store.count() == 3

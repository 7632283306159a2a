"""A source whose files did not change is not read again; any relevant change has it read."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from wikirank.corpus import JsonLinesSource, open_source
from wikirank.corpus.fingerprint import source_fingerprint
from wikirank.index import WikiIndex
from wikirank.types import Passage


def make(path: Path, text: str = "Bob bakes bread.") -> Path:
    path.write_text(json.dumps({"title": "Bob", "text": text}), encoding="utf-8")
    time.sleep(2.1)  # A file that has just changed is always read.
    return path


def test_each_thing_that_matters_changes_it(tmp_path: Path) -> None:
    wiki = make(tmp_path / "wiki.jsonl")
    seen = [source_fingerprint(open_source(wiki)), source_fingerprint(open_source(wiki))]
    assert seen[0] == seen[1] is not None
    seen = seen[:1]
    seen.append(source_fingerprint(open_source(wiki, name="other")))
    status = wiki.stat()
    wiki.write_text(wiki.read_text().replace("bread", "cakes"), encoding="utf-8")
    os.utime(wiki, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert wiki.stat().st_mtime_ns == status.st_mtime_ns
    assert source_fingerprint(open_source(wiki)) is None
    time.sleep(2.1)
    seen.append(source_fingerprint(open_source(wiki)))
    assert len(set(seen)) == 3


def test_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    (folder / ".hidden").mkdir(parents=True)
    (folder / "a.md").write_text("# A\nText.")
    time.sleep(2.1)
    before = source_fingerprint(open_source(folder))
    (folder / ".hidden" / "b.md").write_text("# B")
    assert source_fingerprint(open_source(folder)) == before is not None
    (folder / "a.md").rename(folder / "c.md")
    time.sleep(2.1)
    assert source_fingerprint(open_source(folder)) not in (before, None)


class Unread(JsonLinesSource):
    """A source that must not be read."""

    def __iter__(self) -> None:
        pytest.fail("the source was read")


Unread.__module__, Unread.__qualname__ = JsonLinesSource.__module__, "JsonLinesSource"


def test_an_unchanged_source_is_not_read(tmp_path: Path) -> None:
    wiki = make(tmp_path / "wiki.jsonl")
    with WikiIndex.create(tmp_path / "index") as index:
        assert index.add_source(open_source(wiki)).was_read
        report = index.add_source(Unread(wiki))
        assert (report.unchanged, report.added, report.was_read) == (1, 0, False)
        assert "not read again" in report.summary()
        assert index.add_source(open_source(wiki), reread=True).was_read
        # Changed by other means, so the index no longer matches the source.
        index.add_passages([Passage(id="1", text="Bob?", source="wiki.jsonl", article="Bob")])
        report = index.add_source(open_source(wiki))
        assert (report.was_read, report.changed, index.store.count()) == (True, 1, 1)
        assert not index.add_source(Unread(wiki)).was_read
        shutil.move(wiki, tmp_path / "moved")
        make(wiki, "Bob sings.")
        assert index.add_source(open_source(wiki)).changed == 1

"""A killed run that is run again gives the same index, wherever it was killed."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from command import WIKIRANK, run_in_process
from index_snapshot import snapshot
from wiki_versions import write

from wikirank.corpus import open_source
from wikirank.index import WikiIndex

STEPS = [
    "wikirank.index.vectors.server:ChromaVectors:upsert",
    "wikirank.index.bm25:LexicalWriter:put",
    "wikirank.index.vectors.server:ChromaVectors:delete",
    "wikirank.index.bm25:LexicalWriter:delete",
]


def index_until(folder: Path, wiki: Path, step: str, when: str) -> None:
    """Index until a function is entered or left, then kill this process."""
    module_name, class_name, method = step.split(":")
    owner = getattr(importlib.import_module(module_name), class_name)
    original = getattr(owner, method)

    def killer(*args: Any, **kwargs: Any) -> None:
        if when == "after":
            original(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, method, killer)
    WikiIndex.open(folder).add_source(open_source(wiki))


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_kill_at_each_step(
    tmp_path: Path, step: str, when: str, undisturbed: dict[str, Any]
) -> None:
    wiki = write(tmp_path / "wiki.jsonl", 1)
    folder = tmp_path / "index"
    with WikiIndex.create(folder) as index:
        index.add_source(open_source(wiki))
    write(wiki, 2)
    assert run_in_process(index_until, folder, wiki, step, when) == -signal.SIGKILL
    # The wiki changes before the next run, so what the killed run wrote is outdated.
    write(wiki, 3)
    with WikiIndex.open(folder) as index:
        index.add_source(open_source(wiki))
        assert snapshot(index) == undisturbed


@pytest.mark.slow
def test_ctrl_c_during_indexing(tmp_path: Path) -> None:
    wiki = tmp_path / "wiki.jsonl"
    text = " ".join(f"Sentence number {n} says something new about the matter." for n in range(60))
    lines = (json.dumps({"title": f"Article {n}", "text": f"{n}. {text}"}) for n in range(400))
    wiki.write_text("\n".join(lines), encoding="utf-8")
    folder = tmp_path / "index"
    with subprocess.Popen(
        [WIKIRANK, "index", str(wiki), "--into", str(folder)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
        # A shell that runs the tests in the background makes them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        while _passages(folder) == 0 and process.poll() is None:
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Run the same command again to continue" in errors
    assert "Traceback" not in errors
    assert 0 < _passages(folder) < 400 * 8


def _passages(folder: Path) -> int:
    if not (folder / "wikirank.sqlite3").exists():
        return 0
    try:
        with WikiIndex.open(folder) as index:
            return index.store.count()
    except Exception:
        return 0

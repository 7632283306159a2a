"""A killed run, run again, gives the index of an undisturbed one, wherever the kill fell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from index_snapshot import snapshot
from wiki_versions import write

from wikirank.corpus import open_source
from wikirank.index import WikiIndex

# Kills itself when a function is entered or left for the nth time: every gap between two steps.
KILL_AT = """
import importlib, os, signal, sys
from wikirank.corpus import open_source
from wikirank.index import WikiIndex
folder, wiki, target, when = sys.argv[1:5]
module_name, class_name, method = target.split(":")
owner = getattr(importlib.import_module(module_name), class_name)
original = getattr(owner, method)
def killer(*args, **kwargs):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, method, killer)
WikiIndex.open_or_create(folder).add_source(open_source(wiki))
"""
STEPS = [
    "wikirank.index.vectors.server:ChromaVectors:upsert",
    "wikirank.index.bm25:LexicalWriter:put",
    "wikirank.index.vectors.server:ChromaVectors:delete",
    "wikirank.index.bm25:LexicalWriter:delete",
]


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_kill_at_each_step(tmp_path: Path, step: str, when: str) -> None:
    wiki = write(tmp_path / "wiki.jsonl", 1)
    folder = tmp_path / "index"
    with WikiIndex.create(folder) as index:
        index.add_source(open_source(str(wiki)))
    write(wiki, 2)
    command = [sys.executable, "-c", KILL_AT, str(folder), str(wiki), step, when]
    killed = subprocess.run(command, check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    # The wiki moves on before the next run, so that what the killed one wrote is outdated.
    write(wiki, 3)
    undisturbed = WikiIndex.create(tmp_path / "fresh")
    undisturbed.add_source(open_source(str(wiki)))
    with WikiIndex.open(folder) as index:
        index.add_source(open_source(str(wiki)))
        assert snapshot(index) == snapshot(undisturbed)
    undisturbed.close()


@pytest.mark.slow
def test_ctrl_c_during_indexing(tmp_path: Path) -> None:
    wiki = tmp_path / "wiki.jsonl"
    text = " ".join(f"Sentence number {n} says something new about the matter." for n in range(60))
    lines = (json.dumps({"title": f"Article {n}", "text": f"{n}. {text}"}) for n in range(400))
    wiki.write_text("\n".join(lines), encoding="utf-8")
    folder = tmp_path / "index"
    command = [str(Path(sys.executable).with_name("wikirank")), "index", str(wiki), "--into"]
    with subprocess.Popen(
        [*command, str(folder)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
        # A shell that runs the tests in the background has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        while _passages(folder) == 0 and process.poll() is None:
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "run the same command to go on" in errors
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

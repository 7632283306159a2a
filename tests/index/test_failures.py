"""Full or read-only disk, lost Chroma server, second writer: a clear error and no data loss."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from chroma_run import chroma_server
from command import WIKIRANK, run
from index_snapshot import snapshot
from wiki_versions import write

from wikirank.corpus import open_source
from wikirank.errors import IndexConnectionError, IndexLockedError, IndexStorageError
from wikirank.index import IndexProgress, WikiIndex
from wikirank.index.verify.run import verify_index
from wikirank.search import Searcher, SearchOptions


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """Mount a small file system, if the system allows it."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("needs the right to mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def attempt(folder: Path, wiki: Path) -> str:
    """Run `wikirank index`; return its error message, if any."""
    command = [WIKIRANK, "index", str(wiki), "--into", str(folder), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split()) if done.returncode else ""


@pytest.mark.slow
@pytest.mark.parametrize("free", [0, 30, 100, 300])
def test_a_full_disk(tmp_path: Path, free: int, undisturbed: dict[str, Any]) -> None:
    """Depending on the KiB left, the run fails at a different step, or not at all."""
    wiki = write(tmp_path / "wiki.jsonl", 1)
    with mounted(tmp_path / "disk", "6m") as disk:
        folder = disk / "index"
        run("index", str(wiki), "--into", str(folder))
        room = shutil.disk_usage(disk).free - free * 1024
        (disk / "filler").write_bytes(b"x" * room)
        write(wiki, 2)
        told = attempt(folder, wiki)
        assert "ree space" in told or (free and not told)
        (disk / "filler").unlink()
        write(wiki, 3)
        run("index", str(wiki), "--into", str(folder))
        assert verify_index(folder, full=True).whole
        with WikiIndex.open(folder) as index:
            assert snapshot(index) == undisturbed


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
from wikirank.cli import main
sys.argv = ["wikirank", "index", sys.argv[1], "--into", sys.argv[2], "--quiet"]
main()
"""


def test_a_read_only_folder(tmp_path: Path) -> None:
    wiki = write(tmp_path / "wiki.jsonl", 1)
    with mounted(tmp_path / "disk", "6m") as disk:
        with WikiIndex.create(disk / "index") as index:
            index.add_source(open_source(wiki))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with (
            pytest.raises(IndexStorageError, match=r"writ"),
            WikiIndex.open(disk / "index") as index,
        ):
            index.add_source(open_source(wiki), reread=True)
        with pytest.raises(IndexStorageError, match=r"writ"):
            WikiIndex.create(disk / "other")


@pytest.mark.slow
def test_a_chroma_server_that_goes_meanwhile(tmp_path: Path) -> None:
    wiki = write(tmp_path / "wiki.jsonl", 1)
    folder = tmp_path / "index"
    with chroma_server(tmp_path) as url:
        index = WikiIndex.create(folder, chroma_url=url)
        index.add_source(open_source(wiki))
    write(wiki, 2)
    with pytest.raises(IndexConnectionError, match="does not answer"):
        index.add_source(open_source(wiki), reread=True)
    assert index.store.count() == 4
    with pytest.raises(IndexConnectionError):
        verify_index(folder)
    port = int(url.rpartition(":")[2])
    with chroma_server(tmp_path, port):
        report = index.add_source(open_source(wiki), reread=True)
        assert (report.changed, report.removed) == (2, 1)
        index.close()
        assert verify_index(folder, full=True).whole
        with WikiIndex.open(folder) as again:
            found = Searcher(again).search("apples", SearchOptions(k=1, rerank=False)).passages
            assert found[0].passage.text == "Apples are green."


def test_a_second_writer_of_another_process(tmp_path: Path) -> None:
    wiki = write(tmp_path / "wiki.jsonl", 1)
    folder = tmp_path / "index"

    def write_too(_: IndexProgress) -> None:
        told = run("index", str(wiki), "--into", str(folder), status=1)
        assert f"Another process ({os.getpid()}) is writing" in told

    with WikiIndex.create(folder) as index:
        report = index.add_source(open_source(wiki), on_progress=write_too)
        assert report.added == 3
    assert verify_index(folder, full=True).whole


def test_a_lock_that_a_kill_left(tmp_path: Path) -> None:
    wiki = write(tmp_path / "wiki.jsonl", 1)
    folder = tmp_path / "index"
    lock = str(folder / "write.lock")
    hold = f"from filelock import FileLock; lock = FileLock({lock!r}); lock.acquire(); "
    with WikiIndex.create(folder) as index:
        command = [sys.executable, "-c", hold + "print('held', flush=True); input()"]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(IndexLockedError):
            index.add_source(open_source(wiki))
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
        assert (folder / "write.lock").exists()
        assert index.add_source(open_source(wiki)).added == 3


@pytest.mark.slow
@pytest.mark.parametrize("limit", [100, 200, 400])
def test_files_that_may_not_grow(tmp_path: Path, limit: int) -> None:
    wiki = write(tmp_path / "wiki.jsonl", 1)
    folder = tmp_path / "index"
    command = [sys.executable, "-c", LIMITED, str(wiki), str(folder), str(limit * 1024)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    with WikiIndex.open_or_create(folder) as index:
        index.add_source(open_source(wiki), reread=True)
    assert verify_index(folder, full=True).whole

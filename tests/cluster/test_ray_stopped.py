"""What `wikirank index --ray` leaves if it is stopped midway or loses its cluster."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from index_snapshot import snapshot
from ray_cluster import RAY_MARKS, busy_workers, ray_cluster

from wikirank.corpus import open_source
from wikirank.index import WikiIndex
from wikirank.index.verify.run import verify_index

pytest.importorskip("ray.data", reason="needs the [ray] extra")

pytestmark = RAY_MARKS

_ARTICLES = 540  # enough to leave seconds of work when the second run is stopped
_SECTIONS = 4  # per article, one passage each; 512 passages (128 articles) are written at a time
_LONGEST_RUN = 600  # seconds, on a machine that is busy with other things


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head node alone, with one CPU."""
    with ray_cluster(0, head_cpus=1) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def wiki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wiki") / "wiki.jsonl"
    path.write_text("\n".join(map(article, range(_ARTICLES))), encoding="utf-8")
    return path


def article(number: int) -> str:
    """Return an article with rare words, so that a search finds all its passages without ties."""
    names = (f"P{number}x{n}" for n in range(_SECTIONS))
    text = "\n".join(f"== {name} ==\n{name} word{number}." for name in names)
    return json.dumps({"title": f"T{number}", "text": text})


@pytest.fixture(scope="module")
def undisturbed(wiki: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Snapshot of an index that was built in one run without Ray."""
    with WikiIndex.create(tmp_path_factory.mktemp("undisturbed") / "index") as index:
        index.add_source(open_source(wiki))
        return snapshot(index)


class Run:
    """The command in a separate process."""

    def __init__(self, wiki: Path, index: Path, *options: str) -> None:
        self.index = index
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wikirank", "index", str(wiki), "--into", str(index), *options],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Losing the head is noticed sooner than in Ray's 60 seconds.
            env={**os.environ, "COLUMNS": "200", "RAY_gcs_rpc_server_reconnect_timeout_s": "2"},
            # A shell that runs the tests in the background makes them ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def until_written(self, more_than: int = 0) -> None:
        """Wait until passages are in the index."""
        deadline = time.monotonic() + _LONGEST_RUN
        while passages(self.index) <= more_than:
            assert self._process.poll() is None, self._process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self, within: float = _LONGEST_RUN) -> tuple[int, str]:
        """Return exit status and standard error of the process."""
        _, errors = self._process.communicate(timeout=within)
        return self._process.returncode, errors


def passages(index: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{index}/wikirank.sqlite3?mode=ro", uri=True)) as db:
            return db.execute("SELECT COUNT(*) FROM passages").fetchone()[0]
    except sqlite3.OperationalError:
        return 0  # The index does not exist yet.


def assert_unfinished(index: Path, *, killed: bool = False) -> int:
    """Check that the index holds some whole articles; return the number of passages."""
    found = passages(index)
    assert 0 < found < _ARTICLES * _SECTIONS
    assert found % _SECTIONS == 0
    faulty = {check.name for check in verify_index(index).checks if check.faults}
    assert faulty <= ({"half written"} if killed else set())
    return found


def finish(index: Path, wiki: Path, undisturbed: dict[str, Any]) -> None:
    """Finish the run without Ray, and compare the whole index."""
    with WikiIndex.open(index) as opened:
        opened.add_source(open_source(wiki))
        assert snapshot(opened) == undisturbed


def wait_until_idle(cluster: Any, within: float) -> None:
    """Wait until no process of a job is left on the nodes."""
    deadline = time.monotonic() + within
    while any(map(busy_workers, cluster.list_all_nodes())):
        assert time.monotonic() < deadline, "Processes of the job are still there."
        time.sleep(0.1)


def test_stopped_by_signals(
    cluster: Any, wiki: Path, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    index = tmp_path / "index"
    found = 0
    for number, status, word in (
        (signal.SIGINT, 130, "Run the same command again to continue"),
        (signal.SIGTERM, -signal.SIGTERM, ""),  # As without Ray: ends at once, as with SIGKILL.
    ):
        run = Run(wiki, index, "--ray", "--quiet")
        run.until_written(more_than=found)
        assert any(map(busy_workers, cluster.list_all_nodes()))
        run.send(number)
        returned, errors = run.end(within=15)
        assert returned == status, errors
        assert word in errors
        assert len(errors.splitlines()) == bool(word)  # Ray prints nothing more.
        wait_until_idle(cluster, within=15)
        # SIGTERM ends it at once, even in the middle of a write. The next run repairs that.
        found = assert_unfinished(index, killed=number == signal.SIGTERM)
    finish(index, wiki, undisturbed)  # The second run continued the first one.


def lose(cluster: Any, process: str, cause: str, wiki: Path, index: Path) -> None:
    """Kill a process of the head node that a run needs."""
    run = Run(wiki, index, "--ray", "--quiet")
    run.until_written(more_than=passages(index))
    os.kill(cluster.head_node.all_processes[process][0].process.pid, signal.SIGKILL)
    status, errors = run.end(within=60)
    assert status == 1, errors
    assert cause in errors
    assert "run the same command again" in errors
    assert "Traceback" not in errors
    assert_unfinished(index)


def test_the_head_dies(
    cluster: Any, wiki: Path, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    index = tmp_path / "index"
    lose(cluster, "gcs_server", "Ray's head does not answer", wiki, index)
    with ray_cluster(0, head_cpus=1) as another:
        lose(another, "raylet", "Ray's node on this machine is dead", wiki, index)
    finish(index, wiki, undisturbed)

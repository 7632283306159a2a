"""Indexing on a Ray cluster of separate processes, some of which are killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from chroma_run import chroma_server
from index_snapshot import snapshot
from ray_cluster import RAY_MARKS, busy_workers, ray_cluster
from typer.testing import CliRunner

from wikirank.cli import app
from wikirank.cluster import RayWorkers
from wikirank.corpus import open_source
from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.index import IndexProgress, WikiIndex
from wikirank.index.verify.run import verify_index

pytest.importorskip("ray.data", reason="needs the [ray] extra")

pytestmark = RAY_MARKS


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of one CPU each; a test removes one."""
    with ray_cluster(2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def workers(cluster: Any) -> Iterator[RayWorkers]:  # noqa: ARG001 - RAY_ADDRESS names it
    with RayWorkers() as workers:
        yield workers


def write(path: Path, articles: int) -> Path:
    """A wiki of articles of a few words."""
    texts = (f"Word{n} word{n + 1}." for n in range(articles))
    lines = (json.dumps({"title": f"Article {n}", "text": text}) for n, text in enumerate(texts))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def write_table(path: Path, texts: list[str | None]) -> Path:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    columns = {"title": [f"Article {n}" for n in range(len(texts))], "text": texts}
    pyarrow.parquet.write_table(pa.table(columns), path, row_group_size=7)
    return path


def test_parquet_by_row_groups(workers: RayWorkers, tmp_path: Path) -> None:
    texts = [f"Number {n} is a number.\n== More ==\nSo is {n + 1}." for n in range(60)]
    file = write_table(tmp_path / "wiki.parquet", texts)
    with (
        WikiIndex.create(tmp_path / "a") as ours,
        WikiIndex.create(tmp_path / "b") as theirs,
    ):
        ours.add_source(open_source(file), workers=workers)
        theirs.add_source(open_source(file))
        assert snapshot(ours) == snapshot(theirs)


def test_workers_that_are_killed_and_a_node_that_dies(
    cluster: Any, workers: RayWorkers, tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill_workers() -> None:
        for node in cluster.worker_nodes:
            for pid in busy_workers(node):
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    def kill_node() -> None:
        node = max(cluster.worker_nodes, key=lambda node: len(busy_workers(node)))
        workers_there = busy_workers(node)
        assert workers_there
        cluster.remove_node(node, allow_graceful=False)
        for pid in workers_there:  # They would die with their machine.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    seen: list[int] = []

    def disturb(progress: IndexProgress) -> None:
        if progress.articles in seen:
            return
        seen.append(progress.articles)
        if len(seen) in (1, 3):
            (kill_workers if len(seen) == 1 else kill_node)()

    wiki = write(tmp_path / "wiki.jsonl", 640)
    with (
        WikiIndex.create(tmp_path / "a") as ours,
        WikiIndex.create(tmp_path / "b") as theirs,
    ):
        report = ours.add_source(open_source(wiki), workers=workers, on_progress=disturb)
        assert killed
        assert seen == [128, 256, 384, 512, 640]
        assert report.added == 640
        theirs.add_source(open_source(wiki))
        assert snapshot(ours) == snapshot(theirs)


def test_an_error_in_a_worker(workers: RayWorkers, tmp_path: Path) -> None:
    texts = [f"Number {n} is a number." if n != 40 else None for n in range(60)]
    file = write_table(tmp_path / "wiki.parquet", texts)
    for name, given in (("a", workers), ("b", None)):
        error = pytest.raises(CorpusError, match="row 41: expected a string")
        with error, WikiIndex.create(tmp_path / name) as index:
            index.add_source(open_source(file), workers=given)
        with WikiIndex.open(tmp_path / name) as again:
            assert again.info().articles == 40


@pytest.mark.usefixtures("cluster")
def test_on_the_command_line_with_chroma_servers(tmp_path: Path) -> None:
    files = [write(tmp_path / "a.jsonl", 30), write(tmp_path / "b.jsonl", 10)]
    with ExitStack() as stack:
        urls = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            urls.append(stack.enter_context(chroma_server(tmp_path / name)))
        options = [part for url in urls for part in ("--chroma-url", url)]
        into = ["--into", str(tmp_path / "index")]
        command = ["index", *map(str, files), *into, *options, "--ray", "--json"]

        def run(*more: str) -> list[dict[str, Any]]:
            result = CliRunner().invoke(app, [*command, *more])
            assert result.exit_code == 0, result.output
            return json.loads(result.stdout)

        assert [report["added"] for report in run()] == [30, 10]
        assert [report["was_read"] for report in run()] == [False, False]
        lines = files[0].read_text(encoding="utf-8").splitlines()
        lines[3] = json.dumps({"title": "Article 3", "text": "Something else."})
        files[0].write_text("\n".join(lines[:-2]), encoding="utf-8")
        time.sleep(0.01)
        changed, same = run("--reread")
        assert (changed["changed"], changed["unchanged"], changed["removed"]) == (1, 27, 2)
        assert (same["unchanged"], same["passages_written"]) == (10, 0)
        with WikiIndex.create(tmp_path / "plain") as plain:
            for file in files:
                plain.add_source(open_source(file))
            with WikiIndex.open(tmp_path / "index") as index:
                assert snapshot(index) == snapshot(plain)
        assert verify_index(tmp_path / "index", full=True).whole


def test_a_live_wiki_is_refused(tmp_path: Path) -> None:
    class Live:
        name = location = "https://wiki.example.org"
        complete, state = True, ""

        @property
        def skipped(self) -> dict[str, int]:
            return {}

        def changes(self, known: object) -> Iterator[Any]:
            raise NotImplementedError

        def count(self) -> int | None:
            return None

        def __iter__(self) -> Iterator[Any]:
            raise NotImplementedError

    refused = pytest.raises(InvalidArgumentError, match="live wiki")
    with WikiIndex.create(tmp_path / "index") as index, refused:
        index.add_source(Live(), workers=RayWorkers())

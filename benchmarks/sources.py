"""Reading and indexing each kind of source: ours and common tools, as one table.

Usage: python benchmarks/sources.py CACHE [--articles 150] [--index-articles 40] [--repeats 3]
           [--wiki API] [--only KIND ...] [--data FOLDER] [--json]

CACHE keeps the peers' environment and the sources, which `source_corpora.py` makes from the real
data in `--data`, with equally many articles of each kind.

Reading ends with clean passages of at most 500 characters. Ours and the peers of a kind take turns,
each in its own process, and the median counts. Before that, all read the smaller sources that are
also indexed, so that the table shows memory at two sizes.

Indexing writes the passages and their vectors to disk. langchain-chroma gets our embedder,
`WikiEmbeddings`, so that both embed at the same speed. Ours also writes a BM25 index and a table of
passages. `--index-articles 0` skips indexing. `--wiki http://…/api.php` also reads all articles of
a live wiki.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from contestants.environments import python_of
from contestants.processes import ContestantError, ContestantProcess, closing_all
from contestants.source_readers import OURS
from machine import TreePeak, print_result
from rerank_speed import PAUSE, all_versions
from source_corpora import SHARED, make_corpora
from source_kinds import KINDS, WIKI, Kind, Reader
from timing import alternate, markdown_table, rounded

import langchain_wikirank
import wikirank

_TARGET = "contestants.source_readers:load"
PACKAGES = [str(Path(package.__path__[0]).parent) for package in (wikirank, langchain_wikirank)]
"""Folders that our packages are imported from, for the embedder that both sides share."""


@dataclass(slots=True)
class Measured:
    """Measurements of one reader.

    Attributes:
        seconds: Duration of each reading.
        articles: Number of articles in one reading.
        passages: Number of passages in one reading.
        peak_mb: Peak memory up to the end of the small source, and overall.
        index_seconds: Duration of indexing; 0 if it was not indexed.
        index_articles: Number of articles indexed.
        index_passages: Number of passages indexed.
        index_peak_mb: Peak memory up to the end of indexing.
        failure: Why there are no figures; empty on success.
    """

    seconds: list[float] = field(default_factory=list)
    articles: int = 0
    passages: int = 0
    peak_mb: list[float] = field(default_factory=list)
    index_seconds: float = 0.0
    index_articles: int = 0
    index_passages: int = 0
    index_peak_mb: float = 0.0
    failure: str = ""

    @property
    def articles_per_second(self) -> float:
        """Return the rate of reading, by the median of the readings."""
        return self.articles / median(self.seconds)

    @property
    def indexed_per_second(self) -> float:
        """Return the rate of indexing; 0 if it was not indexed."""
        return self.index_articles / self.index_seconds if self.index_seconds else 0.0


class Benchmark:
    """Runs all kinds of sources, one after the other.

    Args:
        given: Arguments of the command line.
    """

    def __init__(self, given: argparse.Namespace) -> None:
        self.measured: dict[str, dict[str, Measured]] = {}
        self.versions: list[dict[str, str]] = []
        self._given = given
        self._large = make_corpora(given.cache, given.data, given.articles)
        self._small = make_corpora(given.cache, given.data, given.index_articles or 10)
        self._python = peer_python(given.cache)

    def run(self, name: str) -> None:
        """Read and index a kind of source."""
        kind = KINDS[name]
        rows = self.measured[name] = {reader: Measured() for reader in kind.readers}
        running: dict[str, ContestantProcess] = {}
        with closing_all(running):
            for reader, row in rows.items():
                self._start_reading(kind, reader, row, running)
            self._read(kind, rows, running)
            self.versions += [process.loaded["versions"] for process in running.values()]
        if self._given.index_articles and kind.indexed:
            for reader, row in rows.items():
                self._index(kind, reader, row)
        print(f"{kind.label}: done", file=sys.stderr, flush=True)

    def _start(self, reader: str, folder: str = "") -> ContestantProcess:
        arguments = {"name": reader, "folder": folder, "ours": PACKAGES}
        python = None if reader == OURS else self._python
        return ContestantProcess(_TARGET, arguments, python=python)

    def _start_reading(
        self, kind: Kind, reader: str, row: Measured, running: dict[str, ContestantProcess]
    ) -> None:
        try:
            running[reader] = self._start(reader)
        except ContestantError as err:
            row.failure = failure_text(err, kind.readers[reader])

    def _read(
        self, kind: Kind, rows: dict[str, Measured], running: dict[str, ContestantProcess]
    ) -> None:
        def turn(reader: str, number: int) -> None:
            row, folder = rows[reader], self._large if number else self._small
            if row.failure:
                return
            try:
                with TreePeak(running[reader].pid) as tree:
                    reply = running[reader].ask(path=self._path(kind, folder))
            except ContestantError as err:
                row.failure = failure_text(err, kind.readers[reader])
                return
            row.peak_mb.append(max(reply["peak_mb"], tree.mb))
            if number:
                row.seconds.append(reply["seconds"])
                row.articles, row.passages = reply["articles"], reply["passages"]

        alternate(list(running), self._given.repeats + 1, turn, pause=PAUSE)
        for row in rows.values():
            row.peak_mb = [row.peak_mb[0], max(row.peak_mb)] if row.peak_mb else []

    def _path(self, kind: Kind, folder: Path) -> str:
        return str(folder / kind.file) if kind.file else str(self._given.wiki)

    def _index(self, kind: Kind, reader: str, row: Measured) -> None:
        if row.failure:
            return
        folder = (self._given.cache / "sources-index").absolute()
        shutil.rmtree(folder, ignore_errors=True)
        try:
            with self._start(reader, str(folder)) as process, TreePeak(process.pid) as tree:
                reply = process.ask(path=str(self._small / kind.file))
                self.versions.append(process.loaded["versions"])
        except ContestantError as err:
            row.failure = failure_text(err, kind.readers[reader])
            return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        row.index_seconds, row.index_peak_mb = reply["seconds"], max(reply["peak_mb"], tree.mb)
        row.index_articles, row.index_passages = reply["articles"], reply["passages"]


def peer_python(cache: Path) -> str:
    """Return the interpreter of the peers' environment; if pip fails, the current one."""
    try:
        return python_of("sources", cache)
    except subprocess.CalledProcessError:
        print("pip failed for the peers' environment: using the current one", file=sys.stderr)
        return sys.executable


def failure_text(err: ContestantError, reader: Reader) -> str:
    """Return what to install, or the last line of a reader's error."""
    last = str(err).strip().splitlines()[-1]
    missing = last.startswith(("ModuleNotFoundError", "ImportError"))
    return f"not installed: `pip install {reader.needs}`" if missing else f"failed: {last}"


def main() -> None:
    """Read and index the sources and print the table."""
    given = _arguments()
    benchmark = Benchmark(given)
    for name in given.only:
        benchmark.run(name)
    print_result(table(benchmark.measured), benchmark.measured, as_json=given.json)
    if not given.json:
        print(f"\n{', '.join(all_versions(benchmark.versions))}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--articles", type=int, default=150)
    parser.add_argument("--index-articles", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--wiki", metavar="API")
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    given.only = [name for name in given.only if name != WIKI or given.wiki]
    return given


def table(measured: dict[str, dict[str, Measured]]) -> str:
    """Return the Markdown table of measurements by kind and reader.

    Ratios are to the first peer of a kind.
    """
    header = ["read: × today", "source", "by", "articles/s", "passages/s", "peak MB, few / all"]
    header += ["indexed: × today", "articles/s", "passages/s", "peak MB"]
    rows = []
    for name, readers in measured.items():
        kind = KINDS[name]
        today = readers.get(next(iter(kind.peers)))
        for reader, row in readers.items():
            label = [kind.label, kind.readers[reader].label]
            if row.failure:
                rows.append(["–", *label, row.failure, *["–"] * 6])
            else:
                rows.append([*_read_cells(row, today, label), *_index_cells(row, today)])
    return markdown_table(header, rows)


def _read_cells(row: Measured, today: Measured | None, label: list[str]) -> list[str]:
    has_ratio = today is not None and today.seconds
    ratio = f"{row.articles_per_second / today.articles_per_second:.2f}" if has_ratio else "–"
    speeds = [rounded(row.articles_per_second), rounded(row.passages / median(row.seconds))]
    return [ratio, *label, *speeds, " / ".join(f"{peak:.0f}" for peak in row.peak_mb)]


def _index_cells(row: Measured, today: Measured | None) -> list[str]:
    if not row.index_seconds:
        return ["–"] * 4
    has_ratio = today is not None and today.index_seconds
    ratio = f"{row.indexed_per_second / today.indexed_per_second:.2f}" if has_ratio else "–"
    passages = rounded(row.index_passages / row.index_seconds)
    return [ratio, rounded(row.indexed_per_second), passages, f"{row.index_peak_mb:.0f}"]


if __name__ == "__main__":
    main()

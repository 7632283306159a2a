"""Indexing speed: ours and langchain-chroma with HuggingFaceEmbeddings, as one table.

Usage: python benchmarks/indexing_speed.py CACHE [--passages 4000] [--step 500]
           [--only NAME ...] [--json]

The passages are the sample corpus, split as `wikirank index` splits it. Both embed them with the
weights of all-MiniLM-L6-v2, ours in int8, the other in fp32 torch. They take turns, one step each.
Ours also writes a BM25 index and a table of passages. The first step is not counted.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from contestants.environments import python_of
from contestants.processes import ContestantProcess, closing_all
from contestants.stacks import OURS, STOCK
from machine import print_result
from rerank_speed import PAUSE
from timing import alternate, markdown_table, rounded

from wikirank.corpus import open_source
from wikirank.evaluate.candidates import distractor_passages

LABELS = {OURS: "`WikiIndex`", STOCK: "langchain-chroma, `HuggingFaceEmbeddings`"}


@dataclass(slots=True)
class Measured:
    """Measurements of one indexer.

    Attributes:
        step: Passages per step.
        seconds: Duration of each step.
        peak_mb: Peak memory up to the end of each step, in MB.
        size_mb: Size of the index, in MB.
    """

    step: int
    seconds: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    size_mb: float = 0.0

    @property
    def passages_per_second(self) -> float:
        """Return the rate over all steps."""
        return self.step * len(self.seconds) / sum(self.seconds)


def main() -> None:
    """Index in turns and print the table."""
    given = _arguments()
    steps = given.passages // given.step + 1
    source = distractor_passages(open_source("sample"))
    passages = list(islice(source, steps * given.step))
    measured = {name: Measured(given.step) for name in given.only}
    running: dict[str, ContestantProcess] = {}

    def turn(name: str, number: int) -> None:
        chunk = passages[number * given.step : (number + 1) * given.step]
        texts = [passage.headed_text for passage in chunk]
        reply = running[name].ask(ids=[passage.id for passage in chunk], texts=texts)
        if number:  # The first one warms up.
            measured[name].seconds.append(reply["seconds"])
            measured[name].peak_mb.append(reply["peak_mb"])
            print(f"{name}: {number * given.step}", file=sys.stderr, flush=True)

    folders = {name: (given.cache / f"indexing-{name}").absolute() for name in given.only}
    with closing_all(running):
        for name, folder in folders.items():
            shutil.rmtree(folder, ignore_errors=True)
            python = python_of("langchain", given.cache) if name == STOCK else None
            arguments = {"name": name, "folder": str(folder)}
            running[name] = ContestantProcess("contestants.indexers:load", arguments, python=python)
        alternate(given.only, steps, turn, pause=PAUSE)
    for name, folder in folders.items():
        files = [file for file in folder.rglob("*") if file.is_file()]
        measured[name].size_mb = sum(file.stat().st_size for file in files) / 2**20
        shutil.rmtree(folder)
    print_result(table(measured), measured, as_json=given.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--passages", type=int, default=4000)
    parser.add_argument("--step", type=int, default=500)
    parser.add_argument("--only", nargs="+", choices=list(LABELS), default=list(LABELS))
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def table(measured: dict[str, Measured]) -> str:
    """Return the Markdown table of measurements by indexer.

    Ratios are to langchain-chroma, if it took part.
    """
    stock = measured.get(STOCK)
    header = ["× stock", "what", "passages/s", "slowest step, passages/s"]
    header += ["peak MB after the first quarter / half / all", "index, MB"]
    rows = []
    for name, one in measured.items():
        ratio = "–" if stock is None else one.passages_per_second / stock.passages_per_second
        last = len(one.peak_mb) - 1
        peaks = [one.peak_mb[last // 4], one.peak_mb[last // 2], one.peak_mb[last]]
        rows.append(
            [
                ratio if isinstance(ratio, str) else f"{ratio:.2f}",
                LABELS[name],
                rounded(one.passages_per_second),
                rounded(one.step / max(one.seconds)),
                " / ".join(f"{peak:.0f}" for peak in peaks),
                f"{one.size_mb:.1f}",
            ]
        )
    return markdown_table(header, rows)


if __name__ == "__main__":
    main()

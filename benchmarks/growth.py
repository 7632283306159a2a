"""How an index grows: size, memory and question latency at 10 k, 100 k and 1 M passages, one table.

Usage: python benchmarks/growth.py CACHE [--sizes 10000 100000 1000000] [--questions 100]
           [--no-rerank] [--fresh] [--json]

Passages, questions and vectors are made up (`contestants/synthetic.py`): the time to embed is not
in any number. One index in CACHE grows from size to size. Stopped, it goes on where it was: what
is in the index stays, what was measured at a size is in CACHE/growth.json. `--fresh` begins anew.
Each size is asked by a new process, so that its memory is what questions need, not writing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from contestants.processes import ContestantProcess
from contestants.synthetic import SyntheticEmbedder, SyntheticTexts
from machine import print_result
from timing import Timings, markdown_table, rounded

from wikirank.index import WikiIndex

AT_ONCE = 20_000
STAGES = ("dense", "lexical", "fuse", "rerank")


def main() -> None:
    """Grow, measure what is not measured yet, print."""
    given = _arguments()
    folder, results = given.cache / "growth-index", given.cache / "growth.json"
    if given.fresh:
        shutil.rmtree(folder, ignore_errors=True)
        results.unlink(missing_ok=True)
    given.cache.mkdir(parents=True, exist_ok=True)
    measured: dict[str, Any] = json.loads(results.read_text("utf-8")) if results.is_file() else {}
    for size in sorted(given.sizes):
        if str(size) not in measured:
            with WikiIndex.open_or_create(folder, embedder=SyntheticEmbedder()) as index:
                seconds = grow(index, size)
                size_mb = index.info().size_bytes / 2**20
            asked = ask(folder, given.questions, rerank=given.rerank)
            measured[str(size)] = {"size_mb": size_mb, "written": seconds, **asked}
            results.write_text(json.dumps(measured, indent=1), "utf-8")
    rows = {int(size): one for size, one in measured.items() if int(size) in given.sizes}
    print_result(table(rows), rows, as_json=given.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--rerank", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def grow(index: WikiIndex, size: int) -> list[float]:
    """Add passages until there are as many as wanted.

    Args:
        index: Of passages that an earlier call added, or empty.
        size: How many passages it is to have; not less than it has.

    Returns:
        Passages added, and the seconds that the index took for them, making them up not counted.

    Raises:
        SystemExit: It has more already.
    """
    texts, seconds = SyntheticTexts(), 0.0
    before = held = index.store.count()
    if held > size:
        sys.exit(f"The index has {held} passages already, more than {size}: use --fresh.")
    while held < size:
        passages = texts.passages(held, min(held + AT_ONCE, size))
        started = perf_counter()
        index.add_passages(passages)
        seconds += perf_counter() - started
        held += len(passages)
        print(f"{held} passages, {(held - before) / seconds:.0f} a second", file=sys.stderr)
    return [held - before, seconds]


def ask(folder: Path, questions: int, *, rerank: bool) -> dict[str, Any]:
    """Ask an index from a new process.

    Args:
        folder: The index.
        questions: How many, after one that warms up.
        rerank: Whether the cross-encoder orders what is found.

    Returns:
        `seconds` of each question, `stages` with their milliseconds, `peak_mb`.
    """
    texts = SyntheticTexts()
    seconds: list[float] = []
    stages: dict[str, list[float]] = {}
    arguments = {"folder": str(folder.absolute())}
    with ContestantProcess("contestants.synthetic:load", arguments) as process:
        for number in range(questions + 1):
            reply = process.ask(question=texts.question(number), rerank=rerank)
            if number:
                seconds.append(reply["seconds"])
                for stage in STAGES:
                    stages.setdefault(stage, []).append(reply["timings"].get(stage, 0.0))
        return {"seconds": seconds, "stages": stages, "peak_mb": reply["peak_mb"]}


def table(rows: dict[int, dict[str, Any]]) -> str:
    """The rows in Markdown.

    Args:
        rows: By number of passages.

    Returns:
        The table. Ratios are to the smallest number of passages.
    """
    header = ["latency, × smallest", "passages", "a question: p50 / p95 ms"]
    header += ["of which dense / lexical / fusion / reranking, p50", "peak MB, asking"]
    header += ["index, MB", "written, passages/s"]
    first = rows[min(rows)]
    lines = []
    for size, one in sorted(rows.items()):
        times = Timings(one["seconds"])
        stages = [Timings([ms / 1000 for ms in one["stages"][stage]]).p50 for stage in STAGES]
        lines.append(
            [
                f"{times.p50 / Timings(first['seconds']).p50:.2f}",
                f"{size:,}",
                times.cell(),
                " / ".join(f"{ms:.1f}" for ms in stages),
                f"{one['peak_mb']:.0f}",
                f"{one['size_mb']:.0f}",
                _rate(one["written"]),
            ]
        )
    return markdown_table(header, lines)


def _rate(written: Sequence[float]) -> str:
    passages, seconds = written
    return rounded(passages / seconds) if seconds else "–"


if __name__ == "__main__":
    main()

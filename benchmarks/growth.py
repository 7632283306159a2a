"""How an index grows: size, memory and question latency at 10 k, 100 k and 1 M passages, one table.

Usage: python benchmarks/growth.py CACHE [--sizes 10000 100000 1000000] [--questions 100]
           [--no-rerank] [--fresh] [--json]

Passages, questions and vectors are made up (`contestants/synthetic.py`): the time to embed is not
in any number. CACHE holds an index of each size, begun as a copy of the next smaller one. Stopped,
it goes on where it was: what is in an index stays. `--fresh` begins anew. Then all sizes are asked
the same questions in turns, each by a new process, so that its memory is what questions need, not
writing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
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
    """Grow, ask, print."""
    given = _arguments()
    if given.fresh:
        shutil.rmtree(given.cache / "growth", ignore_errors=True)
    grown: dict[int, dict[str, Any]] = {}
    smaller: Path | None = None
    for size in sorted(given.sizes):
        folder = given.cache / "growth" / str(size)
        grown[size] = grow(folder, size, smaller)
        smaller = folder
    asked = ask({size: given.cache / "growth" / str(size) for size in grown}, given)
    rows = {size: {**grown[size], **asked[size]} for size in grown}
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


def grow(folder: Path, size: int, smaller: Path | None = None) -> dict[str, Any]:
    """Add passages until there are as many as wanted.

    Args:
        folder: The index; made if there is none.
        size: How many passages it is to have; not less than it has.
        smaller: An index to begin with a copy of.

    Returns:
        `size_mb`, and `written`: passages added, all calls together, and the seconds that the
        index took for them, making them up not counted. The latter is kept beside the index.

    Raises:
        SystemExit: It has more already.
    """
    record = folder.with_suffix(".json")
    if smaller is not None and not folder.exists():
        copy = folder.with_suffix(".part")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(smaller, copy)
        copy.rename(folder)
    texts = SyntheticTexts()
    written = json.loads(record.read_text("utf-8")) if record.is_file() else [0, 0.0]
    with WikiIndex.open_or_create(folder, embedder=SyntheticEmbedder()) as index:
        held = index.store.count()
        if held > size:
            sys.exit(f"{folder} has {held} passages already, more than {size}: use --fresh.")
        while held < size:
            passages = texts.passages(held, min(held + AT_ONCE, size))
            started = perf_counter()
            index.add_passages(passages)
            written[1] += perf_counter() - started
            written[0] += len(passages)
            record.write_text(json.dumps(written), "utf-8")
            held += len(passages)
            print(f"{held} passages, {rounded(written[0] / written[1])} a second", file=sys.stderr)
        return {"size_mb": index.info().size_bytes / 2**20, "written": written}


def ask(folders: dict[int, Path], given: argparse.Namespace) -> dict[int, dict[str, Any]]:
    """Ask indexes in turns, each from a new process.

    Args:
        folders: By number of passages.
        given: `questions`, how many after one that warms up, and `rerank`, whether the
            cross-encoder orders what is found.

    Returns:
        By number of passages: `seconds` of each question, `stages` with their milliseconds,
        `peak_mb`.
    """
    texts = SyntheticTexts()
    asked: dict[int, dict[str, Any]] = {
        size: {"seconds": [], "stages": {stage: [] for stage in STAGES}} for size in folders
    }
    with ExitStack() as stack:
        processes = {
            size: stack.enter_context(
                ContestantProcess("contestants.synthetic:load", {"folder": str(folder.absolute())})
            )
            for size, folder in folders.items()
        }
        for number in range(given.questions + 1):
            for size, process in processes.items():
                reply = process.ask(question=texts.question(number), rerank=given.rerank)
                asked[size]["peak_mb"] = reply["peak_mb"]
                if number:
                    asked[size]["seconds"].append(reply["seconds"])
                    for stage in STAGES:
                        asked[size]["stages"][stage].append(reply["timings"].get(stage, 0.0))
    return asked


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

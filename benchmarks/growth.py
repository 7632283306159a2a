"""Growth of an index: size, memory and latency at 10 k, 100 k and 1 M passages, as one table.

Usage: python benchmarks/growth.py CACHE [--sizes 10000 100000 1000000] [--questions 100]
           [--no-rerank] [--fresh] [--json]

Passages, questions and vectors are made up (`contestants/synthetic.py`), so no figure includes
embedding. CACHE holds an index of each size, which starts as a copy of the next smaller one. A
stopped run resumes: passages already in an index stay. `--fresh` starts from scratch. Then all
sizes get the same questions in turns. A new process asks each index, so that its memory is that of
searching, not of writing.
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
    """Grow the indexes, ask them, and print the table."""
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
    """Add passages to an index until it has `size`.

    Args:
        folder: Folder of the index; created if missing.
        size: Number of passages wanted, at least as many as the index has.
        smaller: Folder of an index to copy if `folder` is missing.

    Returns:
        `size_mb`, and `written`: the passages added by all calls so far, and the seconds that the
        index took to add them. `written` is kept in a file beside the index.

    Raises:
        SystemExit: If the index has more passages already.
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
        count = index.store.count()
        if count > size:
            sys.exit(f"Expected at most {size} passages in {folder}, got {count}. Use --fresh.")
        while count < size:
            passages = texts.passages(count, min(count + AT_ONCE, size))
            started = perf_counter()
            index.add_passages(passages)
            written[1] += perf_counter() - started
            written[0] += len(passages)
            record.write_text(json.dumps(written), "utf-8")
            count += len(passages)
            print(f"{count} passages, {rounded(written[0] / written[1])} a second", file=sys.stderr)
        return {"size_mb": index.info().size_bytes / 2**20, "written": written}


def ask(folders: dict[int, Path], given: argparse.Namespace) -> dict[int, dict[str, Any]]:
    """Ask the indexes in turns, each from a new process.

    Args:
        folders: Folders of the indexes, by number of passages.
        given: `questions`, their number after one that warms up, and `rerank`, whether to use the
            cross-encoder.

    Returns:
        By number of passages: `seconds` per question, `stages` with their milliseconds, `peak_mb`.
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
    """Return the Markdown table of rows by number of passages; ratios are to the smallest."""
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

"""Reranking 10 to 500 passages: ours and its peers with the same weights, as one table.

Usage: python benchmarks/rerank_speed.py CACHE [--sizes 10 50 100 500] [--repeats 10]
           [--quality QUESTIONS] [--only NAME ...] [--json]

CACHE keeps the peers' environments (`contestants/environments.py`; the first run fills them with
pip), the weights in the forms that peers read, and a BM25 index of SQuAD dev. Each contestant is a
process that uses all cores and takes its own time. They take turns: in a turn all rerank BM25's
candidates for the same question of SQuAD dev. The first turn is a warm-up and is not counted.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from contestants.environments import python_of
from contestants.processes import ContestantProcess, closing_all
from contestants.rerankers import REFERENCE, RERANKERS, STOCK
from machine import machine
from squad import SQUAD, Candidates, SquadCandidates
from timing import Timings, alternate, markdown_table, rounded

from wikirank.metrics.ranking import ndcg, spearman

QUALITY_DEPTH = 50
PAUSE = 0.25
"""Seconds before each turn; the thread pools of torch and ONNX Runtime spin for up to 0.2."""


@dataclass(slots=True)
class Measured:
    """Measurements of one contestant.

    Attributes:
        seconds: Durations by number of passages.
        peak_mb: Peak memory up to the end of each number of passages, in MB.
        orders: For each question of the quality sample, positions of its candidates, best first.
    """

    seconds: dict[int, list[float]] = field(default_factory=dict)
    peak_mb: dict[int, float] = field(default_factory=dict)
    orders: list[list[int]] = field(default_factory=list)

    @property
    def pairs_per_second(self) -> float:
        """Return the rate over all numbers of passages."""
        pairs = sum(size * len(times) for size, times in self.seconds.items())
        return pairs / sum(sum(times) for times in self.seconds.values())


def main() -> None:
    """Rerank in turns and print the table."""
    given = _arguments()
    names = [name for name in RERANKERS if name in given.only]
    squad = SquadCandidates(given.cache / "squad-bm25", given.data, max(given.questions, 1))
    sample = [squad.of(number, QUALITY_DEPTH) for number in range(given.quality)]
    weights = prepared_weights(given.cache) if any(map(_is_peer, names)) else given.cache
    running: dict[str, ContestantProcess] = {}
    with closing_all(running):
        for name in names:
            running[name] = _start(name, weights, given.cache)
        measured = {name: Measured() for name in names}
        for size in sorted(given.sizes):
            _measure_speed(running, measured, squad, size, given.repeats)
        _measure_quality(running, measured, sample)
        versions = all_versions(process.loaded["versions"] for process in running.values())
    if given.json:
        rows = {name: asdict(one) for name, one in measured.items()}
        print(json.dumps({"machine": machine(), "versions": versions, "rows": rows}))
        return
    print(table(measured, sample))
    print(f"\n{machine()}; {', '.join(versions)}")


def prepared_weights(cache: Path) -> Path:
    """Return the folder of the peers' weights, written by another process to save memory."""
    with ContestantProcess("contestants.weights:serve_weights", {"cache": str(cache)}) as process:
        return Path(process.ask()["folder"])


def all_versions(loaded: Iterable[Mapping[str, str]]) -> list[str]:
    """List the packages that contestants have loaded, with all versions of each.

    Args:
        loaded: Versions by package name, for each contestant.

    Returns:
        `name version` or `name version / version`, in alphabetical order.
    """
    found: dict[str, set[str]] = {}
    for versions in loaded:
        for name, version in versions.items():
            found.setdefault(name, set()).add(version)
    return [f"{name} {' / '.join(sorted(found[name]))}" for name in sorted(found)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--data", type=Path, default=SQUAD)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 50, 100, 500])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--quality", type=int, default=0, metavar="QUESTIONS")
    parser.add_argument("--only", nargs="+", choices=list(RERANKERS), default=list(RERANKERS))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    given.questions = max(given.quality, given.repeats + 1)
    return given


def _is_peer(name: str) -> bool:
    return RERANKERS[name].environment is not None


def _start(name: str, weights: Path, cache: Path) -> ContestantProcess:
    environment = RERANKERS[name].environment
    python = None if environment is None else python_of(environment, cache)
    arguments = {"name": name, "weights": str(weights)}
    return ContestantProcess("contestants.rerankers:load", arguments, python=python)


def _measure_speed(
    running: dict[str, ContestantProcess],
    measured: dict[str, Measured],
    squad: SquadCandidates,
    size: int,
    repeats: int,
) -> None:
    def turn(name: str, number: int) -> None:
        given = squad.of(number, size)
        reply = running[name].ask(query=given.question, passages=given.passages)
        if number:  # The first one warms up.
            measured[name].seconds.setdefault(size, []).append(reply["seconds"])
            measured[name].peak_mb[size] = reply["peak_mb"]

    alternate(list(running), repeats + 1, turn, pause=PAUSE)
    print(f"{size} passages: done", file=sys.stderr, flush=True)


def _measure_quality(
    running: dict[str, ContestantProcess], measured: dict[str, Measured], sample: list[Candidates]
) -> None:
    for given in sample:
        for name, process in running.items():
            reply = process.ask(query=given.question, passages=given.passages)
            measured[name].orders.append(reply["order"])


def table(measured: dict[str, Measured], sample: Sequence[Candidates]) -> str:
    """Return the Markdown table.

    Args:
        measured: Measurements by contestant.
        sample: The questions that the orders belong to; empty for no quality columns.

    Returns:
        The table. Ratios are to LangChain's stock path, if it took part.
    """
    sizes = list(next(iter(measured.values())).seconds)
    header = ["pairs/s, × stock", "reranker", "weights", "pairs/s"]
    header += [f"{size} passages: × stock, p50 / p95 ms" for size in sizes]
    header += ["peak MB at " + " / ".join(map(str, sizes))]
    header += [f"nDCG@10 ({len(sample)} questions)", "rank agreement with fp32"] if sample else []
    rows = []
    stock = measured.get(STOCK)
    reference = measured.get(REFERENCE, stock)
    for name, one in measured.items():
        row = [
            "–" if stock is None else f"{one.pairs_per_second / stock.pairs_per_second:.2f}",
            RERANKERS[name].label,
            RERANKERS[name].weights,
            rounded(one.pairs_per_second),
        ]
        row += [_speed_cell(one, stock, size) for size in sizes]
        row.append(" / ".join(f"{one.peak_mb[size]:.0f}" for size in sizes))
        if sample:
            row += _quality_cells(one, reference, sample)
        rows.append(row)
    return markdown_table(header, rows)


def _speed_cell(one: Measured, stock: Measured | None, size: int) -> str:
    own = Timings(one.seconds[size])
    if stock is None:
        return own.cell()
    return f"{Timings(stock.seconds[size]).p50 / own.p50:.2f}: {own.cell()}"


def _quality_cells(
    one: Measured, reference: Measured | None, sample: Sequence[Candidates]
) -> list[str]:
    """Return nDCG@10 if ten or more passages are returned, and agreement if all are."""
    pairs = list(zip(one.orders, sample, strict=True))
    has_ten = all(len(order) >= min(10, len(given.passages)) for order, given in pairs)
    has_all = all(len(order) == len(given.passages) for order, given in pairs)
    return [
        f"{mean_ndcg(one.orders, sample):.4f}" if has_ten else "–",
        f"{agreement(one, reference):.4f}" if reference and has_all else "–",
    ]


def mean_ndcg(orders: Sequence[Sequence[int]], sample: Sequence[Candidates]) -> float:
    """Return the mean nDCG@10; a question without a relevant candidate counts 0."""
    gains = [
        0.0
        if given.relevant is None
        else ndcg([str(index) for index in order], {str(given.relevant)}, 10)
        for order, given in zip(orders, sample, strict=True)
    ]
    return float(np.mean(gains))


def agreement(one: Measured, reference: Measured) -> float:
    """Return the mean Spearman correlation of the two orders of each question."""
    pairs = zip(one.orders, reference.orders, strict=True)
    return float(np.mean([spearman(np.argsort(a), np.argsort(b)) for a, b in pairs]))


if __name__ == "__main__":
    main()

"""Reranking on an NVIDIA GPU: ours and sentence-transformers' own `predict`, the same weights.

Usage: python benchmarks/gpu_rerank.py MODEL [--sizes 10 50 100 500] [--repeats 30]
           [--quality QUESTIONS] [--data FOLDER] [--device cuda] [--json]

MODEL is a folder of a torch cross-encoder, such as `wikirank train` writes. All rerank BM25's
candidates for the same questions of SQuAD dev, in turns. The first turn is a warm-up and is not
counted. Quality is nDCG@10 over 50 candidates, and the rank correlation with the first row's
scores.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from machine import print_result
from numpy.typing import NDArray
from rerank_speed import QUALITY_DEPTH, Measured, mean_ndcg
from squad import SQUAD, Candidates, SquadCandidates
from timing import Timings, alternate, markdown_table, rounded

from wikirank.metrics.ranking import spearman
from wikirank.rank import best_first, load_cross_encoder, score_passages
from wikirank.rank.pair_pooling import load_torch_folder

REFERENCE = "sentence-transformers, fp32"

Score = Callable[[str, Sequence[str]], NDArray[np.float64]]


def main() -> None:
    """Rerank in turns and print the table."""
    given = _arguments()
    scorers = _scorers(given.model, given.device)
    seconds: dict[str, dict[int, list[float]]] = {name: {} for name in scorers}
    with tempfile.TemporaryDirectory() as scratch:
        squad = SquadCandidates(Path(scratch), given.data, max(given.quality, given.repeats + 1))

        for size in sorted(given.sizes):

            def turn(name: str, number: int, size: int = size) -> None:
                asked = squad.of(number, size)
                started = perf_counter()
                scorers[name](asked.question, asked.passages)
                if number:
                    seconds[name].setdefault(size, []).append(perf_counter() - started)

            alternate(list(scorers), given.repeats + 1, turn)
        sample = [squad.of(number, QUALITY_DEPTH) for number in range(given.quality)]
    logits = {
        name: [score(one.question, one.passages) for one in sample]
        for name, score in scorers.items()
    }
    measured = {name: quality(sample, rows, logits[REFERENCE]) for name, rows in logits.items()}
    gpu = f"{torch.cuda.get_device_name(given.device)}, torch {torch.__version__}"
    rows = {"seconds": seconds, "quality": measured, "gpu": gpu}
    print_result(f"{table(seconds, measured)}\n\n{gpu}", rows, as_json=given.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=SQUAD)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 50, 100, 500])
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--quality", type=int, default=200)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _scorers(model: Path, device: str) -> dict[str, Score]:
    ours = load_cross_encoder(model, device=device)
    return {
        REFERENCE: _sentence_transformers(model, device, half=False),
        "sentence-transformers, fp16": _sentence_transformers(model, device, half=True),
        "ours": lambda query, texts: score_passages(ours, query, texts),
    }


def _sentence_transformers(model: Path, device: str, *, half: bool) -> Score:
    loaded = load_torch_folder(model, device=device)
    loaded.max_seq_length = 256
    if half:
        loaded[0].half()

    def score(query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        pairs = [(query, text) for text in texts]
        return loaded.predict(pairs, show_progress_bar=False).astype(np.float64)

    return score


def quality(
    sample: Sequence[Candidates],
    logits: Sequence[NDArray[np.float64]],
    reference: Sequence[NDArray[np.float64]],
) -> tuple[float, float]:
    """Return nDCG@10 over a sample of questions, and the rank correlation with a reference."""
    found = mean_ndcg([best_first(scores) for scores in logits], sample)
    return found, spearman(np.concatenate(logits), np.concatenate(reference))


def table(
    seconds: dict[str, dict[int, list[float]]], measured: dict[str, tuple[float, float]]
) -> str:
    """Return the Markdown table; ratios are of pairs per second, to the reference.

    Args:
        seconds: Times by contestant and number of passages.
        measured: Results of `quality`, by contestant.

    Returns:
        The table.
    """
    sizes = list(seconds[REFERENCE])
    rates = {name: Measured(times).pairs_per_second for name, times in seconds.items()}
    header = ["ratio", "", "pairs/s", *(f"{n}: p50 / p95 ms" for n in sizes), "nDCG@10", "Spearman"]
    rows = [
        [
            f"{rates[name] / rates[REFERENCE]:.2f}",
            name,
            rounded(rates[name]),
            *(Timings(times[size]).cell() for size in sizes),
            f"{measured[name][0]:.3f}",
            f"{measured[name][1]:.4f}",
        ]
        for name, times in seconds.items()
    ]
    return markdown_table(header, rows)


if __name__ == "__main__":
    main()

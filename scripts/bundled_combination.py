"""Fit the bundled model's score interpolation on human questions kept out of training.

Usage: python scripts/bundled_combination.py DATA RUN

DATA is the output of `scripts/bundled_data.py`, RUN a finished run on it. `wikirank train` fits the
combination on its own dev lists. Half of those are synthetic queries, which favour BM25. This
script uses only human questions: those of the run's dev lists, most of which ask about a given
paragraph, and the search-engine questions that `bundled_data.py` kept out. The candidate lists of
the latter are added to the run's data. The only other file that changes is `onnx/wikirank.json`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from wikirank.evaluate.candidates import SearchedCandidates, build_index
from wikirank.evaluate.datasets import RetrievalDataset, load_retrieval_dataset
from wikirank.evaluate.near_duplicates import credit_near_duplicates, with_distinct_relevant
from wikirank.rank import CrossEncoder, load_cross_encoder
from wikirank.runtime.combination import ScoreInterpolation
from wikirank.runtime.model_folder import read_model_folder, rewrite_model_folder
from wikirank.search.rerank import reranker_text
from wikirank.train.calibrate.combine import fit_combination
from wikirank.train.calibrate.measure import score_lists
from wikirank.train.data.candidate_lists import (
    MISSED,
    CandidateList,
    read_candidate_lists,
    write_candidate_lists,
)
from wikirank.train.fit.run_folder import ONNX_FOLDER
from wikirank.train.wiki.finish import DATA

DEPTH = 50


def main() -> None:
    """Fit the weights and write them into the run's model folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="output folder of bundled_data.py")
    parser.add_argument("run", type=Path, help="folder of the run")
    arguments = parser.parse_args()
    print(recombine(arguments.data, arguments.run))  # noqa: T201


def recombine(data: Path, run: Path) -> ScoreInterpolation:
    """Refit the combination of a run's model on human dev questions, and return it."""
    model = run / ONNX_FOLDER
    dataset = with_distinct_relevant(
        load_retrieval_dataset(
            data / "natural-dev-questions.jsonl.gz", data / "natural-passages.jsonl.gz"
        )
    )
    cross_encoder = load_cross_encoder(model)
    with build_index(dataset) as index:
        lists = list(_lists(SearchedCandidates(index, dataset), dataset, cross_encoder))
    write_candidate_lists(run / DATA / "natural-dev.jsonl.gz", lists)
    dev = read_candidate_lists(run / DATA / "dev.jsonl.gz")
    lists += [candidates for candidates in dev if candidates.style == "pair"]
    combination = fit_combination(lists, score_lists(cross_encoder, lists))
    folder = read_model_folder(model, kind="cross-encoder")
    rewrite_model_folder(folder, replace(folder.description, combination=combination))
    return combination


def _lists(
    candidates: SearchedCandidates, dataset: RetrievalDataset, model: CrossEncoder
) -> Iterator[CandidateList]:
    for id_, question in dataset.queries.items():
        hybrid = candidates.find(id_, DEPTH)["hybrid"].candidates
        hits = credit_near_duplicates(hybrid, dataset, id_)
        relevant = [
            rank for rank, hit in enumerate(hits) if hit.passage.id in dataset.relevant[id_]
        ]
        texts = [reranker_text(hit.passage, model) for hit in hits]
        yield CandidateList(
            query=question,
            style="search",
            positive=next(map(dataset.text, sorted(dataset.relevant[id_]))),
            candidates=texts,
            positive_rank=relevant[0] if relevant else MISSED,
            dense=[hit.dense_score for hit in hits],
            lexical=[hit.lexical_score for hit in hits],
        )


if __name__ == "__main__":
    main()

"""Fit the bundled model's combination on people's questions kept out of training.

Usage: python scripts/bundled_combination.py DATA RUN

DATA is what `scripts/bundled_data.py` wrote, RUN a finished run on it. `wikirank train` fits the
combination on its own dev lists, half of which are made queries, which favour BM25. Here it is
fitted on people's questions alone: those of the run's dev lists, most of which ask about a given
paragraph, and those of search engines that `bundled_data.py` kept out; the lists of these are added
to the run's data. Besides only `onnx/wikirank.json` changes.
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
    parser.add_argument("data", type=Path, help="what bundled_data.py wrote")
    parser.add_argument("run", type=Path, help="folder of the run")
    given = parser.parse_args()
    print(recombine(given.data, given.run))  # noqa: T201


def recombine(data: Path, run: Path) -> ScoreInterpolation:
    """Replace the combination of a run's model by one fitted on people's dev questions."""
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
    lists += [held for held in dev if held.style == "pair"]
    combination = fit_combination(lists, score_lists(cross_encoder, lists))
    folder = read_model_folder(model, kind="cross-encoder")
    rewrite_model_folder(folder, replace(folder.description, combination=combination))
    return combination


def _lists(
    candidates: SearchedCandidates, dataset: RetrievalDataset, model: CrossEncoder
) -> Iterator[CandidateList]:
    for id_, question in dataset.queries.items():
        hybrid = candidates.find(id_, DEPTH)["hybrid"].candidates
        found = credit_near_duplicates(hybrid, dataset, id_)
        relevant = [
            index for index, held in enumerate(found) if held.passage.id in dataset.relevant[id_]
        ]
        texts = [reranker_text(held.passage, model) for held in found]
        yield CandidateList(
            query=question,
            style="search",
            positive=next(map(dataset.text, sorted(dataset.relevant[id_]))),
            candidates=texts,
            positive_rank=relevant[0] if relevant else MISSED,
            dense=[held.dense_score for held in found],
            lexical=[held.lexical_score for held in found],
        )


if __name__ == "__main__":
    main()

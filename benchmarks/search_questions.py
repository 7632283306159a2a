"""People's questions: what each stage ranks first, and whether the scores can be believed.

Usage: python benchmarks/search_questions.py QUESTIONS PASSAGES [--distractors FILE] [--limit 30000]
           [--every N] [--depth 50] [--copies COSINE] [--json]

QUESTIONS and PASSAGES are as `wikirank evaluate` takes them; `scripts/bundled_data.py` writes those
of Natural Questions, TyDi QA and BoolQ, and SQuAD dev needs no script. One index, one pass over all
candidates, and from it: MRR@10 of BM25, dense and hybrid retrieval, of the cross-encoder alone, of
it with the cosine, as `WikiReranker` ranks, and of the final order; of these two with a paired
permutation test against the best of the first three; the share of right top passages whose
relevance score is over 0.3 and over 0.8; expected calibration error over all candidates; and, as a
score does not depend on the other candidates, how well the top score tells questions with their
answer in the index from the same questions without it (AUROC). The prefilter's order, five and ten
wanted, is compared with that of all candidates scored. For each of three thresholds: the share of
right passages that it keeps, how many passages of a question it keeps, and how often it keeps none
where the answer is not in the index.

Some data sets hold copies of a relevant passage in other words, which answer as well but are not
labelled: a thousand of the TyDi QA and BoolQ passages are machine translations of others. With
`--copies 0.9` a second column also counts candidates as relevant whose embedding has a cosine of at
least 0.9 with that of a relevant passage.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain, compress, islice
from pathlib import Path

import numpy as np
from machine import machine
from numpy.typing import NDArray
from timing import markdown_table

from wikirank.corpus import open_source
from wikirank.embed import load_embedder
from wikirank.evaluate.candidates import SearchedCandidates, build_index, distractor_passages
from wikirank.evaluate.datasets import RetrievalDataset, load_retrieval_dataset
from wikirank.evaluate.near_duplicates import credit_near_duplicates, with_distinct_relevant
from wikirank.metrics.calibration import expected_calibration_error
from wikirank.metrics.ranking import ndcg, reciprocal_rank
from wikirank.metrics.significance import permutation_p_value
from wikirank.rank import CrossEncoder, RankedTexts, load_cross_encoder, score_passages
from wikirank.rank.cascade import survivors, with_first_stage
from wikirank.runtime.combination import FirstStageScores
from wikirank.runtime.model_folder import bundled_model, read_model_folder
from wikirank.search.rerank import rerank_candidates, sort_by_logit
from wikirank.train.first_pass.run import PrefilterAlone
from wikirank.types import RankedPassage

AT = 10
STAGES = ("lexical", "dense", "hybrid", "cross-encoder", "reranker", "final")
CASCADES = (5, 10)
THRESHOLDS = (0.002, 0.1, 0.5)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one question.

    Attributes:
        reciprocal_ranks: MRR@10 of each stage, by its name.
        scores: Relevance scores of all candidates in the final order.
        relevant: Whether each is relevant.
        lost: nDCG that the prefilter costs, at each of `CASCADES`.
    """

    reciprocal_ranks: dict[str, float]
    scores: NDArray[np.float64]
    relevant: NDArray[np.bool_]
    lost: tuple[float, ...]


def answer_all(
    dataset: RetrievalDataset,
    candidates: SearchedCandidates,
    model: CrossEncoder,
    prefilter: Prefilter,
    depth: int,
    copies: Copies | None = None,
) -> Iterator[list[Answered]]:
    """Ask all questions of a data set; each is judged by the labels, and with `copies` added."""
    for id_, question in dataset.queries.items():
        found = {
            stage: credit_near_duplicates(first.candidates, dataset, id_)
            for stage, first in candidates.find(id_, depth).items()
        }
        hybrid = found["hybrid"]
        final = rerank_candidates(question, hybrid, model)
        logits = np.array([one.rerank_logit for one in final])
        orders = {
            **found,
            "cross-encoder": sort_by_logit(final, logits, model),
            "reranker": _by_logit_and_cosine(final, logits, model),
            "final": final,
        }
        survivors = list(prefilter.survivors(question, hybrid))
        judgements = [dataset.relevant[id_]]
        if copies:
            judgements.append(copies.added(dataset.relevant[id_], chain(*found.values())))
        yield [judged(orders, relevant, survivors) for relevant in judgements]


def judged(
    orders: Mapping[str, Sequence[RankedPassage]],
    relevant: Set[str],
    survivors: Sequence[Set[str]],
) -> Answered:
    """Judge the rankings of one question by the ids of its relevant passages."""
    final = orders["final"]
    ids = _ids(final)
    return Answered(
        {name: reciprocal_rank(_ids(order), relevant, AT) for name, order in orders.items()},
        np.array([one.relevance_score for one in final]),
        np.array([id_ in relevant for id_ in ids]),
        tuple(
            ndcg(ids, relevant, k) - ndcg([id_ for id_ in ids if id_ in kept], relevant, k)
            for k, kept in zip(CASCADES, survivors, strict=True)
        ),
    )


class Copies:
    """Finds copies of relevant passages in other words.

    Args:
        dataset: Holds the relevant passages.
        least: Lowest cosine similarity of a copy.
    """

    def __init__(self, dataset: RetrievalDataset, least: float) -> None:
        self._dataset, self._least = dataset, least
        self._embedder = load_embedder()

    def added(self, relevant: Set[str], candidates: Iterable[RankedPassage]) -> set[str]:
        """Return the relevant ids, and those of candidates that are copies of relevant passages."""
        texts = {one.passage.id: one.passage.text for one in candidates}
        vectors = self._embedder.embed_passages(list(texts.values()))
        wanted = self._embedder.embed_passages([self._dataset.text(id_) for id_ in relevant])
        nearest = (vectors @ wanted.T).max(axis=1)
        return {*relevant, *compress(texts, nearest >= self._least)}


def _by_logit_and_cosine(
    candidates: Sequence[RankedPassage], logits: NDArray[np.float64], model: CrossEncoder
) -> list[RankedPassage]:
    """The order of `WikiReranker`, which knows nothing but the texts."""
    combination = model.dense_combination
    if combination is None:
        return sort_by_logit(candidates, logits, model)
    cosines = [one.dense_score for one in candidates]
    known = FirstStageScores(cosines, [None] * len(candidates))
    ranked = RankedTexts.by_combination(combination, logits, known)
    return [candidates[at] for at in ranked.order]


class Prefilter:
    """Which candidates the prefilter leaves, without scoring them again.

    Args:
        model: "bundled" or a model folder.
    """

    def __init__(self, model: str) -> None:
        path = bundled_model("cross-encoder") if model == "bundled" else Path(model)
        folder = read_model_folder(path, kind="cross-encoder")
        self._network = PrefilterAlone(folder)
        self._rule = folder.description.prefilter.hybrid

    def survivors(self, question: str, hybrid: Sequence[RankedPassage]) -> Iterator[set[str]]:
        """Ids of the candidates that go on to the cross-encoder, for each of `CASCADES`."""
        texts = [one.passage.headed_text for one in hybrid]
        known = FirstStageScores(
            [one.dense_score for one in hybrid], [one.lexical_score for one in hybrid]
        )
        logits = with_first_stage(score_passages(self._network, question, texts), known, self._rule)
        for k in CASCADES:
            yield {hybrid[at].passage.id for at in survivors(logits, k, self._rule)}


def _ids(ranking: Sequence[RankedPassage]) -> list[str]:
    return [one.passage.id for one in ranking]


def summary(answered: Sequence[Answered]) -> dict[str, float]:
    """All figures of the table."""
    ranks = {name: np.array([one.reciprocal_ranks[name] for one in answered]) for name in STAGES}
    best = max(STAGES[:3], key=lambda name: float(ranks[name].mean()))
    rng = np.random.default_rng(0)
    right = np.array([one.scores[0] for one in answered if one.relevant[:1].any()])
    wrong = np.array([one.scores[0] for one in answered if not one.relevant[:1].any()])
    within = [one for one in answered if one.relevant.any()]
    known = np.array([one.scores[0] for one in within])
    unknown = np.array([one.scores[~one.relevant].max(initial=0.0) for one in within])
    scores = np.concatenate([one.scores for one in answered])
    relevant = np.concatenate([one.relevant for one in answered])
    return {
        "questions": len(answered),
        **{f"MRR@10 {name}": float(ranks[name].mean()) for name in STAGES},
        **{
            name: value
            for stage in STAGES[-2:]
            for name, value in {
                f"{stage} above the best first stage by": float(
                    (ranks[stage] - ranks[best]).mean()
                ),
                f"{stage}, p": permutation_p_value(ranks[stage], ranks[best], rng),
            }.items()
        },
        "right top score, median": float(np.median(right)),
        "right top scores over 0.3": float((right > 0.3).mean()),
        "right top scores over 0.8": float((right > 0.8).mean()),
        "wrong top score, median": float(np.median(wrong)) if len(wrong) else float("nan"),
        "calibration error, all candidates": expected_calibration_error(scores, relevant),
        "calibration error, top passages": expected_calibration_error(
            [one.scores[0] for one in answered], [bool(one.relevant[0]) for one in answered]
        ),
        "AUROC, answer in the index or not": _auroc(known, unknown),
        **{
            f"nDCG@{k} lost by the prefilter": float(np.mean([one.lost[n] for one in answered]))
            for n, k in enumerate(CASCADES)
        },
        **{
            name: value
            for threshold in THRESHOLDS
            for name, value in {
                f"right passages of at least {threshold}": float(
                    (scores[relevant] >= threshold).mean()
                ),
                f"passages a question of at least {threshold}": float(
                    (scores >= threshold).sum() / len(answered)
                ),
                f"no passage of at least {threshold}, answer not in the index": float(
                    (unknown < threshold).mean()
                ),
            }.items()
        },
    }


def _auroc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Share of pairs in which the positive scores higher; ties count half."""
    differences = positive[:, np.newaxis] - negative
    return float(np.mean((differences > 0) + 0.5 * (differences == 0)))


def main() -> None:
    """Index, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", type=Path)
    parser.add_argument("passages", type=Path)
    parser.add_argument("--distractors", help="further passages: `sample`, a file or a folder")
    parser.add_argument("--limit", type=int, default=30_000, help="most distractors")
    parser.add_argument("--every", type=int, default=1, help="ask every n-th question only")
    parser.add_argument("--depth", type=int, default=50, help="candidates a question")
    parser.add_argument("--copies", type=float, metavar="COSINE", help="count copies as relevant")
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    given = parser.parse_args()
    dataset = load_retrieval_dataset(given.questions, given.passages).every(given.every)
    dataset = with_distinct_relevant(dataset)
    others = distractor_passages(open_source(given.distractors)) if given.distractors else ()
    model = load_cross_encoder(given.model)
    with build_index(dataset, islice(others, given.limit)) as index:
        candidates = SearchedCandidates(index, dataset)
        copies = Copies(dataset, given.copies) if given.copies else None
        answered = answer_all(
            dataset, candidates, model, Prefilter(given.model), given.depth, copies
        )
        columns = [summary(column) for column in zip(*answered, strict=True)]
    names = ["by the labels", "with copies"][: len(columns)]
    if given.json:
        figures = dict(zip(names, columns, strict=True)) if copies else columns[0]
        print(json.dumps({"machine": machine(), **figures}, indent=2))
        return
    rows = [[key, *(f"{column[key]:.4g}" for column in columns)] for key in columns[0]]
    print(markdown_table(["figure", *names], rows))


if __name__ == "__main__":
    main()

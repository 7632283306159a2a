"""Whether long passages are ranked as well as short ones.

Usage: python benchmarks/passage_lengths.py QUESTIONS PASSAGES [--every 4] [--json]

There are two comparisons of MRR@10. The first ranks the same hybrid candidates by the cross-encoder
alone: as whole passages, which are scored in windows, and cut where query and passage fill one
window. It also gives the mean logit of wrong passages of four lengths, which should not depend on
the length. The second joins the passages of each article in the file's order, and splits them into
chunks of 500, 1,000 and 2,000 characters. A chunk is relevant if it holds half of the passage that
answers, or is half of it. Each length has its own index, hybrid candidates and final order.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
from machine import machine
from timing import markdown_table

from wikirank.evaluate.candidates import SearchedCandidates, build_index
from wikirank.evaluate.datasets import RetrievalDataset, load_retrieval_dataset
from wikirank.metrics.ranking import reciprocal_rank
from wikirank.passages.splitters import SentenceSplitter
from wikirank.rank import CrossEncoder, load_cross_encoder, score_passages
from wikirank.runtime.model_folder import bundled_model, read_model_folder
from wikirank.runtime.tokens import load_tokenizer
from wikirank.search.rerank import rerank_candidates, sort_by_logit
from wikirank.types import RankedPassage

CUTOFF = 10
LENGTHS = (500, 1000, 2000)
BOUNDS = (0, 400, 800, 1200, 100_000)
"""Bounds of the lengths of wrong passages, in characters."""
TOGETHER = 10
"""Number of consecutive passages to join if there are no titles to tell articles apart."""


def window_figures(dataset: RetrievalDataset, model: CrossEncoder, depth: int) -> dict[str, float]:
    """Return MRR@10 of whole and of cut passages, and mean logits of wrong ones by length."""
    folder = read_model_folder(bundled_model("cross-encoder"), kind="cross-encoder")
    tokenizer, longest = load_tokenizer(folder.tokenizer), folder.description.max_length
    ranks: dict[str, list[float]] = {"hybrid": [], "whole": [], "cut": []}
    wrong: list[tuple[int, float]] = []
    for id_, question, hybrid in _candidates(dataset, depth):
        texts = [one.passage.headed_text for one in hybrid]
        offsets = [tokenizer.encode(question, text).offsets for text in texts]
        # The last token is a separator.
        ends = [spans[min(len(spans), longest) - 2][1] for spans in offsets]
        logits = {
            "hybrid": -np.arange(len(texts)),
            "whole": score_passages(model, question, texts),
            "cut": score_passages(
                model, question, [text[:end] for text, end in zip(texts, ends, strict=True)]
            ),
        }
        for name, scores in logits.items():
            positions = np.argsort(-np.asarray(scores), kind="stable")
            order = [hybrid[position].passage.id for position in positions]
            ranks[name].append(reciprocal_rank(order, dataset.relevant[id_], CUTOFF))
        for one, logit in zip(hybrid, logits["whole"], strict=True):
            if one.passage.id not in dataset.relevant[id_]:
                wrong.append((len(one.passage.text), float(logit)))
    means = {f"MRR@10 {name}": float(np.mean(values)) for name, values in ranks.items()}
    for low, high in pairwise(BOUNDS):
        among = [logit for length, logit in wrong if low <= length < high]
        means[f"mean logit of wrong passages of {low} to {high} characters"] = (
            float(np.mean(among)) if among else float("nan")
        )
    return means


def chunk_figures(dataset: RetrievalDataset, model: CrossEncoder, depth: int) -> dict[str, float]:
    """Return MRR@10 of the hybrid, cross-encoder's and final order, for each chunk length."""
    figures: dict[str, float] = {}
    for length in LENGTHS:
        chunked = split_again(dataset, length)
        ranks: dict[str, list[float]] = {"hybrid": [], "cross-encoder": [], "final order": []}
        for id_, question, hybrid in _candidates(chunked, depth):
            final = rerank_candidates(question, hybrid, model)
            logits = np.array([one.rerank_logit for one in final])
            orders = {
                "hybrid": hybrid,
                "cross-encoder": sort_by_logit(final, logits, model),
                "final order": final,
            }
            for name, order in orders.items():
                ids = [one.passage.id for one in order]
                ranks[name].append(reciprocal_rank(ids, chunked.relevant[id_], CUTOFF))
        for name, values in ranks.items():
            figures[f"{length} characters, {len(chunked.passages):,} chunks: MRR@10 {name}"] = (
                float(np.mean(values))
            )
    return figures


def split_again(dataset: RetrievalDataset, length: int) -> RetrievalDataset:
    """Split a data set's articles into chunks of at most `length` characters."""
    chunks: dict[str, str] = {}
    titles: dict[str, str] = {}
    relevant_chunks: dict[str, set[str]] = {}
    positions = {id_: position for position, id_ in enumerate(dataset.passages)}
    by_article = groupby(
        dataset.passages, lambda id_: dataset.titles.get(id_) or positions[id_] // TOGETHER
    )
    for number, (title, members) in enumerate(by_article):
        spans, text = _joined(dataset, list(members))
        for start, end in SentenceSplitter(max_chars=length).spans(text):
            chunk = f"{number}-{start}"
            chunks[chunk] = text[start:end]
            if isinstance(title, str):
                titles[chunk] = title
            for id_, (first, last) in spans.items():
                common = min(end, last) - max(start, first)
                if 2 * common >= min(end - start, last - first):
                    relevant_chunks.setdefault(id_, set()).add(chunk)
    relevant = {
        query: set().union(*(relevant_chunks.get(id_, set()) for id_ in passages))
        for query, passages in dataset.relevant.items()
    }
    queries = {query: text for query, text in dataset.queries.items() if relevant[query]}
    return replace(dataset, queries=queries, passages=chunks, titles=titles, relevant=relevant)


def _joined(
    dataset: RetrievalDataset, members: Sequence[str]
) -> tuple[dict[str, tuple[int, int]], str]:
    """Return the span of each passage in the text of all, and that text."""
    spans: dict[str, tuple[int, int]] = {}
    text = ""
    for id_ in members:
        spans[id_] = len(text), len(text) + len(dataset.passages[id_])
        text += dataset.passages[id_] + "\n"
    return spans, text


def _candidates(
    dataset: RetrievalDataset, depth: int
) -> Iterator[tuple[str, str, list[RankedPassage]]]:
    with build_index(dataset, ()) as index:
        candidates = SearchedCandidates(index, dataset)
        for id_, question in dataset.queries.items():
            yield id_, question, candidates.find(id_, depth)["hybrid"].candidates


def main() -> None:
    """Index, rank, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", type=Path)
    parser.add_argument("passages", type=Path, help="an article's passages one after the other")
    parser.add_argument("--every", type=int, default=4, help="ask every n-th question only")
    parser.add_argument("--depth", type=int, default=20, help="candidates per question")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    arguments = parser.parse_args()
    dataset = load_retrieval_dataset(arguments.questions, arguments.passages).every(arguments.every)
    model = load_cross_encoder()
    figures = {
        "questions": float(len(dataset.queries)),
        **window_figures(dataset, model, arguments.depth),
        **chunk_figures(dataset, model, arguments.depth),
    }
    if arguments.json:
        print(json.dumps({"machine": machine(), **figures}, indent=2))
    else:
        print(markdown_table(["figure", "value"], [[k, f"{v:.4g}"] for k, v in figures.items()]))


if __name__ == "__main__":
    main()

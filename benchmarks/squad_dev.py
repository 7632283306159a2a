"""First stages and reranking side by side on SQuAD dev, as a retrieval task.

Every passage of SQuAD v1.1 dev goes into one index, with the passages of another source as
distractors if one is named; each question has one relevant passage. One table, in Markdown.

    python benchmarks/squad_dev.py --data ../shared/data/qa --every 10 --distractors sample
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.progress import track

from wikirank.corpus import SentenceSplitter, article_passages, open_source
from wikirank.evaluate.datasets import RetrievalDataset, load_retrieval_dataset
from wikirank.evaluate.metrics import mean_metrics
from wikirank.index import WikiIndex
from wikirank.rank import CrossEncoder, load_cross_encoder
from wikirank.search import Searcher, SearchOptions, rerank
from wikirank.types import Passage, RankedPassage, SearchType

FIRST_STAGES: tuple[SearchType, ...] = ("lexical", "dense", "hybrid")
NAMES = {"lexical": "BM25", "dense": "dense", "hybrid": "hybrid (RRF)"}
Rankings = dict[str, dict[str, list[str]]]


def build(dataset: RetrievalDataset, distractors: str | None, limit: int) -> WikiIndex:
    """Index the data set's passages, and up to `limit` of another source."""
    passages = [Passage(id=id_, text=text, article=id_) for id_, text in dataset.passages.items()]
    if distractors:
        passages += itertools.islice(other_passages(distractors), limit)
    index = WikiIndex.create()
    for at in track(range(0, len(passages), 1024), "Indexing", console=Console(stderr=True)):
        index.add_passages(passages[at : at + 1024])
    return index


def other_passages(spec: str) -> itertools.chain[Passage]:
    """The passages of a source, one article after the other."""
    splitter = SentenceSplitter()
    return itertools.chain.from_iterable(
        article_passages(article, source="distractors", key=str(number), splitter=splitter)
        for number, article in enumerate(open_source(spec))
    )


def rank_all(
    index: WikiIndex, questions: dict[str, str], depth: int, model: CrossEncoder
) -> tuple[Rankings, dict[str, float]]:
    """Rank each question's passages by each first stage, and rerank the hybrid's candidates."""
    searcher = Searcher(index)
    rankings: Rankings = {}
    seconds: dict[str, float] = {}
    for id_, question in track(questions.items(), "Asking", console=Console(stderr=True)):
        candidates: list[RankedPassage] = []
        for search_type in FIRST_STAGES:
            options = SearchOptions(k=depth, fetch_k=depth, search_type=search_type, rerank=False)
            started = perf_counter()
            candidates = searcher.search(question, options).passages
            name = NAMES[search_type]
            seconds[name] = seconds.get(name, 0.0) + perf_counter() - started
            rankings.setdefault(name, {})[id_] = [c.passage.id for c in candidates]
        started = perf_counter()
        reranked = rerank(question, candidates, model)
        name = f"{NAMES['hybrid']}, reranked"
        seconds[name] = seconds.get(name, 0.0) + perf_counter() - started
        rankings.setdefault(name, {})[id_] = [r.passage.id for r in reranked]
    seconds[name] += seconds[NAMES["hybrid"]]
    return rankings, seconds


def table(
    rankings: Rankings, seconds: dict[str, float], dataset: RetrievalDataset, depth: int
) -> str:
    """The results as a Markdown table."""
    lines = [
        f"| ranking | MRR@10 | nDCG@10 | recall@{depth} | ms a question |",
        "|---|---|---|---|---|",
    ]
    for name, ranking in rankings.items():
        relevant = {id_: dataset.relevant[id_] for id_ in ranking}
        top, deep = mean_metrics(ranking, relevant, 10), mean_metrics(ranking, relevant, depth)
        values = [f"{value:.3f}" for value in (top["mrr@10"], top["ndcg@10"])]
        values += [f"{deep[f'recall@{depth}']:.3f}", f"{1000 * seconds[name] / len(ranking):.1f}"]
        lines.append(f"| {' | '.join([name, *values])} |")
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the SQuAD dev files")
    parser.add_argument("--every", type=int, default=1, help="ask every n-th question")
    parser.add_argument("--depth", type=int, default=50, help="candidates to rerank")
    parser.add_argument("--distractors", help="a source of further passages: sample, a file, …")
    parser.add_argument("--limit", type=int, default=10_000, help="so many of them at the most")
    parser.add_argument("--model", default="bundled", help="bundled, a folder, or a hub id")
    options = parser.parse_args()
    dataset = load_retrieval_dataset(
        options.data / "squad-dev-questions.jsonl.gz", options.data / "squad-dev-passages.jsonl.gz"
    )
    questions = dict(itertools.islice(dataset.queries.items(), 0, None, options.every))
    model = load_cross_encoder(options.model)
    with build(dataset, options.distractors, options.limit) as index:
        rankings, seconds = rank_all(index, questions, options.depth, model)
        print(
            f"{len(questions):,} questions over {index.store.count():,} passages, top "
            f"{options.depth} reranked by {model.model_id}; {platform.machine()}, "
            f"{os.cpu_count()} cores, Python {platform.python_version()}\n"
        )
    print(table(rankings, seconds, dataset, options.depth))


if __name__ == "__main__":
    main()

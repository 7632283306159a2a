"""Search in eight languages: the bundled models, or others.

Usage: python benchmarks/languages.py [--embedder MODEL] [--reranker MODEL] [--data FOLDER]
           [--languages de …] [--questions 100] [--passages 250] [--json]

The data are questions of MLQA, TyDi QA and ARCD, with the passage that answers each, and other
passages of the same set. Each language has its own index, which recognises the language from the
text. The table has MRR@10 of lexical, dense and hybrid search, and of what a search returns by
default: reranked, or in the order of first-stage retrieval if the reranker does not read the
language. `--embedder` uses the prompts of e5, a model that `scripts/multilingual_e5.py` makes
without the hub.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import print_result
from timing import markdown_table

from langchain_wikirank import WikiReranker, WikiRetriever
from wikirank.embed import Embedder, load_any_embedder
from wikirank.index import WikiIndex

DATA = Path(__file__).parents[2] / "shared" / "data" / "qa" / "pairs-other-languages.jsonl.gz"
DEPTH = 10
SEARCHES: dict[str, dict[str, Any]] = {
    "lexical": {"search_type": "lexical", "rerank": False},
    "dense": {"search_type": "dense", "rerank": False},
    "hybrid": {"search_type": "hybrid", "rerank": False},
    "final": {},
}


@dataclass(frozen=True)
class Wiki:
    """Passages of one language and questions about them.

    Attributes:
        passages: Title and text by id.
        questions: Pairs of a question and the id of the passage that answers it.
    """

    passages: dict[str, tuple[str, str]]
    questions: list[tuple[str, str]]


def read_wikis(
    data: Path, languages: Sequence[str], questions: int, passages: int
) -> dict[str, Wiki]:
    """Sample questions and passages of each language, always the same.

    Args:
        data: The data file.
        languages: Codes of the languages; empty for all.
        questions: Number of questions per language.
        passages: Number of passages per language, including those that answer the questions.

    Returns:
        Wikis by language code.
    """
    records = defaultdict(list)
    with gzip.open(data, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            records[record["lang"]].append(record)
    wikis = {}
    for language in sorted(languages or records):
        own = records[language]
        random.Random(language).shuffle(own)
        ids = {
            passage: str(i) for i, passage in enumerate(dict.fromkeys(r["passage"] for r in own))
        }
        asked = own[:questions]
        wanted = {ids[r["passage"]] for r in asked}
        others = [i for i in ids.values() if i not in wanted]
        wanted.update(others[: max(0, passages - len(wanted))])
        kept = {
            ids[r["passage"]]: (r["title"], r["passage"])
            for r in own
            if ids[r["passage"]] in wanted
        }
        wikis[language] = Wiki(kept, [(r["question"], ids[r["passage"]]) for r in asked])
    return wikis


def measure(wiki: Wiki, embedder: Embedder | None, reranker: str) -> dict[str, Any]:
    """Return MRR@10 of each kind of search.

    Args:
        wiki: The wiki to index and search.
        embedder: Model for the vectors; None for the bundled one.
        reranker: Name of the reranker.

    Returns:
        MRR@10 by kind of search, and the `language` that the index recognised.
    """
    with WikiIndex.create(embedder=embedder) as index:
        retriever = WikiRetriever(index=index, reranker=WikiReranker(model=reranker))
        documents = [_document(id_, *passage) for id_, passage in wiki.passages.items()]
        retriever.add_documents(documents)
        figures: dict[str, Any] = {
            name: sum(_reciprocal_ranks(retriever, wiki, settings)) / len(wiki.questions)
            for name, settings in SEARCHES.items()
        }
        return {**figures, "language": index.info().language}


def _document(id_: str, title: str, text: str) -> Any:
    from langchain_core.documents import Document

    return Document(page_content=text, metadata={"title": title}, id=id_)


def _reciprocal_ranks(
    retriever: WikiRetriever, wiki: Wiki, settings: dict[str, Any]
) -> list[float]:
    """Return each question's reciprocal rank, 0 if its passage is not found."""
    ranks = []
    for question, answer in wiki.questions:
        ids = [document.id for document in retriever.invoke(question, k=DEPTH, **settings)]
        ranks.append(1 / (ids.index(answer) + 1) if answer in ids else 0.0)
    return ranks


def chosen_embedder(model: str | None) -> Embedder | None:
    """Load an embedder by name, with the prompts of e5; return None for the bundled one."""
    if model is None:
        return None
    return load_any_embedder(model, query_prompt="query: ", passage_prompt="passage: ")


def main() -> None:
    """Index and search each language, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embedder")
    parser.add_argument("--reranker", default="bundled")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--languages", nargs="*", default=[])
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--passages", type=int, default=250)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    wikis = read_wikis(given.data, given.languages, given.questions, given.passages)
    embedder = chosen_embedder(given.embedder)
    measured = {}
    for language, wiki in wikis.items():
        measured[language] = measure(wiki, embedder, given.reranker)
        print(language, measured[language], flush=True)
    rows = [
        [language, *(f"{figures[name]:.3f}" for name in SEARCHES)]
        for language, figures in measured.items()
    ]
    means = [
        sum(figures[name] for figures in measured.values()) / len(measured) for name in SEARCHES
    ]
    rows.append(["mean", *(f"{mean:.3f}" for mean in means)])
    print_result(markdown_table(["", *SEARCHES], rows), measured, as_json=given.json)


if __name__ == "__main__":
    main()

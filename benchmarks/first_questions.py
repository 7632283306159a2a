"""A newcomer's first questions: whether the demo's index ranks the right article first.

Usage: python benchmarks/first_questions.py INDEX [--json]

INDEX is the folder that `wikirank demo` makes. The questions, each with the articles that answer
it, are in `first_questions.jsonl`. They were written before the bundled models were trained, and
none of them is in the training data. For each question the table shows the article that came first,
its relevance score, and the rank and score of the best passage of a right article.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from timing import markdown_table

from wikirank.index import WikiIndex
from wikirank.search import Searcher, SearchOptions

QUESTIONS = Path(__file__).with_name("first_questions.jsonl")
K = 10
SURE = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the result of its search.

    Attributes:
        question: The question.
        first: Title of the first passage.
        first_score: Its relevance score, in [0, 1].
        right_rank: Rank of the first passage of a right article, from 1; None if not among K.
        right_score: Relevance score of that passage; None if not among K.
    """

    question: str
    first: str
    first_score: float
    right_rank: int | None
    right_score: float | None

    @property
    def is_right(self) -> bool:
        """Return whether a right article is first, with a score over 0.5."""
        return self.right_rank == 1 and self.first_score > SURE


def ask(searcher: Searcher, question: str, titles: set[str]) -> Asked:
    """Ask a question whose right articles are known."""
    passages = searcher.search(question, SearchOptions(k=K)).passages
    right = next((hit for hit in passages if hit.passage.title in titles), None)
    return Asked(
        question,
        passages[0].passage.title,
        passages[0].relevance_score or 0.0,
        right.rank if right else None,
        right.relevance_score if right else None,
    )


def main() -> None:
    """Ask all questions and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path, help="folder that `wikirank demo` made")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    given = parser.parse_args()
    records = map(json.loads, QUESTIONS.read_text("utf-8").splitlines())
    with WikiIndex.open(given.index) as index:
        searcher = Searcher(index)
        asked = [ask(searcher, one["question"], set(one["titles"])) for one in records]
    if given.json:
        print(json.dumps([asdict(one) for one in asked], indent=2))
        return
    header = ["question", "first", "score", "right article's rank", "its score"]
    rows = [
        [
            one.question,
            one.first,
            f"{one.first_score:.2f}",
            str(one.right_rank or "–"),
            "–" if one.right_score is None else f"{one.right_score:.2f}",
        ]
        for one in asked
    ]
    print(markdown_table(header, rows))
    first = sum(one.right_rank == 1 for one in asked)
    sure = sum(one.is_right for one in asked)
    print(f"\n{first} of {len(asked)} right articles first, {sure} of them over {SURE}.")


if __name__ == "__main__":
    main()

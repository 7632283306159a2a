"""SQuAD v1.1 dev as a retrieval task: questions with candidate passages."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from wikirank.corpus import open_source
from wikirank.evaluate.candidates import dataset_passages, distractor_passages
from wikirank.evaluate.datasets import RetrievalDataset, load_retrieval_dataset
from wikirank.index.bm25 import LexicalIndex
from wikirank.types import Passage

SQUAD = Path(__file__).resolve().parents[1].parent / "shared/data/qa"
SEED = 0


@dataclass(frozen=True, slots=True)
class Candidates:
    """A question and its candidates from first-stage retrieval.

    Attributes:
        question: The question.
        passages: Texts of the candidates, best first.
        relevant: Position of the relevant passage; None if it is not a candidate.
    """

    question: str
    passages: list[str]
    relevant: int | None


class SquadCandidates:
    """Questions of SQuAD dev, and BM25's candidates among its passages.

    Args:
        folder: Folder of the lexical index; filled unless it has been already.
        data: Folder of `squad-dev-questions.jsonl.gz` and `squad-dev-passages.jsonl.gz`.
        questions: Number of questions to sample, always the same ones.
    """

    def __init__(self, folder: Path, data: Path, questions: int) -> None:
        self._dataset = load_squad(data)
        self._index = LexicalIndex(folder, create=True)
        if not self._index.count():
            with self._index.writer() as writer:
                writer.put(dataset_passages(self._dataset))
        self._queries = random.Random(SEED).sample(sorted(self._dataset.queries), questions)

    def of(self, number: int, depth: int) -> Candidates:
        """Return the candidates of a question; if BM25 finds too few, others are added.

        Args:
            number: Number of the question from 0, modulo the number of questions.
            depth: Number of candidates.

        Returns:
            The question with `depth` candidates.
        """
        query = self._queries[number % len(self._queries)]
        question, [answer] = self._dataset.queries[query], self._dataset.relevant[query]
        hits = [id_ for id_, _ in self._index.search(question, depth)]
        others = (id_ for id_ in self._dataset.passages if id_ not in hits)
        ids = [*hits, *islice(others, depth - len(hits))]
        texts = [self._dataset.passages[id_] for id_ in ids]
        return Candidates(question, texts, ids.index(answer) if answer in hits else None)


def load_squad(data: Path) -> RetrievalDataset:
    """Read the data set from the folder with its two files."""
    return load_retrieval_dataset(
        data / "squad-dev-questions.jsonl.gz", data / "squad-dev-passages.jsonl.gz"
    )


def corpus(dataset: RetrievalDataset, distractors: int) -> Iterator[Passage]:
    """Yield the data set's passages, then `distractors` passages of the sample corpus."""
    yield from dataset_passages(dataset)
    if distractors:
        yield from islice(distractor_passages(open_source("sample")), distractors)


def sample_questions(dataset: RetrievalDataset, number: int) -> Sequence[tuple[str, str]]:
    """Sample questions from the data set, always the same ones.

    Returns:
        `number` pairs of a question and the id of the passage that answers it.
    """
    drawn = random.Random(SEED).sample(sorted(dataset.queries), number)
    return [(dataset.queries[id_], next(iter(dataset.relevant[id_]))) for id_ in drawn]

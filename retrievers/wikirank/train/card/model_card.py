"""The model card of a trained cross-encoder, with the sections of the original card.

Every figure comes from the run's record, except results on natural questions, which are passed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wikirank.train.card.data import MAX_LENGTH, WINDOW_CHARS
from wikirank.train.card.record import TrainingRecord
from wikirank.train.templates import figure, render


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """One row of the table of natural questions.

    Attributes:
        dataset: Name of the questions and the passages.
        ranking: Name of the ranking, such as "BM25" or "BM25, first 50 reranked".
        metrics: Metric name to value. All rows have the same names.
    """

    dataset: str
    ranking: str
    metrics: Mapping[str, float]


def model_card(
    record: TrainingRecord, questions: Sequence[QuestionResult] = (), *, questions_note: str = ""
) -> str:
    """Return the model card of a finished run as Markdown with YAML front matter.

    `questions` are results on natural questions over held-out passages, and `questions_note` tells
    how they were measured.
    """
    return render(
        "card.md.j2",
        record=record,
        questions=questions,
        questions_rows=[
            [row.dataset, row.ranking, *map(figure, row.metrics.values())] for row in questions
        ],
        questions_note=questions_note,
        max_length=MAX_LENGTH,
        window_chars=WINDOW_CHARS,
    )

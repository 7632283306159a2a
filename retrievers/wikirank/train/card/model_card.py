"""The model card of a trained cross-encoder, in the sections of the original's.

Every figure comes from the run's record; what was measured elsewhere is given as rows.
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
        dataset: What was asked, and of what.
        ranking: What was ranked how, such as "BM25" or "BM25, first 50 reranked".
        metrics: Metric name to value; the same names in every row.
    """

    dataset: str
    ranking: str
    metrics: Mapping[str, float]


def model_card(
    record: TrainingRecord, questions: Sequence[QuestionResult] = (), *, questions_note: str = ""
) -> str:
    """Write the model card.

    Args:
        record: Of the finished run.
        questions: Results on natural questions over passages that were not trained on.
        questions_note: How they were measured.

    Returns:
        Markdown with a YAML front matter.
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

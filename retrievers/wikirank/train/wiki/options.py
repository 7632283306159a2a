"""What may be changed about the wiki recipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wikirank.train.data.groups import GroupOptions
from wikirank.train.data.question_groups import QuestionOptions

MODEL_ID = "langchain-wikirank/wiki-minilm-l6"


@dataclass(frozen=True, slots=True)
class WikiOptions:
    """What may be changed about the recipe.

    Attributes:
        groups: How training groups are made.
        training: `GroupHyperparameters` by name; what is left out has its default.
        train_length: Longest pair to train on, in tokens; longer passages lose their end.
        max_length: Longest pair to score, in tokens; more than it was trained on is scored badly,
            so longer passages are scored in windows. Windows of 128 rank better than of 256.
        held_out_queries: Most candidate lists of dev, and of test.
        depth: Candidates a list.
        seed: Of the data, a new head, and training.
        teachers: Models whose scores are learned, with the loss `distillation`; see `teach`.
        questions: How groups of unlabelled questions are made.
        layers: Of the base's transformer to train, evenly spread and the last among them; None
            trains all. Half of them rerank in half the time.
        dropout: Share of the transformer's states to drop while training, in [0, 1).
        model_id: What to call the model.
    """

    groups: GroupOptions = field(default_factory=GroupOptions)
    training: dict[str, Any] = field(default_factory=dict)
    train_length: int = 128
    max_length: int = 128
    held_out_queries: int = 300
    depth: int = 50
    seed: int = 42
    teachers: tuple[str, ...] = ()
    questions: QuestionOptions = field(default_factory=QuestionOptions)
    layers: int | None = None
    dropout: float = 0.0
    model_id: str = MODEL_ID

"""Options of the wiki recipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wikirank.train.data.groups import GroupOptions
from wikirank.train.data.question_groups import QuestionOptions

MODEL_ID = "langchain-wikirank/wiki-minilm-l6"


@dataclass(frozen=True, slots=True)
class WikiOptions:
    """Options of the wiki recipe.

    Attributes:
        groups: How to make training groups.
        training: Changes to `GroupHyperparameters`, by name.
        train_length: Maximum length of a pair in training, in tokens; longer passages are
            truncated.
        max_length: Maximum length of a pair in scoring, in tokens; longer passages are scored in
            windows. Pairs longer than in training are scored badly, and windows of 128 tokens rank
            better than of 256.
        held_out_queries: Maximum number of candidate lists of dev, and of test.
        depth: Number of candidates in a list.
        seed: Seed of the data, of a new head, and of training.
        teachers: Models to learn the scores of, with the loss `distillation`; see `load_teacher`.
        questions: How to make groups of unlabelled questions.
        layers: Number of the base's layers to keep, evenly spread and including the last; None
            keeps all. Half of the layers rerank in half the time.
        dropout: Share of the transformer's states to drop while training, in [0, 1).
        model_id: Name of the model.
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

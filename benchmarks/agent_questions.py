"""The questions of the agent benchmark, and the check whether a gold passage was read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

QUESTIONS = Path(__file__).with_name("agent_questions.jsonl")


@dataclass(frozen=True, slots=True)
class Gold:
    """A passage that answers a step, identified by a phrase.

    Attributes:
        title: The article's title.
        contains: A short phrase from the sentence that answers.
    """

    title: str
    contains: str


@dataclass(frozen=True, slots=True)
class Step:
    """One call to the search tool.

    Attributes:
        query: What the agent sends.
        gold: Passages that it should read; empty where no article answers.
    """

    query: str
    gold: tuple[Gold, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question that takes several search steps.

    Attributes:
        id: Unique name of the question.
        question: Text of the question.
        corpus: Corpus with the answers: `sample`, `tech` or `both`.
        steps: Search calls, in order.
        unanswerable: Whether no corpus has the answer.
    """

    id: str
    question: str
    corpus: str
    steps: tuple[Step, ...]
    unanswerable: bool = False

    @property
    def gold(self) -> tuple[Gold, ...]:
        """The gold passages of all steps."""
        return tuple(gold for step in self.steps for gold in step.gold)


def read_questions(path: Path = QUESTIONS) -> list[Question]:
    """Read questions from a JSON lines file."""
    lines = path.read_text("utf-8").splitlines()
    return [_question(json.loads(line)) for line in lines if line.strip()]


def was_read(gold: Gold, text: str) -> bool:
    """Return whether a text contains the phrase of a gold passage, ignoring white space."""
    return _normalise_space(gold.contains) in _normalise_space(text)


def gold_recall(question: Question, texts: Sequence[str]) -> float:
    """Return the share of gold passages that appear in any of the texts, from 0 to 1."""
    found = [any(was_read(gold, text) for text in texts) for gold in question.gold]
    return sum(found) / len(found)


def _question(record: dict) -> Question:
    steps = tuple(
        Step(step["query"], tuple(Gold(**gold) for gold in step["gold"]))
        for step in record.pop("steps")
    )
    return Question(steps=steps, **record)


def _normalise_space(text: str) -> str:
    return " ".join(text.split())

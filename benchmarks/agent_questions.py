"""The questions of the agent evaluation, and what counts as having read their gold passages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

QUESTIONS = Path(__file__).with_name("agent_questions.jsonl")


@dataclass(frozen=True, slots=True)
class Gold:
    """A passage that answers, named without its text.

    Attributes:
        title: The article's title.
        contains: A short phrase of the sentence that answers.
    """

    title: str
    contains: str


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the search tool.

    Attributes:
        query: What the agent sends.
        gold: What it should get to read; empty where no article answers.
    """

    query: str
    gold: tuple[Gold, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question that takes several steps.

    Attributes:
        id: Its name.
        question: What the person asks.
        corpus: `sample`, `tech` or `both`: where the answers stand.
        steps: The calls in their order.
        unanswerable: Whether neither corpus answers.
    """

    id: str
    question: str
    corpus: str
    steps: tuple[Step, ...]
    unanswerable: bool = False

    @property
    def gold(self) -> tuple[Gold, ...]:
        """The golds of all steps."""
        return tuple(gold for step in self.steps for gold in step.gold)


def read_questions(path: Path = QUESTIONS) -> list[Question]:
    """Read questions, one JSON object a line."""
    lines = path.read_text("utf-8").splitlines()
    return [_question(json.loads(line)) for line in lines if line.strip()]


def was_read(gold: Gold, text: str) -> bool:
    """Whether a gold's phrase stands in a text, however the white space is set."""
    return _squeezed(gold.contains) in _squeezed(text)


def gold_recall(question: Question, texts: Sequence[str]) -> float:
    """Share of a question's golds that stand in one of the texts, from 0 to 1."""
    found = [any(was_read(gold, text) for text in texts) for gold in question.gold]
    return sum(found) / len(found)


def _question(record: dict) -> Question:
    steps = tuple(
        Step(step["query"], tuple(Gold(**gold) for gold in step["gold"]))
        for step in record.pop("steps")
    )
    return Question(steps=steps, **record)


def _squeezed(text: str) -> str:
    return " ".join(text.split())

"""What a process does that makes articles for another, which started it for that."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterable
from traceback import format_exc
from typing import Any, NamedTuple

from wikirank.types import Article


class Answer(NamedTuple):
    """The articles of a group, as far as they could be made.

    Attributes:
        articles: The articles.
        error: What was raised in place of the next; None if all were made.
        traceback: Where that was, as text.
    """

    articles: list[Article]
    error: Exception | None = None
    traceback: str = ""


def serve() -> None:
    """Answer each group on standard input, until that ends because the starter is done or dead."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(
        os.open(os.devnull, os.O_WRONLY), 1
    )  # Whatever prints must not do so among the answers.
    try:
        make = pickle.load(requests)
        while True:
            answers.write(pickle.dumps(_answer(make, pickle.load(requests)), protocol=5))
            answers.flush()
    except (EOFError, pickle.UnpicklingError, BrokenPipeError):
        os._exit(0)  # What is still in a buffer has no reader.


def _answer(make: Callable[[Any], Article], group: Iterable[Any]) -> Answer:
    articles: list[Article] = []
    try:
        for item in group:
            articles.append(make(item))  # noqa: PERF401 - those before an error are kept
    except Exception as err:
        return Answer(articles, err, format_exc())
    return Answer(articles)

"""A question from end to end: ours and LangChain's stock stack, as one table.

Usage: python benchmarks/question_latency.py CACHE [--questions 50] [--starts 3]
           [--distractors 10000] [--only NAME ...] [--json]

Ours is `WikiRetriever` on an index. The other is Chroma with HuggingFaceEmbeddings, BM25Retriever,
EnsembleRetriever and ContextualCompressionRetriever with CrossEncoderReranker, in torch. Both have
the same passages (SQuAD dev and passages of the sample corpus), the same weights, at most 50
candidates and five results. They take turns on the same questions. A start lasts from the beginning
of a new process, whose files are in the system's cache, to its first answer. The first run builds
the indexes in CACHE, which takes minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from contestants.processes import ContestantProcess, child_environment, closing_all
from contestants.stacks import OURS, STOCK
from corpora import STACKS, Stacks
from machine import print_result, timed_process
from rerank_speed import PAUSE, prepared_weights
from squad import SQUAD, load_squad, sample_questions
from timing import Timings, alternate, markdown_table

COMMAND = "command"
LABELS = {**STACKS, COMMAND: "`wikirank search`, the whole process"}


@dataclass(slots=True)
class Measured:
    """Measurements of one stack.

    Attributes:
        seconds: Duration of each question, in a process that has already answered one.
        found: Number of these questions whose relevant passage was among the five.
        starts: Seconds from the start of each process to its first answer.
        peak_mb: Peak memory, in MB.
    """

    seconds: list[float] = field(default_factory=list)
    found: int = 0
    starts: list[float] = field(default_factory=list)
    peak_mb: float = 0.0


def main() -> None:
    """Measure questions and starts, and print the table."""
    given = _arguments()
    weights = given.cache if given.only == [OURS] else prepared_weights(given.cache)
    stacks = Stacks.prepare(given.cache, given.data, given.distractors, weights)
    questions = sample_questions(load_squad(given.data), given.questions + 1)
    measured = {name: Measured() for name in given.only}
    for name in given.only:
        stacks.index(name)
    _ask(stacks, measured, questions)
    alternate(
        given.only,
        given.starts,
        lambda name, number: _start(
            stacks, name, measured[name], questions[number % len(questions)][0]
        ),
        pause=PAUSE,
    )
    if OURS in measured:
        measured[COMMAND] = _run_command(stacks, given.starts, questions)
    print_result(table(measured), measured, as_json=given.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--data", type=Path, default=SQUAD)
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--distractors", type=int, default=10000)
    parser.add_argument("--only", nargs="+", choices=list(STACKS), default=list(STACKS))
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _ask(
    stacks: Stacks, measured: dict[str, Measured], questions: Sequence[tuple[str, str]]
) -> None:
    running: dict[str, ContestantProcess] = {}

    def turn(name: str, number: int) -> None:
        question, answer = questions[number]
        reply = running[name].ask(question=question)
        if number:  # The first one warms up.
            measured[name].seconds.append(reply["seconds"])
            measured[name].found += answer in reply["ids"]
            measured[name].peak_mb = reply["peak_mb"]

    with closing_all(running):
        for name in measured:
            running[name] = stacks.open(name)
        alternate(list(running), len(questions), turn, pause=PAUSE)


def _start(stacks: Stacks, name: str, measured: Measured, question: str) -> None:
    started = perf_counter()
    with stacks.open(name) as process:
        process.ask(question=question)
        measured.starts.append(perf_counter() - started)


def _run_command(stacks: Stacks, starts: int, questions: Sequence[tuple[str, str]]) -> Measured:
    measured = Measured()
    command = [sys.executable, "-m", "wikirank", "search", "--index", str(stacks.index(OURS))]
    for number in range(starts):
        asked = [*command, "--json", questions[number % len(questions)][0]]
        seconds, peak_mb = timed_process(asked, child_environment(own=True))
        measured.starts.append(seconds)
        measured.peak_mb = max(measured.peak_mb, peak_mb)
    return measured


def table(measured: dict[str, Measured]) -> str:
    """Return the Markdown table of measurements by stack.

    Ratios are to LangChain's stock stack, if it took part.
    """
    header = [
        "× stock",
        "stack",
        "a question: p50 / p95 ms",
        "the answer among the five",
        "peak MB",
        "start to first answer: × stock, p50 s",
    ]
    stock = measured.get(STOCK)
    rows = []
    for name, one in measured.items():
        times = Timings(one.seconds) if one.seconds else None
        starts = Timings(one.starts)
        ratio = start_ratio = "–"
        if stock is not None:
            start_ratio = f"{Timings(stock.starts).p50 / starts.p50:.2f}"
            ratio = f"{Timings(stock.seconds).p50 / times.p50:.2f}" if times else "–"
        rows.append(
            [
                ratio,
                LABELS[name],
                times.cell() if times else "–",
                f"{one.found / len(one.seconds):.3f}" if one.seconds else "–",
                f"{one.peak_mb:.0f}",
                f"{start_ratio}: {starts.p50 / 1000:.2f}",
            ]
        )
    return markdown_table(header, rows)


if __name__ == "__main__":
    main()

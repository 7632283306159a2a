"""Output of the commands: progress and tables of passages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from wikirank._util import counted
from wikirank.index.report import IndexProgress, OnProgress
from wikirank.types import RankedPassage

if TYPE_CHECKING:
    from wikirank.evaluate.candidates import OnStep

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_EXCERPT_CHARS = 240
_MAX_EXCERPT_CHARS = 600
_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def index_progress(description: str, *, show: bool = True) -> Iterator[OnProgress]:
    """Show progress on standard error: articles, passages, rate, time left.

    Args:
        description: Text before the bar.
        show: False to show nothing.

    Yields:
        Callback for the progress after each batch.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        lines = ProgressLines(show=show)
        yield lambda state: lines.write(
            f"{description}: {_count(state.articles, state.total)} articles, "
            f"{counted(state.passages, 'passage')}"
        )
        return
    speed = "articles, {task.fields[passages]} passages {task.fields[rate]:.0f}/s"
    with _progress_bar(speed, console, show) as progress:
        task = progress.add_task(description, total=None, passages=0, rate=0.0)

        def update(state: IndexProgress) -> None:
            progress.update(
                task,
                completed=state.articles,
                total=state.total,
                passages=state.passages,
                rate=_rate(progress, task, state.passages),
            )

        yield update


@contextmanager
def step_progress(*, show: bool = True) -> Iterator[OnStep]:
    """Show progress on standard error, with one bar per step: items done, rate, time left.

    Args:
        show: False to show nothing.

    Yields:
        Callback with the name of the step, the number of items done, and their total.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        lines = ProgressLines(show=show)
        yield lambda step, done, total: lines.write(f"{step}: {_count(done, total)}", topic=step)
        return
    tasks: dict[str, TaskID] = {}
    with _progress_bar("{task.fields[rate]:.1f}/s", console, show) as progress:

        def update(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total, rate=0.0)
            rate = _rate(progress, tasks[step], done)
            progress.update(tasks[step], completed=done, rate=rate)

        yield update


class ProgressLines:
    """Writes progress as lines on standard error, one every ten seconds, if there is no terminal.

    Args:
        show: False to write nothing.
        clock: Returns the time in seconds.
    """

    def __init__(self, *, show: bool = True, clock: Callable[[], float] = monotonic) -> None:
        self._show = show
        self._clock = clock
        self._last = clock()
        self._topic = ""

    def write(self, text: str, *, topic: str = "") -> None:
        """Write a line if ten seconds have passed since the last one, or if the topic is new."""
        now = self._clock()
        if self._show and (topic != self._topic or now - self._last >= _SECONDS_BETWEEN_LINES):
            typer.echo(text, err=True)
            self._last, self._topic = now, topic


def _count(done: int, total: int | None) -> str:
    return str(done) if total is None else f"{done} of {total}"


def _progress_bar(speed: str, console: Console, show: bool) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TextColumn(speed),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, disable=not show)


def _rate(progress: Progress, task: TaskID, done: int) -> float:
    elapsed = progress.tasks[task].elapsed
    return done / elapsed if elapsed else 0.0


def first_stage_score(result: RankedPassage) -> tuple[str, float]:
    """Return the name and value of the score that ordered a result before reranking."""
    if result.fusion_score is not None:
        return "fusion", result.fusion_score
    if result.dense_score is not None:
        return "cosine", result.dense_score
    return "BM25", result.lexical_score or 0.0


def print_results(
    console: Console,
    results: Sequence[RankedPassage],
    *,
    title: str,
    answers: Sequence[str],
    reranked: bool,
) -> None:
    """Print results as a table in a terminal, otherwise as lines that programs can parse.

    Args:
        console: Console to print on.
        results: Passages, best first.
        title: Heading above the results.
        answers: The best answering sentence of each passage; empty for none.
        reranked: True to show relevance scores and ranks before reranking, False to show
            first-stage scores.
    """
    if console.is_terminal:
        console.print(_results_table(results, answers, title=title, reranked=reranked))
        return
    lines = [one_line(title)]
    for result, sentence in zip(results, answers, strict=True):
        name, score = _shown_score(result, reranked=reranked)
        was = f", was {result.rank_before}" if reranked else ""
        passage = result.passage
        lines += [
            f"{result.rank}. {one_line(passage.heading or passage.id)} ({name} {score:.3f}{was})",
            f"   {excerpt(passage.text, sentence)}",
            *([f"   {one_line(passage.url)}"] if passage.url else []),
        ]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _results_table(
    results: Sequence[RankedPassage], answers: Sequence[str], *, title: str, reranked: bool
) -> Table:
    score_name = _shown_score(results[0], reranked=reranked)[0] if results else "score"
    table = Table(
        title=Text(one_line(title)),
        title_justify="left",
        title_style="bold",
        expand=True,
        show_lines=True,
    )
    table.add_column("#", justify="right", no_wrap=True)
    if reranked:
        table.add_column("was", justify="right", no_wrap=True)
    table.add_column(score_name, justify="right", no_wrap=True)
    table.add_column("passage", ratio=1, overflow="fold")
    for result, sentence in zip(results, answers, strict=True):
        score = _shown_score(result, reranked=reranked)[1]
        was = [str(result.rank_before)] if reranked else []
        table.add_row(str(result.rank), *was, f"{score:.3f}", _passage_cell(result, sentence))
    return table


def _shown_score(result: RankedPassage, *, reranked: bool) -> tuple[str, float]:
    return ("score", result.relevance_score or 0.0) if reranked else first_stage_score(result)


def _passage_cell(result: RankedPassage, sentence: str) -> Text:
    passage = result.passage
    cell = Text(one_line(passage.heading or passage.id), style="bold")
    shown = excerpt(passage.text, sentence)
    cell.append("\n")
    cell.append(shown, style="not bold")
    start = shown.find(one_line(sentence)) if sentence else -1
    if start >= 0:
        first = len(cell) - len(shown) + start
        cell.stylize("bold black on yellow", first, first + len(one_line(sentence)))
    if url := one_line(passage.url):
        cell.append(f"\n{url}", style=f"not bold cyan link {url}")
    return cell


def excerpt(text: str, sentence: str) -> str:
    """Return a sentence of a passage and some text after it on one line; `…` marks omitted text."""
    line, sentence = one_line(text), one_line(sentence)
    start = max(0, line.find(sentence))
    end = max(start + len(sentence), min(len(line), start + _EXCERPT_CHARS))
    shown = line[start:end]
    if len(shown) > _MAX_EXCERPT_CHARS:
        end = start + _MAX_EXCERPT_CHARS
        shown = line[start:end].rstrip()
    elif end < len(line) and end > start + len(sentence):
        cut = shown.rfind(" ", len(sentence))
        shown = shown[:cut] if cut > 0 else shown
    return f"{'… ' if start else ''}{shown.rstrip()}{' …' if end < len(line) else ''}"


def one_line(text: str) -> str:
    """Collapse white space to single spaces and remove control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())


def timings_line(timings: dict[str, float]) -> str:
    """Write the time of each stage on one line, in milliseconds."""
    return " · ".join(f"{stage} {milliseconds:.1f} ms" for stage, milliseconds in timings.items())

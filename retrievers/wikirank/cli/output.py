"""What the commands print: progress and tables of passages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

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

from wikirank.index.report import IndexProgress, OnProgress
from wikirank.types import RankedPassage

if TYPE_CHECKING:
    from wikirank.evaluate.candidates import OnStep

_SNIPPET_CHARS = 160


@contextmanager
def index_progress(description: str, *, show: bool = True) -> Iterator[OnProgress]:
    """A progress bar on standard error: articles, passages, rate, time left.

    Args:
        description: What is indexed.
        show: Whether to show it at all.

    Yields:
        What to call after each batch.
    """
    speed = "articles, {task.fields[passages]} passages {task.fields[rate]:.0f}/s"
    with _progress(speed, show) as progress:
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
    """A progress bar for each step of some work on standard error: done, rate, time left.

    Args:
        show: Whether to show them at all.

    Yields:
        What to call with the name of a step, how much of it is done, and of how much.
    """
    tasks: dict[str, TaskID] = {}
    with _progress("{task.fields[rate]:.1f}/s", show) as progress:

        def update(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total, rate=0.0)
            rate = _rate(progress, tasks[step], done)
            progress.update(tasks[step], completed=done, rate=rate)

        yield update


def _progress(speed: str, show: bool) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TextColumn(speed),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), disable=not show)


def _rate(progress: Progress, task: TaskID, done: int) -> float:
    elapsed = progress.tasks[task].elapsed
    return done / elapsed if elapsed else 0.0


def first_stage_score(result: RankedPassage) -> tuple[str, float]:
    """The score that ordered a result before reranking, with its name."""
    if result.fusion_score is not None:
        return "fusion", result.fusion_score
    if result.dense_score is not None:
        return "cosine", result.dense_score
    return "BM25", result.lexical_score or 0.0


def results_table(results: Sequence[RankedPassage], *, title: str, reranked: bool) -> Table:
    """A table of results: rank, score, heading, link, and how the text begins.

    Args:
        results: Best first.
        title: The table's title.
        reranked: Whether to show relevance scores and former ranks, or first-stage scores.

    Returns:
        The table.
    """
    score_name = first_stage_score(results[0])[0] if results and not reranked else "score"
    table = Table(
        title=title, title_justify="left", title_style="bold", expand=True, show_lines=True
    )
    table.add_column("#", justify="right", no_wrap=True)
    if reranked:
        table.add_column("was", justify="right", no_wrap=True)
    table.add_column(score_name, justify="right", no_wrap=True)
    table.add_column("passage", ratio=1, overflow="fold")
    for result in results:
        score = result.relevance_score if reranked else first_stage_score(result)[1]
        was = [str(result.rank_before)] if reranked else []
        table.add_row(str(result.rank), *was, f"{score:.3f}", _passage_cell(result))
    return table


def _passage_cell(result: RankedPassage) -> Text:
    passage = result.passage
    cell = Text(passage.heading or passage.id, style="bold")
    cell.append(f"\n{snippet(passage.text)}", style="not bold")
    if passage.url:
        cell.append(f"\n{passage.url}", style=f"not bold cyan link {passage.url}")
    return cell


def snippet(text: str, limit: int = _SNIPPET_CHARS) -> str:
    """The beginning of a text on one line, with `…` where it goes on."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def timings_line(timings: dict[str, float]) -> str:
    """Stage times in one line, in milliseconds."""
    return " · ".join(f"{stage} {milliseconds:.1f} ms" for stage, milliseconds in timings.items())

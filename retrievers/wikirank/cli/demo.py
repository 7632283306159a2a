"""`wikirank demo`: index and search real Wikipedia text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from wikirank._util import counted

if TYPE_CHECKING:
    from wikirank.search import Searcher
    from wikirank.types import RankedPassage

QUESTIONS = (
    "Who wrote the first algorithm meant for a machine?",
    "Why is the sky blue?",
    "Which treaty ended the First World War?",
)


def command(
    index: Annotated[Path, typer.Option("--index", help="Folder of the demo index.")] = Path(
        "demo-index"
    ),
    k: Annotated[int, typer.Option("--k", "-k", help="Passages to show per question.")] = 3,
) -> None:
    """Index 10,033 Wikipedia leads and show three searches before and after reranking.

    The first run builds the index in about two minutes. Later runs reuse it.
    """
    from wikirank.cli.build import build_index, open_sources
    from wikirank.cli.output import timings_line
    from wikirank.index import WikiIndex
    from wikirank.search import Searcher, SearchOptions

    console = Console()
    (report,) = build_index(open_sources(["sample"], None), index)
    console.print(
        f"{counted(report.articles, 'article')} from English Wikipedia in {index} "
        f"({counted(report.passages_written, 'passage')} written in {report.seconds:.1f} s).",
        markup=False,
    )
    with WikiIndex.open(index) as opened:
        searcher = Searcher(opened)
        for question in QUESTIONS:
            result = searcher.search(question, SearchOptions(k=k))
            console.print(f"\n{question}", style="bold", markup=False)
            before = result.candidates[:k]
            _show(console, "Before reranking", question, before, searcher)
            _show(console, "After reranking", question, result.passages, searcher)
            console.print(timings_line(result.timings), style="dim")


def _show(
    console: Console,
    title: str,
    question: str,
    results: Sequence[RankedPassage],
    searcher: Searcher,
) -> None:
    from wikirank.cli.output import print_results
    from wikirank.search.answers import answering_sentences

    passages = [result.passage for result in results]
    answers = answering_sentences(question, passages, searcher.cross_encoder)
    reranked = all(result.relevance_score is not None for result in results)
    print_results(console, results, title=title, answers=answers, reranked=reranked)

"""`wikirank demo`: the whole way, on real Wikipedia text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

QUESTIONS = (
    "Who wrote the first algorithm meant for a machine?",
    "Why is the sky blue?",
    "Which treaty ended the First World War?",
)


def command(
    index: Annotated[Path, typer.Option("--index", help="Folder of the demo's index.")] = Path(
        "demo-index"
    ),
    k: Annotated[int, typer.Option("--k", "-k", help="Passages to show.")] = 3,
) -> None:
    """Index 10,033 Wikipedia leads, ask three questions, show results before and after reranking.

    The first run builds the index, in about two minutes; later ones use it again.
    """
    from wikirank.cli.build import build_index, open_sources
    from wikirank.cli.output import results_table, timings_line
    from wikirank.index import WikiIndex
    from wikirank.search import Searcher, SearchOptions

    console = Console()
    (report,) = build_index(open_sources(["sample"], None), index)
    console.print(
        f"{report.articles} articles of English Wikipedia in {index} "
        f"({report.passages_written} passages written in {report.seconds:.1f} s)."
    )
    with WikiIndex.open(index) as opened:
        searcher = Searcher(opened)
        for question in QUESTIONS:
            result = searcher.search(question, SearchOptions(k=k))
            console.rule(f"[bold]{question}")
            before = result.candidates[:k]
            console.print(results_table(before, title="Before reranking", reranked=False))
            console.print(results_table(result.passages, title="After reranking", reranked=True))
            console.print(timings_line(result.timings), style="dim")

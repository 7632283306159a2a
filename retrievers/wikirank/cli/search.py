"""`wikirank search`: search an index, or a wiki without an index."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperOption
from typing_extensions import override

from wikirank.cli.options import (
    DeviceOption,
    JsonOption,
    MaxLengthOption,
    ModelOption,
    RevisionOption,
    chosen_reranker,
    parse_filters,
)
from wikirank.cli.targets import (
    OptionalIndexOption,
    WikiOption,
    ZimOption,
    check_one_target,
    open_searcher,
)
from wikirank.types import SearchType

if TYPE_CHECKING:
    from wikirank.search import SearchResult


class SearchCommand(TyperCommand):
    """Takes the help of its options from the settings, which are slow to import, on `--help`."""

    @override
    def format_help(self, ctx: Any, formatter: Any) -> None:
        from wikirank.settings import RerankSettings, SearchSettings

        settings = {**SearchSettings.model_fields, **RerankSettings.model_fields}
        for option in self.params:
            if isinstance(option, TyperOption) and (field := settings.get(option.name or "")):
                option.help, option.default = field.description, field.default
        super().format_help(ctx, formatter)


def command(
    query: Annotated[str, typer.Argument(help="A question or keywords.")],
    index: OptionalIndexOption = None,
    wiki: WikiOption = None,
    zim: ZimOption = None,
    k: Annotated[int | None, typer.Option("--k", "-k")] = None,
    fetch_k: Annotated[int | None, typer.Option()] = None,
    search_type: Annotated[SearchType | None, typer.Option()] = None,
    rerank: Annotated[bool | None, typer.Option("--rerank/--no-rerank")] = None,
    cascade: Annotated[bool | None, typer.Option("--cascade/--no-cascade")] = None,
    score_threshold: Annotated[float | None, typer.Option()] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="KEY=VALUE",
            help="Only passages with this value in their metadata. Repeatable.",
        ),
    ] = None,
    neighbours: Annotated[int | None, typer.Option()] = None,
    model: ModelOption = None,
    revision: RevisionOption = None,
    device: DeviceOption = None,
    max_length: MaxLengthOption = None,
    timings: Annotated[
        bool, typer.Option("--timings", help="Show the time that each stage took.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Search an index, a live MediaWiki or a ZIM file, and show the best passages.

    Examples:
    - `wikirank search "Who wrote the first computer program?" --index my-index`

    - `wikirank search "neural network" --index my-index --k 3 --filter topic=Technology`

    - `wikirank search "neural network" --index my-index --no-rerank --json`

    - `wikirank search "Who discovered penicillin?" --wiki https://en.wikipedia.org`
    """
    check_one_target(index, wiki, zim)
    from wikirank.rank import load_cross_encoder

    with ThreadPoolExecutor(1, thread_name_prefix="wikirank-load") as executor:
        # Load the model while Chroma is imported, which takes longer.
        loading = None
        if rerank is not False:
            name, version = chosen_reranker(model, revision, index)
            loading = executor.submit(
                load_cross_encoder, name, revision=version, device=device, max_length=max_length
            )
        from wikirank.search import SearchOptions
        from wikirank.search.answers import answering_sentences

    chosen: dict[str, Any] = {"k": k, "fetch_k": fetch_k, "search_type": search_type}
    chosen |= {"rerank": rerank, "cascade": cascade, "score_threshold": score_threshold}
    chosen |= {"filter": parse_filters(filters or []), "neighbours": neighbours}
    options = SearchOptions(**{name: value for name, value in chosen.items() if value is not None})
    cross_encoder = None if loading is None else loading.result()
    with open_searcher(index, wiki, zim, cross_encoder) as searcher:
        result = searcher.search(query, options)
    if as_json:
        typer.echo(json.dumps(_as_dict(result), ensure_ascii=False))
        return
    passages = [ranked.passage for ranked in result.passages]
    answers = answering_sentences(query, passages, cross_encoder)
    _show(result, answers, reranked=options.rerank, timings=timings)


def _as_dict(result: SearchResult) -> dict[str, object]:
    return {
        "query": result.query,
        "note": result.note,
        "results": [ranked.as_dict() for ranked in result.passages],
        "timings_ms": {stage: round(ms, 3) for stage, ms in result.timings.items()},
    }


def _show(result: SearchResult, answers: list[str], *, reranked: bool, timings: bool) -> None:
    from wikirank.cli.output import print_results, timings_line

    console = Console()
    reranked = reranked and all(r.relevance_score is not None for r in result.passages)
    if result.passages:
        print_results(
            console, result.passages, title=result.query, answers=answers, reranked=reranked
        )
    else:
        verb = "was found for" if result.note else "answers"
        console.print(f"No passage {verb} {result.query!r}.", markup=False)
    if result.note:
        console.print(result.note, markup=False, highlight=False)
    if timings:
        console.print(timings_line(result.timings), style="dim")

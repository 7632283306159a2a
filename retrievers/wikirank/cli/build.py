"""Building an index from the command line: `index` and `demo` share it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import typer
from rich.console import Console

from wikirank._providers import is_provider_model, provider_loader
from wikirank._util import counted
from wikirank.cli.output import index_progress
from wikirank.corpus import SourceOptions, open_source
from wikirank.corpus.source import Source
from wikirank.embed import Embedder, load_any_embedder, recorded_embedder
from wikirank.errors import InvalidArgumentError, WikirankError
from wikirank.index import IndexReport, WikiIndex
from wikirank.index.ingest_workers import IngestWorkers
from wikirank.index.preconditions import is_index
from wikirank.index.store import STORE_FILE, PassageStore
from wikirank.passages.splitters import SentenceSplitter, Splitter, WindowSplitter
from wikirank.runtime.model_pairs import BUNDLED, model_pair


def open_sources(
    specs: Sequence[str], name: str | None, options: SourceOptions | None = None
) -> list[Source]:
    """Open the sources of a command line.

    Args:
        specs: Paths, addresses of wikis, or `sample`.
        name: A name for the source, if there is one only.
        options: What to take of each.

    Returns:
        The sources.

    Raises:
        InvalidArgumentError: If a name is given to several sources.
    """
    if name is not None and len(specs) > 1:
        msg = f"--name names one source, but {len(specs)} are given. Index them one by one."
        raise InvalidArgumentError(msg)
    return [open_source(spec, name=name, options=options) for spec in specs]


def chosen_splitter(
    kind: str | None, max_chars: int | None, overlap: int | None
) -> Splitter | None:
    """The splitter that the options name; None where they leave it open."""
    if kind is None and max_chars is None and overlap is None:
        return None
    limit = max_chars or 500
    if kind in (None, "sentences"):
        return SentenceSplitter(max_chars=limit, overlap=overlap or 0)
    if kind == "windows" and not overlap:
        return WindowSplitter(max_chars=limit)
    if kind == "windows":
        msg = "--overlap goes with --splitter sentences; windows do not overlap."
    else:
        msg = f"--splitter is sentences or windows, got {kind!r}."
    raise InvalidArgumentError(msg)


def chosen_embedder(
    model: str | None,
    revision: str | None,
    query_prompt: str | None,
    passage_prompt: str | None,
    device: str | None = None,
) -> Embedder | None:
    """The embedder that the options name; None where they leave it open."""
    if model is not None:
        return load_any_embedder(
            model,
            revision=revision,
            query_prompt=query_prompt,
            passage_prompt=passage_prompt,
            device=device,
        )
    if revision or query_prompt or passage_prompt:
        msg = "--embedder-revision, --query-prompt and --passage-prompt go with --embedder."
        raise InvalidArgumentError(msg)
    return None


def build_index(
    sources: Sequence[Source],
    into: Path,
    *,
    splitter: Splitter | None = None,
    chroma_url: Sequence[str] | None = None,
    collection: str | None = None,
    language: str | None = None,
    models: str | None = None,
    embedder: Embedder | None = None,
    device: str | None = None,
    show_progress: bool = True,
    reread: bool = False,
    ray: bool = False,
    wait: float = 0.0,
) -> list[IndexReport]:
    """Bring an index in line with sources, with a progress bar each.

    Args:
        sources: What to read.
        into: Folder of the index.
        splitter: How to cut articles; None for what the index has, or the default.
        chroma_url: Addresses of Chroma servers.
        collection: Name of their collection.
        language: Of the sources, as `de`; None has the text tell it.
        models: Name of an embedder and a reranker in place of `embedder`, see
            `wikirank.runtime.model_pairs`.
        embedder: Model for the vectors; None for what the index has, or the bundled one.
        device: Where the model for the vectors runs, if no `embedder` is given.
        show_progress: Whether to show the bars.
        reread: Whether to read files even if they look unchanged.
        ray: Whether to read, split and embed on a Ray cluster.
        wait: How many seconds to wait for another writer to end.

    Returns:
        A report for each source.

    Raises:
        InvalidArgumentError: If the models are not known, or an embedder is given beside them.
        MissingExtraError: If Ray is wanted and not installed.
        EmptyCorpusError: If a source holds no text.
        CorpusError: If a source cannot be read. A new index without a passage is taken back.
        Exit: With status 130, after a word on how to go on, on Ctrl-C.
    """
    pair = model_pair(models or BUNDLED)
    if models is not None:
        if embedder is not None:
            msg = f"Expected --models or --embedder, got both; {models} has an embedder."
            raise InvalidArgumentError(msg)
        embedder = load_any_embedder(models, device=device)
    elif embedder is None and device is not None:
        embedder = recorded_embedder(_recorded_recipe(into), device)
    if ray and device is not None:
        msg = f"Expected --device or --ray, got both ({device}): workers embed on their CPUs."
        raise InvalidArgumentError(msg)
    is_new = not is_index(into) and not (into.is_dir() and any(into.iterdir()))
    reports: list[IndexReport] = []
    with (
        _chosen_workers(ray, into, embedder) as workers,
        WikiIndex.open_or_create(
            into,
            splitter=splitter,
            chroma_url=chroma_url,
            collection=collection,
            language=language,
            embedder=embedder,
        ) as index,
    ):
        if pair:
            index.record_reranker(pair.reranker, pair.reranker_revision)
        try:
            for source in sources:
                with index_progress(f"Indexing {source.name}", show=show_progress) as update:
                    report = index.add_source(
                        source, on_progress=update, reread=reread, workers=workers, wait=wait
                    )
                reports.append(report)
        except WikirankError:
            if is_new and not reports and not index.store.count():
                index.close()
                shutil.rmtree(into)
            raise
        except KeyboardInterrupt as err:
            Console(stderr=True).print(
                f"Interrupted. {counted(index.store.count(), 'passage')} safe in {into}; "
                "run the same command to go on."
            )
            raise typer.Exit(130) from err
    return reports


def _chosen_workers(
    ray: bool, into: Path, embedder: Embedder | None
) -> AbstractContextManager[IngestWorkers | None]:
    if not ray:
        return nullcontext()
    from wikirank.cluster import RayWorkers

    recipe = getattr(embedder, "recipe", None) if embedder else _recorded_recipe(into)
    return RayWorkers(make_embedder=embedder_maker(recipe))


def embedder_maker(recipe: Mapping[str, str | None] | None) -> Callable[[], Embedder]:
    """What opens a recorded embedder in another process, which may have imported nothing yet.

    Args:
        recipe: As an index records it.

    Returns:
        A function that can be pickled.
    """
    name = str((recipe or {}).get("model"))
    if is_provider_model(name):
        return partial(provider_loader(name), name)
    return partial(recorded_embedder, recipe)


def _recorded_recipe(into: Path) -> dict[str, str | None] | None:
    """What an index that is there embeds with."""
    if not is_index(into):
        return None
    store = PassageStore(into / STORE_FILE)
    try:
        recipe: dict[str, str | None] | None = store.read_meta().get("embedder_recipe")
    finally:
        store.close()
    return recipe

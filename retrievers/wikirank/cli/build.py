"""Build an index from the command line; shared by `index` and `demo`."""

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
    """Open the sources named on the command line.

    Args:
        specs: Paths, addresses of wikis, or `sample`.
        name: Name for the source; only allowed with a single source.
        options: Which pages to read from each source.

    Returns:
        The sources.

    Raises:
        InvalidArgumentError: If a name is given for several sources.
    """
    if name is not None and len(specs) > 1:
        msg = f"Expected one source with --name, got {len(specs)}. Index them one by one."
        raise InvalidArgumentError(msg)
    return [open_source(spec, name=name, options=options) for spec in specs]


def chosen_splitter(
    kind: str | None, max_chars: int | None, overlap: int | None
) -> Splitter | None:
    """Return the splitter that the options describe; None if no option is set."""
    if kind is None and max_chars is None and overlap is None:
        return None
    limit = max_chars or 500
    if kind in (None, "sentences"):
        return SentenceSplitter(max_chars=limit, overlap=overlap or 0)
    if kind == "windows" and not overlap:
        return WindowSplitter(max_chars=limit)
    if kind == "windows":
        msg = (
            "Expected --overlap with --splitter sentences, got --splitter windows. Drop --overlap."
        )
    else:
        msg = f"Expected --splitter sentences or windows, got {kind!r}. Choose one of them."
    raise InvalidArgumentError(msg)


def chosen_embedder(
    model: str | None,
    revision: str | None,
    query_prompt: str | None,
    passage_prompt: str | None,
    device: str | None = None,
) -> Embedder | None:
    """Load the embedder that the options describe; None if no option is set."""
    if model is not None:
        return load_any_embedder(
            model,
            revision=revision,
            query_prompt=query_prompt,
            passage_prompt=passage_prompt,
            device=device,
        )
    if revision or query_prompt or passage_prompt:
        msg = (
            "Expected --embedder with --embedder-revision, --query-prompt or --passage-prompt, got "
            "none. Name the embedder."
        )
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
    """Create or update an index from sources, with a progress bar for each source.

    Args:
        sources: The sources to index.
        into: Folder of the index.
        splitter: How to split articles; None for the splitter of an existing index, or the default.
        chroma_url: Addresses of Chroma servers; None to store the vectors in the folder.
        collection: Name of the collection on the servers.
        language: Language code of the sources, such as `de`; None to detect it.
        models: Name of a pair of embedder and reranker, instead of `embedder`. See
            `wikirank.runtime.model_pairs`.
        embedder: Embedding model; None for the embedder of an existing index, or the bundled one.
        device: Device for the embedding model, if no `embedder` is given.
        show_progress: Whether to show progress.
        reread: Whether to read files again that look unchanged.
        ray: Whether to parse, split and embed on a Ray cluster.
        wait: Seconds to wait until another process has finished writing.

    Returns:
        One report per source.

    Raises:
        InvalidArgumentError: If the model pair is unknown, or options contradict each other.
        MissingExtraError: If Ray is requested but not installed.
        EmptyCorpusError: If a source has no text.
        CorpusError: If a source cannot be read. A new index without passages is deleted again.
        Exit: With status 130 on Ctrl-C, after a message on how to continue.
    """
    pair = model_pair(models or BUNDLED)
    if models is not None:
        if embedder is not None:
            msg = (
                "Expected --models or --embedder, got both. Leave one out: --models chooses an "
                "embedder too."
            )
            raise InvalidArgumentError(msg)
        embedder = load_any_embedder(models, device=device)
    elif embedder is None and device is not None:
        embedder = recorded_embedder(_recorded_recipe(into), device)
    if ray and device is not None:
        msg = (
            "Expected --device or --ray, got both. Drop --device: Ray workers embed on their CPUs."
        )
        raise InvalidArgumentError(msg)
    is_new = not is_index(into) and not (into.is_dir() and any(into.iterdir()))
    reports: list[IndexReport] = []
    with (
        _open_workers(ray, into, embedder) as workers,
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
                f"Interrupted. {counted(index.store.count(), 'passage')} saved in {into}. "
                "Run the same command again to continue.",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
            raise typer.Exit(130) from err
    return reports


def _open_workers(
    ray: bool, into: Path, embedder: Embedder | None
) -> AbstractContextManager[IngestWorkers | None]:
    if not ray:
        return nullcontext()
    from wikirank.cluster import RayWorkers

    recipe = getattr(embedder, "recipe", None) if embedder else _recorded_recipe(into)
    return RayWorkers(make_embedder=embedder_factory(recipe))


def embedder_factory(recipe: Mapping[str, str | None] | None) -> Callable[[], Embedder]:
    """Return a picklable function that opens an embedder in another process.

    Args:
        recipe: The embedder as recorded in an index; None for the bundled one.

    Returns:
        The function. It imports all that it needs.
    """
    name = str((recipe or {}).get("model"))
    if is_provider_model(name):
        return partial(provider_loader(name), name)
    return partial(recorded_embedder, recipe)


def _recorded_recipe(into: Path) -> dict[str, str | None] | None:
    """Return the embedder recorded in an existing index."""
    if not is_index(into):
        return None
    store = PassageStore(into / STORE_FILE)
    try:
        recipe: dict[str, str | None] | None = store.read_meta().get("embedder_recipe")
    finally:
        store.close()
    return recipe

"""`wikirank index`: create or update an index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wikirank.cli.options import JsonOption, QuietOption, WaitOption
from wikirank.cli.wiki_options import (
    AllowHttpOption,
    CategoryOption,
    ContactOption,
    DepthOption,
    NamespaceOption,
    SinceOption,
    TextOption,
    TitlesOption,
    UserOption,
    read_titles,
    refuse_shared_secrets,
)


def command(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE…",
            help="`sample`; a `.jsonl`, `.jsonl.gz`, `.parquet` or `.zim` file; a MediaWiki export "
            "(`.xml`, `.xml.bz2`, `.xml.gz` or `.xml.zst`); a folder of `.txt` and `.md` files or "
            "of `.parquet` files; or the address of a MediaWiki.",
        ),
    ],
    into: Annotated[Path, typer.Option("--into", help="Folder of the index; created if missing.")],
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the source. A source of the same name in the index is replaced, for "
            "example by next month's dump. [default: name of the file]"
        ),
    ] = None,
    splitter: Annotated[
        str | None,
        typer.Option(
            help="`sentences` or `windows`; cannot be changed for an existing index. "
            "[default: sentences]"
        ),
    ] = None,
    max_chars: Annotated[
        int | None, typer.Option(min=50, help="Most characters of a passage. [default: 500]")
    ] = None,
    overlap: Annotated[
        int | None,
        typer.Option(min=0, help="Characters that neighbouring passages share. [default: 0]"),
    ] = None,
    chroma_url: Annotated[
        list[str] | None,
        typer.Option(
            help="Store the vectors on a Chroma server: http://host:port. Repeatable: each source "
            "goes to one of the servers, and a search asks all of them."
        ),
    ] = None,
    collection: Annotated[
        str | None, typer.Option(help="Name of the Chroma collection. [default: wikirank]")
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            help="Language of the wiki, such as `de`, for stemming and stop words in lexical "
            "search; `other` uses neither. [default: detected from the text]"
        ),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(
            help="`bundled`, or `multilingual`: an embedder and a reranker from the hub for many "
            "languages. The index records both. [default: bundled]"
        ),
    ] = None,
    embedder: Annotated[
        str | None,
        typer.Option(
            help="Embedding model only: `bundled`, a folder, a hub id such as "
            "`intfloat/multilingual-e5-small` (without ONNX files it needs the [torch] extra), or "
            "a LangChain `provider:model`. The index records it and uses it for queries."
        ),
    ] = None,
    embedder_revision: Annotated[
        str | None, typer.Option(help="Commit, tag or branch of a hub embedder.")
    ] = None,
    query_prompt: Annotated[
        str | None,
        typer.Option(
            help="Text to put before each query, such as `query: `. [default: from the model's "
            "config]"
        ),
    ] = None,
    passage_prompt: Annotated[
        str | None,
        typer.Option(
            help="Text to put before each passage, such as `passage: `. [default: from the model's "
            "config]"
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="Device of the embedding model: `cpu`, `cuda` (with ONNX needs onnxruntime-gpu), "
            "… [default: the CPU for ONNX; otherwise torch chooses]"
        ),
    ] = None,
    ray: Annotated[
        bool,
        typer.Option(
            "--ray",
            help="Parse, split and embed on the Ray cluster in RAY_ADDRESS, or on one started "
            "here. Only this process writes the index. Every node must be able to read the files.",
        ),
    ] = False,
    reread: Annotated[
        bool, typer.Option("--reread", help="Read files again even if they look unchanged.")
    ] = False,
    titles: TitlesOption = None,
    category: CategoryOption = None,
    depth: DepthOption = None,
    namespace: NamespaceOption = None,
    since: SinceOption = None,
    text: TextOption = None,
    user: UserOption = None,
    contact: ContactOption = None,
    allow_http: AllowHttpOption = False,
    wait: WaitOption = 0.0,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Index wiki sources, or update an index from them.

    Run the command again after a change: it skips unchanged articles, replaces changed ones and
    removes deleted ones. If it is interrupted or killed, nothing is lost: run it again to continue.

    Examples:
    - `wikirank index sample --into my-index`

    - `wikirank index wiki.jsonl.gz docs/ --into my-index`

    - `wikirank index dewiki.xml.bz2 --into mein-index --language de --models multilingual`

    - `wikirank index enwiki-20261101-pages-articles.xml.bz2 --into my-index --name enwiki`, and
      next month's dump with the same name

    - `wikirank index wiki.parquet --into my-index --chroma-url http://localhost:8000`

    - `RAY_ADDRESS=10.0.0.1:6379 wikirank index shards/ --into my-index --chroma-url
      http://10.0.0.2:8000 --chroma-url http://10.0.0.3:8000 --ray`

    - `wikirank index https://wiki.example.org --into my-index`, later with `--since last`

    - `wikirank index https://en.wikipedia.org --into my-index --category Glaciers --depth 2`

    - `wikirank index https://en.wikipedia.org --into my-index --titles "Ada Lovelace|Jazz"`
    """
    from wikirank.cli.build import build_index, chosen_embedder, chosen_splitter, open_sources
    from wikirank.corpus import SourceOptions

    refuse_shared_secrets(sources, user)
    options = SourceOptions(
        titles=read_titles(titles),
        category=category,
        depth=depth,
        namespaces=tuple(namespace or ()),
        since=since,
        text=text,
        user=user,
        contact=contact,
        allow_http=allow_http,
    )
    opened = open_sources(sources, name, options)
    reports = build_index(
        opened,
        into,
        splitter=chosen_splitter(splitter, max_chars, overlap),
        chroma_url=chroma_url,
        collection=collection,
        language=language,
        models=models,
        embedder=chosen_embedder(embedder, embedder_revision, query_prompt, passage_prompt, device),
        device=device,
        show_progress=not quiet,
        reread=reread,
        ray=ray,
        wait=wait,
    )
    if as_json:
        typer.echo(json.dumps([report.as_dict() for report in reports]))
        return
    console = Console(stderr=True)
    for report in reports:
        console.print(f"{report.source}: {report.summary()}", markup=False, highlight=False)

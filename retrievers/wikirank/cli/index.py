"""`wikirank index`: bring an index in line with sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wikirank.cli.options import JsonOption, WaitOption
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
            help="`sample`; a `.jsonl`/`.jsonl.gz`/`.parquet`/`.zim` file; a MediaWiki export: "
            "`.xml`/`.xml.bz2`/`.xml.gz`/`.xml.zst`; a folder of `.txt`/`.md` or of `.parquet`; "
            "the address of a MediaWiki.",
        ),
    ],
    into: Annotated[Path, typer.Option("--into", help="Folder of the index; made if new.")],
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the source; its file's name if left out. A name that the index has takes "
            "the new file in place of the old: next month's dump."
        ),
    ] = None,
    splitter: Annotated[
        str | None, typer.Option(help="`sentences` (default) or `windows`; fixed per index.")
    ] = None,
    max_chars: Annotated[
        int | None, typer.Option(min=50, help="Longest passage, in characters. [default: 500]")
    ] = None,
    overlap: Annotated[
        int | None, typer.Option(min=0, help="Characters that neighbours share. [default: 0]")
    ] = None,
    chroma_url: Annotated[
        list[str] | None,
        typer.Option(
            help="Keep the vectors in a Chroma server: http://host:port. Given several times, each "
            "server gets whole sources, and a question goes to all."
        ),
    ] = None,
    collection: Annotated[
        str | None, typer.Option(help="Name of the Chroma collection. [default: wikirank]")
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            help="Language of the wiki, as `de`: its stems and stop words in lexical search; "
            "`other` has none. [default: told by the text]"
        ),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(
            help="`multilingual`: an embedder and a reranker of the hub that read many languages; "
            "or `bundled`. The index records both. [default: bundled]"
        ),
    ] = None,
    embedder: Annotated[
        str | None,
        typer.Option(
            help="Model for the vectors alone: `bundled`, a folder, a hub id such as "
            "`intfloat/multilingual-e5-small` (without ONNX files it needs the [torch] extra), or "
            "`provider:model` by LangChain. The index records it and is opened with it."
        ),
    ] = None,
    embedder_revision: Annotated[
        str | None, typer.Option(help="Commit, tag or branch of a hub id.")
    ] = None,
    query_prompt: Annotated[
        str | None,
        typer.Option(
            help="Put before queries, as `query: `. [default: as the model's config says]"
        ),
    ] = None,
    passage_prompt: Annotated[
        str | None, typer.Option(help="Likewise before passages, as `passage: `.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="Where that model runs: `cuda` (ONNX needs onnxruntime-gpu), `cpu`, … "
            "[default: the CPU; torch chooses]"
        ),
    ] = None,
    ray: Annotated[
        bool,
        typer.Option(
            "--ray",
            help="Read, split and embed on the Ray cluster that RAY_ADDRESS names, or on one "
            "started here. This process writes. Files must be readable on every node.",
        ),
    ] = False,
    reread: Annotated[
        bool, typer.Option("--reread", help="Read files even if they look unchanged.")
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
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Index wiki sources, or bring an index up to date with them.

    Run it again after a change: unchanged articles are passed over, changed ones replaced, removed
    ones dropped. Ctrl-C or a kill loses nothing; the same command goes on from there.

    Examples:
    - `wikirank index sample --into my-index`

    - `wikirank index wiki.jsonl.gz docs/ --into my-index`

    - `wikirank index dewiki.xml.bz2 --into mein-index --language de --models multilingual`

    - `wikirank index enwiki-20261101-pages-articles.xml.bz2 --into my-index --name enwiki`, and the
      next month's with the same name

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

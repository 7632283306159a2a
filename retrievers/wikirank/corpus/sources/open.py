"""Open any kind of source by path, URL or name."""

from __future__ import annotations

from pathlib import Path

from wikirank.corpus.source import Source
from wikirank.corpus.sources.dump import DUMP_SUFFIXES, DumpSource
from wikirank.corpus.sources.folder import FolderSource
from wikirank.corpus.sources.folder_files import PAGES, regular_files
from wikirank.corpus.sources.jsonl import JsonLinesSource
from wikirank.corpus.sources.options import SourceOptions
from wikirank.corpus.sources.parquet import ParquetSource, parquet_files
from wikirank.corpus.sources.sample import SampleSource
from wikirank.corpus.sources.zim import ZimSource, is_zim
from wikirank.errors import CorpusError

_JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


def open_source(
    spec: str | Path, *, name: str | None = None, options: SourceOptions | None = None
) -> Source:
    """Open a source.

    Args:
        spec: One of:

            - `"sample"`, the sample corpus (for a path with that name write `./sample`)
            - a folder of pages: Markdown, text, HTML, or MediaWiki's or DokuWiki's markup
            - a folder of `.parquet` files
            - a file ending in `.jsonl`, `.ndjson`, `.jsonl.gz`, `.ndjson.gz`, `.parquet`, `.zim`,
              or `.zimaa` for a ZIM file in parts
            - a MediaWiki export: `.xml`, `.xml.bz2`, `.xml.gz` or `.xml.zst`
            - the URL of a MediaWiki: of its `api.php`, of any page, or of its host
        name: Name of the source in the index; by default `sample`, the name of the file or folder,
            or the wiki's host.
        options: What to read from the source; which options are allowed depends on its kind.

    Returns:
        The source. Files and wikis are read when it is iterated over.

    Raises:
        CorpusError: If the path does not exist or is of an unknown kind, or the URL does not lead
            to a MediaWiki.
        InvalidArgumentError: If `name` is empty, or an option does not fit the kind of source.
        MissingExtraError: If the source needs a package that is not installed.
    """
    if isinstance(spec, str) and spec.lower().startswith(("http://", "https://")):
        # Imported late, because only this source needs an HTTP client.
        from wikirank.corpus.sources.mediawiki.source import MediaWikiSource

        return MediaWikiSource(spec, name=name, options=options)
    options = options or SourceOptions()
    path = Path(spec).expanduser()
    if path.name.lower().endswith(DUMP_SUFFIXES) and not path.is_dir():
        options.expect_only(("namespaces",), str(spec))
        return DumpSource(path, name=name, namespaces=options.namespaces or (0,))
    options.expect_only((), str(spec))
    return _open_plain(spec, name)


def _open_plain(spec: str | Path, name: str | None) -> Source:
    if spec == "sample":
        return SampleSource(name=name)
    path = Path(spec).expanduser()
    lowered = path.name.lower()
    if path.is_dir():
        return _open_folder(path, name)
    if lowered.endswith(_JSON_LINES):
        return JsonLinesSource(path, name=name)
    if lowered.endswith(".parquet"):
        return ParquetSource(path, name=name)
    if is_zim(path):
        return ZimSource(path, name=name)
    reason = "is of an unknown kind" if path.exists() else "does not exist"
    msg = (
        f'{spec} {reason}: expected "sample", a folder of pages or of .parquet files, a '
        f"file ending in {', '.join((*_JSON_LINES, *DUMP_SUFFIXES))}, .parquet or .zim, or the "
        "http(s) URL of a MediaWiki."
    )
    raise CorpusError(msg)


# Names of pages that describe a data set and are no articles.
_DESCRIPTIONS = ("readme", "license", "licence", "changelog", "citation", "notice", "contributing")


def _open_folder(folder: Path, name: str | None) -> Source:
    """Open a folder of pages, or of a data set's shards, which may be in sub-folders."""
    if any(path.parent == folder for path in parquet_files(folder)):
        return ParquetSource(folder, name=name)
    files = regular_files(folder)
    has_pages = any(
        file.suffix.lower() in PAGES and not file.stem.lower().startswith(_DESCRIPTIONS)
        for file in files
    )
    if has_pages:
        return FolderSource(folder, name=name)
    if any(file.suffix.lower() == ".parquet" for file in files):
        return ParquetSource(folder, name=name)
    shards = [file for file in files if file.name.lower().endswith((*_JSON_LINES, *DUMP_SUFFIXES))]
    if shards:
        shown = ", ".join(str(file.relative_to(folder)) for file in shards[:3])
        more = f" and {len(shards) - 3} more" if len(shards) > 3 else ""
        msg = (
            f"{folder}: expected pages or .parquet files, got {shown}{more} beside files that "
            f"describe them. Index the files one by one, such as {shards[0]}."
        )
        raise CorpusError(msg)
    return FolderSource(folder, name=name)

"""Real articles in every kind of source, written to a cache folder.

A dump has the pages of a real English dump, including redirects. A ZIM file has those of a real
file of Kiwix. The other kinds have the plain text of real articles. If there are fewer articles
than requested, they are repeated under other titles.
"""

from __future__ import annotations

import bz2
import gzip
import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any, TypeVar

from wikirank._util import chunks

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
DUMP = "dumps/enwiki-pages-articles-sample.xml.bz2"
_ZIM = "dumps/wikipedia_en_ray_charles_2015-06.zim"
_TEXTS = "wiki/tech-articles.jsonl.gz"
_PAGES_A_STREAM = 100  # as in Wikimedia's multistream dumps
_ROWS_A_GROUP = 1000
_PAGE = re.compile(r"[ ]*<page>.*?</page>\n", re.DOTALL)
_HEADING = re.compile(r"^(={2,6}) *(.+?) *\1$", re.MULTILINE)
_Item = TypeVar("_Item")


def make_corpora(cache: Path, data: Path, articles: int) -> Path:
    """Write all kinds of sources, except those that exist.

    Args:
        cache: The cache folder.
        data: Folder of the real data.
        articles: Number of articles per source.

    Returns:
        The folder of the sources: `dump.xml`, `.bz2`, `.gz` and `.zst`, `wiki.zim`, `vault`,
        `wiki.parquet`, `wiki.jsonl`.
    """
    folder = cache / f"sources-{articles}"
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(data / _TEXTS, "rt", encoding="utf-8") as lines:
        records = list(islice(numbered([json.loads(line) for line in lines], _renamed), articles))
    for name, write in (
        ("wiki.jsonl", lambda path: _write_json_lines(path, records)),
        ("wiki.parquet", lambda path: _write_parquet(path, records)),
        ("vault", lambda path: _write_vault(path, records)),
        ("wiki.zim", lambda path: _write_zim(path, data / _ZIM, articles)),
    ):
        _once(folder / name, write)
    streams = dump_streams(bz2.decompress((data / DUMP).read_bytes()).decode(), articles)
    for name, pack in (
        ("dump.xml", bytes),
        ("dump.xml.bz2", bz2.compress),
        ("dump.xml.gz", gzip.compress),
        ("dump.xml.zst", _zstd),
    ):
        parts = [b"".join(streams)] if name != "dump.xml.bz2" else streams
        _once(folder / name, lambda path: path.write_bytes(b"".join(map(pack, parts))))  # noqa: B023
    return folder


def numbered(items: Sequence[_Item], rename: Callable[[_Item, str], _Item]) -> Iterator[_Item]:
    """Repeat items without end; from the second time on their titles get a number.

    Args:
        items: The items, at least one.
        rename: Called with an item and a suffix for its title; returns the renamed item.

    Yields:
        The items and their renamed copies.
    """
    yield from items
    for time in count(2):
        yield from (rename(item, f" ({time})") for item in items)


def dump_streams(export: str, articles: int) -> list[bytes]:
    """Make an export with a given number of articles out of another one.

    Args:
        export: The other export, in the format of Wikimedia's dumps.
        articles: Number of pages in the result that are not redirects.

    Returns:
        The export in parts: the head, the pages in groups of 100, and the end.
    """
    found = _PAGE.findall(export)
    pages: list[str] = []
    for page in numbered(found, lambda p, more: p.replace("</title>", f"{more}</title>", 1)):
        pages.append(page)
        articles -= "<redirect " not in page
        if not articles:
            break
    head = export[: export.index(found[0])]
    groups = ["".join(group) for group in chunks(pages, _PAGES_A_STREAM)]
    return [part.encode() for part in (head, *groups, "</mediawiki>\n")]


def markdown_page(record: dict[str, Any]) -> str:
    """Write a record as a Markdown page with front matter."""
    matter = "".join(f"{key}: {json.dumps(record[key])}\n" for key in ("title", "url"))
    body = _HEADING.sub(lambda found: f"{'#' * len(found[1])} {found[2]}", record["text"])
    return f"---\n{matter}---\n\n# {record['title']}\n\n{body}\n"


def _renamed(record: dict[str, Any], more: str) -> dict[str, Any]:
    return {**record, "title": record["title"] + more, "url": f"{record['url']}{more}"}


def _once(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file or folder under a temporary name first; do nothing if it exists."""
    if not path.exists():
        part = path.with_name(f"part-{path.name}")
        write(part)
        part.rename(path)


def _zstd(data: bytes) -> bytes:
    import zstandard

    return zstandard.compress(data)


def _write_json_lines(path: Path, records: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")


def _write_parquet(path: Path, records: Sequence[dict[str, Any]]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    rows = [{"id": str(number), **record} for number, record in enumerate(records)]
    parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=_ROWS_A_GROUP)


def _write_vault(path: Path, records: Sequence[dict[str, Any]]) -> None:
    path.mkdir(exist_ok=True)
    for record in records:
        name = re.sub(r'[/\\:*?"<>|]', "-", record["title"])
        (path / f"{name}.md").write_text(markdown_page(record), "utf-8")


def _write_zim(path: Path, real: Path, articles: int) -> None:
    from libzim.reader import Archive
    from libzim.writer import Creator, Hint, Item, StringProvider

    class Page(Item):  # type: ignore[misc]
        def __init__(self, title: str, content: bytes) -> None:
            super().__init__()
            self.title, self.content = title, content

        def get_path(self) -> str:
            return self.title

        def get_title(self) -> str:
            return self.title

        def get_mimetype(self) -> str:
            return "text/html"

        def get_contentprovider(self) -> object:
            return StringProvider(self.content)

        def get_hints(self) -> dict[object, int]:
            return {Hint.FRONT_ARTICLE: True}

    archive = Archive(real)
    entries = [archive._get_entry_by_id(number) for number in range(archive.entry_count)]
    items = [entry.get_item() for entry in entries if not entry.is_redirect]
    pages = [(i.title, bytes(i.content)) for i in items if i.mimetype.startswith("text/html")]
    with Creator(path).config_indexing(False, "eng") as creator:
        for title, content in islice(
            numbered(pages, lambda p, more: (p[0] + more, p[1])), articles
        ):
            creator.add_item(Page(title, content))

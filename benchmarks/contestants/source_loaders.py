"""LangChain's document loaders and text splitters, and the usual code where it has none.

Each entry of `LOADERS` imports what it needs and returns two functions: one yields a `Document` for
each article at a path, the other splits a document.
"""

from __future__ import annotations

import bz2
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from machine import usable_cores

MAX_CHARS = 500
Documents = Callable[[str], Iterator[Any]]
Cut = Callable[[Any], list[Any]]


def _recursive() -> Cut:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(chunk_size=MAX_CHARS, chunk_overlap=0)
    return lambda document: splitter.split_documents([document])


def _by_heading() -> Cut:
    from langchain_text_splitters import MarkdownHeaderTextSplitter

    headings = MarkdownHeaderTextSplitter([("#" * depth, f"h{depth}") for depth in range(1, 7)])
    smaller = _recursive()

    def cut(document: Any) -> list[Any]:
        parts = headings.split_text(document.page_content)
        for part in parts:
            part.metadata.update(document.metadata)
        return [piece for part in parts for piece in smaller(part)]

    return cut


def _mwdump() -> tuple[Documents, Cut]:
    import mwparserfromhell  # noqa: F401
    import mwxml  # noqa: F401
    from langchain_community.document_loaders import MWDumpLoader

    def documents(path: str) -> Iterator[Any]:
        with decompressed(Path(path)) as plain:  # MWDumpLoader reads plain XML only
            loader = MWDumpLoader(plain, namespaces=[0], skip_redirects=True, stop_on_error=False)
            yield from loader.lazy_load()

    return documents, _recursive()


def _wikiextractor() -> tuple[Documents, Cut]:
    import wikiextractor  # noqa: F401
    from langchain_core.documents import Document

    def documents(path: str) -> Iterator[Any]:
        for record in extracted(Path(path)):
            yield Document(record["text"], metadata={"title": record["title"]})

    return documents, _recursive()


def extracted(path: Path) -> Iterator[dict[str, Any]]:
    """Extract the articles of a dump with the command `wikiextractor`.

    Args:
        path: A dump: `.xml`, `.xml.bz2` or `.xml.gz`.

    Yields:
        Records with `title` and `text`, without redirects.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "wikiextractor.WikiExtractor", str(path), "--json", "-q"]
        # Without the last option it escapes & and <.
        command += ["-o", folder, "--processes", str(usable_cores()), "--html-safe", ""]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for file in sorted(Path(folder).rglob("wiki_*")):
            with file.open(encoding="utf-8") as lines:
                yield from map(json.loads, lines)


def _mwclient() -> tuple[Documents, Cut]:
    import mwclient
    import mwparserfromhell
    from langchain_core.documents import Document

    def documents(path: str) -> Iterator[Any]:
        api = urlsplit(path)
        site = mwclient.Site(api.netloc, api.path.removesuffix("api.php"), scheme=api.scheme)
        for page in site.allpages(filterredir="nonredirects"):
            text = mwparserfromhell.parse(page.text()).strip_code()
            yield Document(text, metadata={"title": page.name})

    return documents, _recursive()


def _libzim() -> tuple[Documents, Cut]:
    import lxml  # noqa: F401
    from bs4 import BeautifulSoup
    from langchain_core.documents import Document
    from libzim.reader import Archive

    def documents(path: str) -> Iterator[Any]:
        archive = Archive(Path(path))
        for number in range(archive.entry_count):
            entry = archive._get_entry_by_id(number)
            if entry.is_redirect or not entry.get_item().mimetype.startswith("text/html"):
                continue
            soup = BeautifulSoup(bytes(entry.get_item().content), "lxml")  # as BSHTMLLoader does
            yield Document(soup.get_text(), metadata={"title": entry.title})

    return documents, _recursive()


def _obsidian() -> tuple[Documents, Cut]:
    from langchain_community.document_loaders import ObsidianLoader

    return lambda path: ObsidianLoader(path).lazy_load(), _by_heading()


def _directory() -> tuple[Documents, Cut]:
    from langchain_community.document_loaders import DirectoryLoader, TextLoader

    def documents(path: str) -> Iterator[Any]:
        options = {"encoding": "utf-8"}
        loader = DirectoryLoader(path, "**/*.md", loader_cls=TextLoader, loader_kwargs=options)
        return loader.lazy_load()

    return documents, _by_heading()


def _data_frame() -> tuple[Documents, Cut]:
    import pandas as pd
    from langchain_community.document_loaders import DataFrameLoader

    def documents(path: str) -> Iterator[Any]:
        return DataFrameLoader(pd.read_parquet(path), page_content_column="text").lazy_load()

    return documents, _recursive()


def _datasets() -> tuple[Documents, Cut]:
    from datasets import load_dataset
    from langchain_core.documents import Document

    def documents(path: str) -> Iterator[Any]:
        rows = load_dataset("parquet", data_files=path, split="train", streaming=True)
        for row in rows:
            yield Document(row.pop("text"), metadata=row)

    return documents, _recursive()


def _jq() -> tuple[Documents, Cut]:
    import jq  # noqa: F401
    from langchain_community.document_loaders import JSONLoader

    def documents(path: str) -> Iterator[Any]:
        return JSONLoader(path, ".", content_key="text", json_lines=True).lazy_load()

    return documents, _recursive()


def _json_loop() -> tuple[Documents, Cut]:
    from langchain_core.documents import Document

    def documents(path: str) -> Iterator[Any]:
        with Path(path).open(encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                yield Document(record.pop("text"), metadata=record)

    return documents, _recursive()


LOADERS: dict[str, Callable[[], tuple[Documents, Cut]]] = {
    "mwdump": _mwdump,
    "wikiextractor": _wikiextractor,
    "mwclient": _mwclient,
    "libzim": _libzim,
    "obsidian": _obsidian,
    "directory": _directory,
    "dataframe": _data_frame,
    "datasets": _datasets,
    "jq": _jq,
    "loop": _json_loop,
}


@contextmanager
def decompressed(path: Path) -> Iterator[str]:
    """Decompress a dump to a temporary file, unless it is plain XML.

    Args:
        path: A `.bz2`, `.gz`, `.zst` or `.xml` file.

    Yields:
        The path of the plain XML file.
    """
    if path.suffix == ".xml":
        yield str(path)
        return
    with tempfile.NamedTemporaryFile(suffix=".xml") as plain:
        with _opened(path) as packed:
            shutil.copyfileobj(packed, plain, 2**20)
        plain.flush()
        yield plain.name


def _opened(path: Path) -> Any:
    if path.suffix == ".zst":
        import zstandard

        return zstandard.open(path, "rb")
    return (bz2 if path.suffix == ".bz2" else gzip).open(path, "rb")

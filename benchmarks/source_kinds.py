"""Kinds of sources, and the common readers of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contestants.source_readers import OURS


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of one kind of source.

    Attributes:
        label: Its name in the table.
        needs: Packages that it needs, as arguments of pip.
    """

    label: str
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source.

    Attributes:
        label: Its name in the table.
        file: Name of the file or folder in the cache; empty for a live wiki.
        peers: Peers by name; ratios are to the first.
        indexed: Whether to index it too; one kind of dump is enough.
    """

    label: str
    file: str
    peers: Mapping[str, Reader]
    indexed: bool = True

    @property
    def readers(self) -> dict[str, Reader]:
        """Return ours and its peers by name."""
        return {OURS: Reader("`wikirank`"), **self.peers}


_RECURSIVE = "`RecursiveCharacterTextSplitter`"
_HEADINGS = "`MarkdownHeaderTextSplitter`"
_MWDUMP = Reader(
    f"`MWDumpLoader`, {_RECURSIVE}", "langchain-community langchain-text-splitters mwxml "
    "mwparserfromhell zstandard",
)  # fmt: skip
_EXTRACTOR = Reader(f"`wikiextractor`, {_RECURSIVE}", "wikiextractor langchain-text-splitters")
_DUMP = {"mwdump": _MWDUMP, "wikiextractor": _EXTRACTOR}
_LOADERS = "langchain-community langchain-text-splitters"

WIKI = "wiki"

KINDS = {
    "xml.bz2": Kind("dump, `.xml.bz2`, multistream", "dump.xml.bz2", _DUMP),
    "xml": Kind("dump, `.xml`", "dump.xml", _DUMP, indexed=False),
    "xml.gz": Kind("dump, `.xml.gz`", "dump.xml.gz", _DUMP, indexed=False),
    "xml.zst": Kind("dump, `.xml.zst`", "dump.xml.zst", {"mwdump": _MWDUMP}, indexed=False),
    "zim": Kind(
        "ZIM",
        "wiki.zim",
        {
            "libzim": Reader(
                f"libzim, `BeautifulSoup.get_text`, {_RECURSIVE}",
                "libzim beautifulsoup4 lxml langchain-text-splitters",
            )
        },
    ),
    "markdown": Kind(
        "folder of Markdown",
        "vault",
        {
            "obsidian": Reader(f"`ObsidianLoader`, {_HEADINGS}", _LOADERS),
            "directory": Reader(f"`DirectoryLoader`, `TextLoader`, {_HEADINGS}", _LOADERS),
        },
    ),
    "parquet": Kind(
        "Parquet",
        "wiki.parquet",
        {
            "dataframe": Reader(f"`DataFrameLoader`, {_RECURSIVE}", f"{_LOADERS} pandas pyarrow"),
            "datasets": Reader(
                f"`datasets`, streamed, {_RECURSIVE}", "datasets langchain-text-splitters"
            ),
        },
    ),
    "jsonl": Kind(
        "JSON lines",
        "wiki.jsonl",
        {
            "jq": Reader(f"`JSONLoader`, {_RECURSIVE}", f"{_LOADERS} jq"),
            "loop": Reader(f"`json.loads` a line, {_RECURSIVE}", "langchain-text-splitters"),
        },
    ),
    WIKI: Kind(
        "live MediaWiki",
        "",
        {
            "mwclient": Reader(
                f"mwclient, `strip_code`, {_RECURSIVE}",
                "mwclient mwparserfromhell langchain-text-splitters",
            )
        },
        indexed=False,
    ),
}
"""Kinds by name."""

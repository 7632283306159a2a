"""Kinds of sources, and what each is read by today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contestants.source_readers import OURS


@dataclass(frozen=True, slots=True)
class Reader:
    """Something that reads one kind of source.

    Attributes:
        label: What the table calls it.
        needs: Packages that it takes, for pip.
    """

    label: str
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source.

    Attributes:
        label: What the table calls it.
        file: Name of the file or folder in the cache; empty for a live wiki.
        peers: By name; the first is what ratios are to.
        indexed: Whether it is indexed too; of the dumps one is enough.
    """

    label: str
    file: str
    peers: Mapping[str, Reader]
    indexed: bool = True

    @property
    def readers(self) -> dict[str, Reader]:
        """Ours and the others."""
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
"""By name."""

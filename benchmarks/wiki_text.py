"""Text made from wikitext: markup left in it and sentences kept, as one table.

Usage: python benchmarks/wiki_text.py CACHE [--data FOLDER] [--examples N]
           [--only NAME ...] [--json]

Ours, LangChain's `MWDumpLoader` and the command `wikiextractor` make text from all articles of the
real dumps in `--data`. They get the dumps as plain UTF-8, which all of them can read. Only articles
that all of them return count. `--examples N` shows N leftovers of each kind in ours.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contestants.processes import ContestantError, ContestantProcess
from contestants.wiki_cleaners import CLEANERS
from machine import print_result
from source_corpora import SHARED
from source_kinds import KINDS
from sources import failure_text, peer_python
from timing import markdown_table
from wiki_leftovers import LEFTOVERS, extract_sentences, kept, leftovers, plain_sentences, words

from wikirank.corpus.sources.dump.parser import DumpParser

DUMPS = {
    "enwiki-pages-articles-sample.xml.bz2": "utf-8",
    "enwiki-table-markup.xml.bz2": "utf-8",
    "bgwiki-pages-articles-sample-utf16.xml.bz2": "utf-16",
    "ltgwiki-pages-articles.xml.bz2": "utf-8",
}
"""Encodings by name of the dump."""
EXTRACTS = "wiki/tech-articles.jsonl.gz"
OURS = "wikirank"
# One of the dumps has no siteinfo, and the peers cannot read it without.
_SITE = """<siteinfo>
<namespaces>
<namespace key="10" case="first-letter">Template</namespace>
</namespaces>
</siteinfo>"""
Texts = dict[str, str]


@dataclass(slots=True)
class Quality:
    """Quality of the texts of one tool.

    Attributes:
        articles: Number of articles that all tools return.
        leftovers: Number of leftovers by kind of markup.
        sentences: Number of plain sentences in the articles' wikitext.
        kept: Number of these that are in the texts.
        extract: For each sentence of the extracts, whether it is in the texts.
        failure: Why there are no figures; empty on success.
    """

    articles: int = 0
    leftovers: Counter[str] = field(default_factory=Counter)
    sentences: int = 0
    kept: int = 0
    extract: list[bool] = field(default_factory=list)
    failure: str = ""

    def add(self, text: str, sentences: list[str], extract: list[str]) -> None:
        """Add an article.

        Args:
            text: The text that the tool made.
            sentences: The plain sentences of its wikitext.
            extract: The sentences of its extract; empty if it has none.
        """
        self.articles += 1
        self.leftovers += leftovers(text)
        self.sentences += len(sentences)
        self.kept += kept(sentences, text)
        flat = words(text)
        self.extract += [sentence in flat for sentence in extract]


def main() -> None:
    """Make the texts, count, and print the table."""
    given = _arguments()
    found = {name: Quality() for name in given.only}
    with gzip.open(given.data / EXTRACTS, "rt", encoding="utf-8") as lines:
        extracts = {record["title"]: record["text"] for record in map(json.loads, lines)}
    for dump, encoding in DUMPS.items():
        plain = plain_dump(given.cache, given.data / "dumps" / dump, encoding)
        texts = _texts(plain, found, given.cache)
        pages = {page.title: page.text for page in DumpParser(plain, longest_text=2**23)}
        for title in shared_titles(texts):
            sentences = plain_sentences(pages[title])
            extract = extract_sentences(extracts.get(title, ""))
            for name, by_title in texts.items():
                found[name].add(by_title[title], sentences, extract)
        if given.examples:
            _print_examples(texts.get(OURS, {}), given.examples)
        print(f"{dump}: done", file=sys.stderr, flush=True)
    print_result(table(found), found, as_json=given.json)


def shared_titles(texts: Mapping[str, Texts]) -> list[str]:
    """Return the titles of the articles that all tools return."""
    first, *others = texts.values()
    return [title for title in first if all(title in other for other in others)]


def plain_dump(cache: Path, dump: Path, encoding: str) -> Path:
    """Decompress a `.bz2` dump to UTF-8 in the cache, unless done before; return the path."""
    plain = cache / "texts" / dump.name.removesuffix(".bz2")
    if not plain.is_file():
        plain.parent.mkdir(parents=True, exist_ok=True)
        text = bz2.decompress(dump.read_bytes()).decode(encoding)
        text = re.sub(r"\A(<\?xml[^>]*?encoding=[\"'])[\w-]+", r"\1utf-8", text)
        if "<siteinfo" not in text:
            text = re.sub(r"(<mediawiki\b[^>]*>)", rf"\1\n{_SITE}", text, count=1)
        plain.write_text(text, "utf-8")
    return plain.absolute()


def _texts(dump: Path, found: dict[str, Quality], cache: Path) -> dict[str, Texts]:
    """Have each tool make texts from a dump; tools that fail are left out."""
    texts: dict[str, Texts] = {}
    for name in found:
        if found[name].failure:
            continue
        into = dump.with_suffix(f".{name}.json")
        python = None if name == OURS else peer_python(cache)
        try:
            with ContestantProcess(
                "contestants.wiki_cleaners:load", {"name": name}, python=python
            ) as process:
                process.ask(dump=str(dump), into=str(into))
        except ContestantError as err:
            found[name].failure = failure_text(err, KINDS["xml"].readers[name])
            continue
        texts[name] = json.loads(into.read_text("utf-8"))
    return texts


def _print_examples(texts: Texts, most: int) -> None:
    shown: Counter[str] = Counter()
    for title, text in texts.items():
        for kind, pattern in LEFTOVERS.items():
            for match in re.finditer(pattern, text, re.MULTILINE):
                shown[kind] += 1
                if shown[kind] <= most:
                    around = text[max(match.start() - 60, 0) : match.end() + 60]
                    print(f"{kind}: {title}: {around!r}", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--examples", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=list(CLEANERS), default=list(CLEANERS))
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def table(found: Mapping[str, Quality]) -> str:
    """Return the Markdown table of qualities by tool, and an explanation of its columns.

    Leftovers are per 1,000 articles.
    """
    header = ["left per 1,000 articles", "text by", *LEFTOVERS, "plain sentences kept"]
    header.append("extracts' sentences kept")
    held = [one.extract for one in found.values() if not one.failure]
    union = [any(by_tool) for by_tool in zip(*held, strict=True)]
    rows = []
    for name, one in found.items():
        if one.failure or not one.articles:
            rows.append(
                ["–", CLEANERS[name], one.failure or "no articles", *["–"] * (len(header) - 3)]
            )
            continue
        each = [_per_thousand(one.leftovers[kind], one.articles) for kind in LEFTOVERS]
        row = [_per_thousand(sum(one.leftovers.values()), one.articles), CLEANERS[name], *each]
        rows.append([*row, _share(one.kept, one.sentences), _share(sum(one.extract), sum(union))])
    return f"{markdown_table(header, rows)}\n\n{_caption(found, sum(union))}"


def _caption(found: Mapping[str, Quality], union: int) -> str:
    one = next((one for one in found.values() if one.articles), Quality())
    return (
        f"{one.articles:,} articles. Plain sentences are the {one.sentences:,} in wikitext that "
        "have no markup and stand outside templates, links, tables and references. Not a word of "
        "them may change. Extracts' sentences are those of the wiki's own extracts, if there is "
        f"one. Their words must follow each other. Only the {union:,} that at least one tool has "
        "count, because the extracts are younger. Zero leftovers are not the best score: articles "
        "about markup show some of it to their readers."
    )


def _per_thousand(count: int, articles: int) -> str:
    return f"{1000 * count / articles:.0f}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.4f}" if whole else "–"


if __name__ == "__main__":
    main()

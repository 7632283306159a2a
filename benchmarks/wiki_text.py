"""Text made of wikitext: what is left of the markup, and which sentences are kept, one table.

Usage: python benchmarks/wiki_text.py CACHE [--data FOLDER] [--examples N]
           [--only NAME ...] [--json]

All articles of the real dumps in `--data`, each made text by ours, by LangChain's `MWDumpLoader`
and by the command `wikiextractor`. They get the dumps as plain UTF-8, which all of them read; only
articles that all of them have count. `--examples N` shows N leftovers of each kind in ours.
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
from sources import peer_python, told
from timing import markdown_table
from wiki_leftovers import LEFTOVERS, extract_sentences, kept, leftovers, plain_sentences, words

from wikirank.corpus.sources.dump.parser import DumpParser

DUMPS = {
    "enwiki-pages-articles-sample.xml.bz2": "utf-8",
    "enwiki-table-markup.xml.bz2": "utf-8",
    "bgwiki-pages-articles-sample-utf16.xml.bz2": "utf-16",
    "ltgwiki-pages-articles.xml.bz2": "utf-8",
}
"""Encodings by name."""
EXTRACTS = "wiki/tech-articles.jsonl.gz"
OURS = "wikirank"
# One of the dumps has none, and without it the others do not read it.
_SITE = """<siteinfo>
<namespaces>
<namespace key="10" case="first-letter">Template</namespace>
</namespaces>
</siteinfo>"""
Texts = dict[str, str]


@dataclass(slots=True)
class Quality:
    """What was found in the texts of one tool.

    Attributes:
        articles: That all tools have.
        leftovers: How often each kind of markup is left.
        sentences: Plain sentences of the articles' sources.
        kept: How many of them its texts hold.
        extract: For each sentence of the extracts, whether its texts hold it.
        failure: Why there is nothing; empty if it worked.
    """

    articles: int = 0
    leftovers: Counter[str] = field(default_factory=Counter)
    sentences: int = 0
    kept: int = 0
    extract: list[bool] = field(default_factory=list)
    failure: str = ""

    def add(self, text: str, sentences: list[str], extract: list[str]) -> None:
        """Take an article in.

        Args:
            text: What the tool made of it.
            sentences: The plain sentences of its source.
            extract: The sentences of its extract; none where it has none.
        """
        self.articles += 1
        self.leftovers += leftovers(text)
        self.sentences += len(sentences)
        self.kept += kept(sentences, text)
        flat = words(text)
        self.extract += [sentence in flat for sentence in extract]


def main() -> None:
    """Make the texts, count, print."""
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
    """Titles of the articles that all tools have."""
    first, *others = texts.values()
    return [title for title in first if all(title in other for other in others)]


def plain_dump(cache: Path, dump: Path, encoding: str) -> Path:
    """A dump as plain UTF-8 in the cache.

    Args:
        cache: The cache.
        dump: The dump, compressed with bzip2.
        encoding: Its encoding.

    Returns:
        Its path.
    """
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
    """The texts that each tool makes of a dump, of those that work."""
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
            found[name].failure = told(err, KINDS["xml"].readers[name])
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
    """The rows in Markdown, with what the columns mean beneath.

    Args:
        found: By name of the tool.

    Returns:
        The table. Leftovers are per 1,000 articles.
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
        f"{one.articles:,} articles. Plain sentences are the {one.sentences:,} of the sources that "
        "hold no markup and stand outside templates, links, tables and references: nothing of them "
        f"may change. Of the sentences of the wiki's own extracts (where there is one; {union:,} "
        "that at least one tool has, as the extracts are younger) the same words must follow each "
        "other. Articles about markup show some of it to their readers, so 0 is not the best."
    )


def _per_thousand(count: int, articles: int) -> str:
    return f"{1000 * count / articles:.0f}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.4f}" if whole else "–"


if __name__ == "__main__":
    main()

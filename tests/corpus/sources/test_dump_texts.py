"""The text of every page of four real dumps: no markup is left, no sentence is lost."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator

import pytest
from shared_dumps import DUMPS, SHARED, dump

from wikirank.corpus import DumpSource
from wikirank.corpus.sources.dump.parser import DumpParser
from wikirank.passages.cut import article_passages
from wikirank.passages.splitters import SentenceSplitter
from wikirank.types import Article

PAGES = {DUMPS[0]: 106, DUMPS[1]: 5, DUMPS[2]: 1, DUMPS[3]: 903}

MARKUP = {
    "template": r"\{\{|\}\}",
    "link": r"\[\[|\]\]|\[https?:",
    "table": r"^\s*(?:\{\||\|\}|\|-)|\b(?:row|col)span\s*=|\b(?:style|class|align)\s*=\s*[\"']?\w",
    "tag": r"</?(?:ref|references|div|span|br|small|big|sup|sub|table|t[rdh]|p|center|font|gallery|"
    r"nowiki|math|code|pre|blockquote|includeonly|noinclude|onlyinclude|timeline|poem)\b[^<>]*>",
    "comment": r"<!--|-->",
    "quotes": r"'{2,}",
    "switch": r"__(?:NO)?(?:TOC|INDEX|EDITSECTION|DISAMBIG)__",
    "entity": r"&(?:[a-zA-Z]{2,8}|#\d+|#x[\da-fA-F]+);",
    "file": r"\b(?:File|Image|Fails|Файл|Картинка|Category|Kategoreja|Категория):",
    "control": r"[\x00-\x08\x0b-\x1f]",
    "hole": r"\(\s*[,;:]|\(\s*\)",
}
# Pages that really show markup: a table of entities, an example of a tag within <nowiki>, …
ABOUT_MARKUP = {
    "Gotu roksts": {"entity"},
    "Latgaļu alfabets": {"entity"},
    "HTML": {"tag", "table"},
    "ASCII": {"hole"},
}


@pytest.fixture(scope="module", params=DUMPS)
def articles(request: pytest.FixtureRequest) -> list[Article]:
    return list(DumpSource(dump(request.param)))


def test_no_markup_in_any_passage(articles: list[Article]) -> None:
    found: list[tuple[str, str, str]] = []
    splitter = SentenceSplitter()
    for article in articles:
        for passage in article_passages(article, source="d", key=article.title, splitter=splitter):
            text = "\n".join((*passage.section, passage.text))
            for kind, pattern in MARKUP.items():
                if kind in ABOUT_MARKUP.get(article.title, ()):
                    continue
                match = re.search(pattern, text, re.MULTILINE)
                if match:
                    around = text[max(match.start() - 60, 0) : match.end() + 60]
                    found.append((article.title, kind, around))
    assert not found, "\n".join(map(str, found))


SENTENCE = re.compile(
    r"(?:^|(?<=[.!?] ))[^\W\d_][^{}\[\]<>|&'=\n*#]{50,}?[.!?](?=\s|$)", re.MULTILINE
)
NESTING = re.compile(r"\{\{|\}\}|\[\[|\]\]|^[ :]*\{\||^\|\}", re.MULTILINE)


def plain_stretches(wikitext: str) -> Iterator[str]:
    """Return the text of a page outside templates, links, tables, references and comments."""
    pattern = r"<ref[^>/]*/>|<ref[^>]*>.*?</ref>|<!--.*?-->|<timeline>.*?</timeline>"
    wikitext = re.sub(pattern + r"|<gallery.*?</gallery>", "<>", wikitext, flags=re.DOTALL)
    depth = start = 0
    for token in NESTING.finditer(wikitext):
        opens = token[0].strip(" :") in ("{{", "[[", "{|")
        if not depth:
            yield wikitext[start : token.start()]
        depth = depth + 1 if opens else max(depth - 1, 0)
        start = token.end()
    yield "" if depth else wikitext[start:]


@pytest.mark.parametrize("name", DUMPS)
def test_no_sentence_of_running_text_is_lost(name: str) -> None:
    texts = {article.title: " ".join(article.text.split()) for article in DumpSource(dump(name))}
    sentences = 0
    lost: list[tuple[str, str]] = []
    for page in DumpParser(dump(name), max_text=2**23):
        if page.title not in texts:
            continue
        for stretch in plain_stretches(page.text):
            for found in SENTENCE.finditer(stretch):
                sentences += 1
                if " ".join(found[0].split()) not in texts[page.title]:
                    lost.append((page.title, found[0]))
    assert len(texts) == PAGES[name]
    assert sentences > 10
    assert not lost


def words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def test_what_the_wikis_own_extracts_say_is_there_too() -> None:
    """Two articles are in both; the extracts are ten years newer, so some sentences differ."""
    path = SHARED / "wiki" / "tech-articles.jsonl.gz"
    if not path.exists():
        pytest.skip("shared/data/wiki is missing")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        extracts = {record["title"]: record["text"] for record in map(json.loads, lines)}
    pages = {p.title: p for p in DumpParser(dump(DUMPS[0]), max_text=2**23)}
    shared = [a for a in DumpSource(dump(DUMPS[0])) if a.title in extracts]
    assert [article.title for article in shared] == ["Android (robot)", "Algorithm"]
    for article in shared:
        ours, source = words(article.text), words(pages[article.title].text)
        sentences = [
            s for s in re.split(r"(?<=[.!?])\s+|\n", extracts[article.title]) if len(s) > 40
        ]
        unchanged = [words(s) for s in sentences if words(s) in source]
        assert len(unchanged) > 20
        assert [s for s in unchanged if s not in ours] == []


def test_tables_are_readable() -> None:
    texts = {article.title: article.text for article in DumpSource(dump(DUMPS[1]))}
    award = texts["Academy Award for Best Production Design"]
    assert "\n1937 (10th) | Stephen Goosson | Lost Horizon\n" in award
    assert (
        "\n1980 (53rd) | Norman Reynolds; Leslie Dilley; Harry Lange; Alan Tomkins | Michael"
        in award
    )
    estonia = texts["Economy of Estonia"]
    assert "\nCountry | Export | Import\nFinland | 16% | 14%\n" in estonia


def test_what_a_whole_wiki_is_made_of() -> None:
    source = DumpSource(dump(DUMPS[3]))
    articles = list(source)
    assert source.count() == len(articles) == 903
    assert source.skipped == {"redirect": 147, "in another namespace": 954}
    aliases = [alias for article in articles for alias in article.metadata.get("aliases", ())]
    assert len(aliases) > 100
    assert {article.metadata["kind"] for article in articles} == {"article", "disambiguation"}
    assert all(a.url.startswith("https://ltg.wikipedia.org/wiki/") and a.revision for a in articles)

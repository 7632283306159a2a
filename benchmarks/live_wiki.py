"""Searching a wiki without an index: our retrievers, and LangChain's.

Usage: python benchmarks/live_wiki.py CACHE [--data ../shared/data] [--questions 100]
           [--only NAME ...] [--json]

CACHE gets a MediaWiki (Debian's package with SQLite and its own search, served on loopback by PHP),
a ZIM file made by libzim's `Creator`, and an index of ours. All have the same 2,000 pages: 967
articles on technology, pages of 20 consecutive paragraphs of SQuAD dev, and pages for titles of
Natural Questions' dev set.

Half of the questions are from SQuAD, half from Natural Questions. A question counts as answered if
at least half of its gold passage is in the first 1,000 tokens of what a retriever returns. The
wiki's server counts the requests. Needs `apt-get install mediawiki php-sqlite3 php-cli`, and the
peer's environment, which pip makes in CACHE.
"""

from __future__ import annotations

import argparse
import gzip
import html
import json
import random
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contestants.environments import python_of
from contestants.live_wikis import CONTESTANTS
from contestants.processes import ContestantProcess
from machine import machine
from timing import Timings, markdown_table

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "helpers"))
from mediawiki_wiki import Wiki  # noqa: E402

PAGES = 2000
PARAGRAPHS = 20
QUESTIONS = 100
TOKENS = 1000
_MOST_PAGES_AT_ONCE = 200
_ADDED = (
    "$wgMaxArticleSize = 10240;\nwfLoadExtension( 'TextExtracts' );\n$wgMainCacheType = CACHE_NONE;"
)
_SUMMARIES = "its `summary` fields"


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its gold passage.

    Attributes:
        kind: Name of the data set.
        text: The question.
        gold: The passage that answers it.
    """

    kind: str
    text: str
    gold: str


@dataclass(slots=True)
class Row:
    """Results of one contestant.

    Attributes:
        answered: Whether each question was answered, by kind of question.
        found: Number of questions with any result.
        seconds: Duration of each question.
        own: Seconds of each question after the wiki had answered; for ours only.
        cpu: CPU seconds of each question, including those for the wiki's answers.
        requests: Number of requests to the wiki for all questions.
    """

    answered: dict[str, list[bool]] = field(default_factory=dict)
    found: int = 0
    seconds: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    requests: int = 0


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Read the records of a file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def pages_and_questions(data: Path) -> tuple[dict[str, str], list[Question]]:
    """Return the wiki's pages by title, and 100 questions of each kind, always the same."""
    qa = data / "qa"
    pages = {row["title"]: row["text"] for row in read(data / "wiki" / "tech-articles.jsonl.gz")}
    squad = [row["text"] for row in read(qa / "squad-dev-passages.jsonl.gz")]
    for start in range(0, len(squad), PARAGRAPHS):
        paragraphs = squad[start : start + PARAGRAPHS]
        pages[_free_title(" ".join(paragraphs[0].split()[:5]), pages)] = "\n\n".join(paragraphs)
    rng = random.Random(0)
    asked = rng.sample(list(read(qa / "squad-dev-questions.jsonl.gz")), QUESTIONS)
    questions = [Question("SQuAD", row["question"], squad[int(row["passage_id"])]) for row in asked]
    passages = {row["id"]: row for row in read(qa / "nq-dev-passages.jsonl.gz")}
    asked = rng.sample(list(read(qa / "nq-dev-questions.jsonl.gz")), QUESTIONS)
    gold = [passages[row["passage_id"]] for row in asked]
    questions += [
        Question("Natural Questions", row["question"], passage["text"])
        for row, passage in zip(asked, gold, strict=True)
    ]
    by_title: dict[str, list[str]] = {}
    for passage in passages.values():
        by_title.setdefault(passage["title"], []).append(passage["text"])
    titles = [*dict.fromkeys(passage["title"] for passage in gold), *by_title]
    for title in dict.fromkeys(titles):
        if len(pages) >= PAGES and title not in titles[: len(gold)]:
            break
        pages[title] = "\n\n".join(filter(None, [pages.get(title, ""), *by_title[title]]))
    return {_plain_title(title): text for title, text in pages.items()}, questions


def _plain_title(title: str) -> str:
    return re.sub(r"[\[\]{}<>|#_]", " ", title).strip()


def _free_title(title: str, taken: Mapping[str, str]) -> str:
    while title in taken:
        title += " (2)"
    return title


def make_wiki(folder: Path, pages: Mapping[str, str]) -> Wiki:
    """Make a wiki of the pages, unless it is complete already; it is not served yet."""
    done = folder / "filled"
    if done.is_file():
        return Wiki(folder)
    wiki = Wiki.install(folder)
    wiki.settings(_ADDED)
    escaped = {title: _as_wikitext(text) for title, text in pages.items()}
    titles = list(escaped)
    for start in range(0, len(titles), _MOST_PAGES_AT_ONCE):
        wiki.add_pages({title: escaped[title] for title in titles[start : start + 200]})
    wiki.index_texts()
    done.touch()
    return wiki


def _as_wikitext(text: str) -> str:
    """Escape plain text as wikitext; headings stay headings."""
    return re.sub(r"<|\{\{|\[\[|'{2,}|~{3,}", lambda found: f"<nowiki>{found[0]}</nowiki>", text)


def make_zim(path: Path, pages: Mapping[str, str]) -> Path:
    """Make a ZIM file of the pages with a full-text index, unless it exists."""
    if path.is_file():
        return path
    from australia import HtmlPage
    from libzim import writer

    part = path.with_suffix(".part")
    with writer.Creator(part).config_indexing(True, "eng") as creator:
        creator.set_mainpath(next(iter(pages)))
        for title, text in pages.items():
            creator.add_item(HtmlPage(title, _as_html(text)))
    return part.rename(path)


def _as_html(text: str) -> str:
    escaped = html.escape(text)
    headed = re.sub(
        r"^(={2,5}) (.+) \1$", lambda m: f"<h{len(m[1])}>{m[2]}</h{len(m[1])}>", escaped, flags=re.M
    )
    return re.sub(r"\n\n+", "\n<p>", headed)


def make_index(folder: Path, pages: Mapping[str, str]) -> Path:
    """Index the pages, unless the index is complete already."""
    from wikirank.corpus import open_source
    from wikirank.index import WikiIndex

    done = folder.with_name(f"{folder.name}-made")
    if not done.is_file():
        lines = folder.with_suffix(".jsonl")
        rows = ({"title": title, "text": text} for title, text in pages.items())
        lines.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
        with WikiIndex.open_or_create(folder) as index:
            index.add_source(open_source(str(lines)))
        done.touch()
    return folder


class Judge:
    """Judges whether the returned texts contain a gold passage."""

    def __init__(self) -> None:
        from wikirank.embed import load_embedder

        self._count = load_embedder().count_tokens

    def answered(self, texts: Sequence[str], gold: str) -> bool:
        """Return whether half of the gold passage's runs of five words are in the first tokens."""
        wanted = _runs(gold)
        return len(wanted & _runs(self._first("\n\n".join(texts)))) >= len(wanted) / 2

    def _first(self, text: str) -> str:
        """Return the first 1,000 tokens of a text, in whole words."""
        words = text.split()
        low, high = 0, min(len(words), TOKENS)  # a word has at least one token
        while low < high:
            middle = (low + high + 1) // 2
            if self._count(" ".join(words[:middle])) <= TOKENS:
                low = middle
            else:
                high = middle - 1
        return " ".join(words[:low])


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + 5]) for start in range(max(1, len(words) - 4))}


@contextmanager
def _contestant(name: str, location: str, cache: Path) -> Iterator[ContestantProcess]:
    python = python_of("wikipedia", cache) if name.startswith("wikipedia") else None
    arguments = {"name": name, "place": location}
    with ContestantProcess("contestants.live_wikis:load", arguments, python=python) as process:
        yield process


def ask_all(
    name: str, location: str, cache: Path, questions: Sequence[Question], wiki: Wiki, judge: Judge
) -> dict[str, Row]:
    """Ask one contestant all questions.

    Returns:
        Rows by label: one, or a second one for the summaries of LangChain's.
    """
    label = CONTESTANTS[name]
    rows = {label: Row()}
    with _contestant(name, location, cache) as process:
        before = wiki.requests()
        for question in questions:
            reply = process.ask(question=question.text)
            forms = {label: reply["texts"]}
            if "summaries" in reply:
                forms[f"{label}: {_SUMMARIES}"] = reply["summaries"]
            for form, texts in forms.items():
                row = rows.setdefault(form, Row())
                judged = judge.answered(texts, question.gold)
                row.answered.setdefault(question.kind, []).append(judged)
                row.found += bool(texts)
                row.seconds.append(reply["seconds"])
                row.cpu.append(reply["cpu_seconds"])
                if timings := reply.get("timings"):
                    row.own.append((timings["total"] - timings.get("pages", 0.0)) / 1000)
        for row in rows.values():
            row.requests = wiki.requests() - before
    return rows


def _seconds(measured: Sequence[float]) -> str:
    times = Timings(measured)
    return f"{times.p50 / 1000:.2f} / {times.p95 / 1000:.2f}"


def _cells(row: Row) -> list[str]:
    count = len(row.seconds)
    kinds = [f"{sum(given)} of {len(given)}" for given in row.answered.values()]
    return [
        *kinds,
        f"{row.found} of {count}",
        _seconds(row.seconds),
        _seconds(row.own) if row.own else "–",
        _seconds(row.cpu),
        f"{row.requests / count:.1f}",
    ]


HEADER = (
    "retriever",
    "gold in 1,000 tokens: SQuAD",
    "Natural Questions",
    "found anything",
    "seconds per question, p50 / p95",
    "of these, after the wiki's answers",
    "CPU seconds",
    "requests per question",
)


def main() -> None:
    """Make the wikis, ask all contestants, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument(
        "--questions", type=int, default=QUESTIONS, help="of each kind, 100 at most"
    )
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    given = parser.parse_args()
    cache: Path = given.cache.absolute()
    cache.mkdir(parents=True, exist_ok=True)
    pages, questions = pages_and_questions(given.data)
    questions = [*questions[: given.questions], *questions[QUESTIONS:][: given.questions]]
    rows: dict[str, Row] = {}
    with make_wiki(cache / "wiki", pages).use_current_address() as wiki:
        locations = dict.fromkeys(CONTESTANTS, wiki.url)
        locations["zim"] = str(make_zim(cache / "wiki.zim", pages))
        if "index" in given.only:
            locations["index"] = str(make_index(cache / "index", pages))
        judge = Judge()
        for name in given.only:
            rows.update(ask_all(name, locations[name], cache, questions, wiki, judge))
    if given.json:
        plain = {
            label: dict(zip(HEADER[1:], _cells(row), strict=True)) for label, row in rows.items()
        }
        print(json.dumps({"machine": machine(), "pages": len(pages), "rows": plain}, indent=2))
    else:
        print(markdown_table(HEADER, [[label, *_cells(row)] for label, row in rows.items()]))
        print(f"\n{len(pages)} pages, {len(questions)} questions; {machine()}")


if __name__ == "__main__":
    main()

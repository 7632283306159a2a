"""Write what the bundled cross-encoder is trained on, from the data in `../shared/data`.

Usage: python scripts/bundled_data.py SHARED_DATA OUTPUT

Writes `corpus.jsonl.gz` and `pairs.jsonl.gz`, for `wikirank train`, and, for `wikirank evaluate`,
questions of TyDi QA and BoolQ that are kept out of training together with all that is asked of
their passages and, in BoolQ, of their articles: `natural-questions.jsonl.gz`, and half as many
again in `natural-dev-questions.jsonl.gz`, to fit the combination on; `natural-passages.jsonl.gz`
are the passages of all questions, `natural-unseen-passages.jsonl.gz` those kept out, with the
passages of SQuAD dev, none of which a model trained on these files has seen. Of Natural Questions'
dev set, `nq-passages.jsonl.gz`, every other question is for fitting (`nq-dev-questions.jsonl.gz`)
and every other for reporting (`nq-test-questions.jsonl.gz`); none is trained on.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from wikirank._json_lines import write_records
from wikirank.corpus import open_source

Record = dict[str, Any]

KEPT_OUT_PASSAGES = 700
NATURAL = ("tydi", "boolq")
TOKENISED = "nqg_squad"
PARAGRAPH_CHARS = 600
# The first 200 articles are left to `wikirank train` on a corpus that the model has not seen.
TECH_ARTICLES = slice(200, 450)
_SPACED = (
    (r"`` ?", '"'),
    (r" ?''", '"'),
    (r"-lrb- ?", "("),
    (r" ?-rrb-", ")"),
    (r"-lsb- ?", "["),
    (r" ?-rsb-", "]"),
    (r" ([.,;:?!%)])", r"\1"),
    (r" ('s|n't)\b", r"\1"),
)


def main() -> None:
    """Read the data and write the four files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path, help="folder with `qa/` and `wiki/`")
    parser.add_argument("output", type=Path)
    folders = parser.parse_args()
    folders.output.mkdir(parents=True, exist_ok=True)
    records = list(read_lines(folders.shared / "qa" / "train-pairs.jsonl.gz"))
    dev, test, rest = keep_out(records)
    pairs = [
        *labelled_pairs(rest),
        *selqa_pairs(read_lines(folders.shared / "qa" / "selqa.jsonl.gz")),
    ]
    nq = list(read_lines(folders.shared / "qa" / "nq-dev-questions.jsonl.gz"))
    written = {
        "pairs": pairs,
        "corpus": _corpus(folders.shared / "wiki" / "tech-articles.jsonl.gz"),
        "natural-passages": _passages(records),
        "natural-unseen-passages": [
            *(p for p in _passages(records) if p["id"] in {q["passage_id"] for q in [*dev, *test]}),
            *read_lines(folders.shared / "qa" / "squad-dev-passages.jsonl.gz"),
        ],
        "natural-dev-questions": dev,
        "natural-questions": test,
        "nq-passages": list(read_lines(folders.shared / "qa" / "nq-dev-passages.jsonl.gz")),
        "nq-dev-questions": nq[::2],
        "nq-test-questions": nq[1::2],
    }
    for name, rows in written.items():
        n = write_records(folders.output / f"{name}.jsonl.gz", rows)
        print(f"{name}: {n:,}")  # noqa: T201


def read_lines(path: Path) -> Iterator[Record]:
    """The records of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def keep_out(records: list[Record]) -> tuple[list[Record], list[Record], list[Record]]:
    """Natural questions kept out, for dev and test, as `wikirank evaluate` reads them; the rest."""
    ids: dict[str, str] = {}
    for record in records:
        ids.setdefault(record["passage"], f"t{len(ids)}")
    natural = [record for record in records if record["source"].startswith(NATURAL)]
    drawn = sorted({ids[record["passage"]] for record in natural})
    random.Random(0).shuffle(drawn)
    held = set(drawn[:KEPT_OUT_PASSAGES])
    kept_out = [record for record in natural if ids[record["passage"]] in held]
    titles = {record["title"] for record in kept_out} - {""}
    rest = [r for r in records if ids[r["passage"]] not in held and r["title"] not in titles]
    # One article's questions stay together.
    articles = sorted({_article(record) for record in kept_out})
    dev = set(random.Random(1).sample(articles, len(articles) // 3))
    questions: tuple[list[Record], list[Record]] = ([], [])
    for n, r in enumerate(kept_out):
        asked = {"id": f"n{n}", "question": r["question"], "passage_id": ids[r["passage"]]}
        questions[_article(r) not in dev].append(asked)
    return *questions, rest


def _article(record: Record) -> str:
    return str(record["title"] or record["passage"])


def _passages(records: list[Record]) -> Iterator[Record]:
    texts = dict.fromkeys(record["passage"] for record in records)
    yield from ({"id": f"t{n}", "text": text} for n, text in enumerate(texts))


def labelled_pairs(records: list[Record]) -> Iterator[Record]:
    """Questions with the passages that answer them; sentences of SQuAD joined to paragraphs."""
    for record in records:
        if not record["source"].startswith(TOKENISED):
            yield {name: record[name] for name in ("question", "passage", "title")}
    tokenised = [record for record in records if record["source"].startswith(TOKENISED)]
    for paragraph in _paragraphs(tokenised):
        text = " ".join(dict.fromkeys(_plain(record["passage"]) for record in paragraph))
        yield from ({"question": _plain(r["question"]), "passage": text} for r in paragraph)


def _paragraphs(records: list[Record]) -> Iterator[list[Record]]:
    """Sentences in their articles' order, joined: the questions were asked of whole paragraphs."""
    paragraph: list[Record] = []
    length = 0
    for sentence, asked in groupby(records, key=lambda record: record["passage"]):
        if length + len(sentence) > PARAGRAPH_CHARS and paragraph:
            yield paragraph
            paragraph, length = [], 0
        paragraph.extend(asked)
        length += len(sentence)
    if paragraph:
        yield paragraph


def _plain(tokenised: str) -> str:
    """Text as people write it, but for the case, which the model does not see."""
    for pattern, text in _SPACED:
        tokenised = re.sub(pattern, text, tokenised)
    return tokenised.strip()


def paragraph_questions(rest: Iterable[Record]) -> list[Record]:
    """Questions about paragraphs, in SQuAD's style, to fit scores on and never to train on."""
    paragraphs = [record for record in rest if record["source"] == "routerlens_squad"]
    return random.Random(11).sample(paragraphs, 250)


def selqa_pairs(records: Iterable[Record]) -> Iterator[Record]:
    """Each question with the part of its section that holds the answering sentence."""
    for record in records:
        sentences, positives = record["candidates"], set(record["positives"])
        for part in _parts(sentences):
            if positives & set(part):
                yield {
                    "question": record["question"],
                    "passage": " ".join(sentences[index] for index in part),
                    "title": record["article"],
                    "section": record["section"],
                }
                break


def _parts(sentences: list[str]) -> Iterator[list[int]]:
    """Positions of sentences in a row that make a paragraph."""
    part: list[int] = []
    length = 0
    for index, sentence in enumerate(sentences):
        if length + len(sentence) > PARAGRAPH_CHARS and part:
            yield part
            part, length = [], 0
        part.append(index)
        length += len(sentence)
    if part:
        yield part


def _corpus(tech: Path) -> Iterator[Record]:
    articles = [*open_source("sample"), *list(open_source(str(tech)))[TECH_ARTICLES]]
    for article in articles:
        yield {"title": article.title, "text": article.text, "url": article.url}


if __name__ == "__main__":
    main()

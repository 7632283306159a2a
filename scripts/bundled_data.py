"""Write the training and evaluation data of the bundled cross-encoder.

Usage: python scripts/bundled_data.py SHARED_DATA OUTPUT

SHARED_DATA holds `qa/` and `wiki/`. OUTPUT gets, for `wikirank train`, `corpus.jsonl.gz` and
`pairs.jsonl.gz`. The other files are for `wikirank evaluate`; their questions are not trained on:

- `natural-questions.jsonl.gz` and, half as many, `natural-dev-questions.jsonl.gz` (to fit the
  combination on): questions of TyDi QA and BoolQ. Every question about the same passages is kept
  out of training too and, for BoolQ, every question about the same articles.
- `natural-passages.jsonl.gz`: the passages of all questions.
- `natural-unseen-passages.jsonl.gz`: the passages kept out, and those of SQuAD dev. A model trained
  on these files has seen none of them.
- `nq-passages.jsonl.gz`: the dev set of Natural Questions. Half of its questions are for fitting
  (`nq-dev-questions.jsonl.gz`), half for reporting (`nq-test-questions.jsonl.gz`).
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
# The first 200 articles are kept out, to try `wikirank train` on a corpus new to the model.
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
    """Read the shared data and write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path, help="folder with `qa/` and `wiki/`")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    shared, output = arguments.shared, arguments.output
    output.mkdir(parents=True, exist_ok=True)
    records = list(read_lines(shared / "qa" / "train-pairs.jsonl.gz"))
    dev, test, rest = keep_out(records)
    pairs = [
        *labelled_pairs(rest),
        *selqa_pairs(read_lines(shared / "qa" / "selqa.jsonl.gz")),
    ]
    nq = list(read_lines(shared / "qa" / "nq-dev-questions.jsonl.gz"))
    files = {
        "pairs": pairs,
        "corpus": _corpus(shared / "wiki" / "tech-articles.jsonl.gz"),
        "natural-passages": _passages(records),
        "natural-unseen-passages": [
            *(p for p in _passages(records) if p["id"] in {q["passage_id"] for q in [*dev, *test]}),
            *read_lines(shared / "qa" / "squad-dev-passages.jsonl.gz"),
        ],
        "natural-dev-questions": dev,
        "natural-questions": test,
        "nq-passages": list(read_lines(shared / "qa" / "nq-dev-passages.jsonl.gz")),
        "nq-dev-questions": nq[::2],
        "nq-test-questions": nq[1::2],
    }
    for name, rows in files.items():
        n = write_records(output / f"{name}.jsonl.gz", rows)
        print(f"{name}: {n:,}")  # noqa: T201


def read_lines(path: Path) -> Iterator[Record]:
    """Yield the records of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def keep_out(records: list[Record]) -> tuple[list[Record], list[Record], list[Record]]:
    """Return dev and test questions for `wikirank evaluate`, and the records to train on."""
    ids: dict[str, str] = {}
    for record in records:
        ids.setdefault(record["passage"], f"t{len(ids)}")
    natural = [record for record in records if record["source"].startswith(NATURAL)]
    passage_ids = sorted({ids[record["passage"]] for record in natural})
    random.Random(0).shuffle(passage_ids)
    held_out = set(passage_ids[:KEPT_OUT_PASSAGES])
    kept_out = [record for record in natural if ids[record["passage"]] in held_out]
    titles = {record["title"] for record in kept_out} - {""}
    rest = [r for r in records if ids[r["passage"]] not in held_out and r["title"] not in titles]
    # All questions about an article go to the same split.
    articles = sorted({_article(record) for record in kept_out})
    dev = set(random.Random(1).sample(articles, len(articles) // 3))
    questions: tuple[list[Record], list[Record]] = ([], [])
    for n, r in enumerate(kept_out):
        question = {"id": f"n{n}", "question": r["question"], "passage_id": ids[r["passage"]]}
        questions[_article(r) not in dev].append(question)
    return *questions, rest


def _article(record: Record) -> str:
    return str(record["title"] or record["passage"])


def _passages(records: list[Record]) -> Iterator[Record]:
    texts = dict.fromkeys(record["passage"] for record in records)
    yield from ({"id": f"t{n}", "text": text} for n, text in enumerate(texts))


def labelled_pairs(records: list[Record]) -> Iterator[Record]:
    """Yield questions with their passages; SQuAD sentences are joined into paragraphs."""
    for record in records:
        if not record["source"].startswith(TOKENISED):
            yield {name: record[name] for name in ("question", "passage", "title")}
    tokenised = [record for record in records if record["source"].startswith(TOKENISED)]
    for paragraph in _paragraphs(tokenised):
        text = " ".join(dict.fromkeys(_plain(record["passage"]) for record in paragraph))
        yield from ({"question": _plain(r["question"]), "passage": text} for r in paragraph)


def _paragraphs(records: list[Record]) -> Iterator[list[Record]]:
    """Group adjacent sentences, because the questions were asked about whole paragraphs."""
    paragraph: list[Record] = []
    length = 0
    for sentence, questions in groupby(records, key=lambda record: record["passage"]):
        if length + len(sentence) > PARAGRAPH_CHARS and paragraph:
            yield paragraph
            paragraph, length = [], 0
        paragraph.extend(questions)
        length += len(sentence)
    if paragraph:
        yield paragraph


def _plain(tokenised: str) -> str:
    """Undo the tokenisation, except for the case, which the model does not see."""
    for pattern, replacement in _SPACED:
        tokenised = re.sub(pattern, replacement, tokenised)
    return tokenised.strip()


def paragraph_questions(rest: Iterable[Record]) -> list[Record]:
    """Draw questions about paragraphs (in SQuAD's style) to fit scores on, never to train on."""
    paragraphs = [record for record in rest if record["source"] == "routerlens_squad"]
    return random.Random(11).sample(paragraphs, 250)


def selqa_pairs(records: Iterable[Record]) -> Iterator[Record]:
    """Yield each question with the part of its section that contains the answering sentence."""
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
    """Yield the indices of consecutive sentences that make up a paragraph."""
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

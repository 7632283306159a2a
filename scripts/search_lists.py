"""Mine candidate lists for human search questions, to fine-tune the cross-encoder on.

Usage: python scripts/search_lists.py SHARED_DATA OUTPUT

SHARED_DATA holds `qa/` and `wiki/`. The script writes OUTPUT/lists.jsonl.gz.

Questions with an answering passage come from NQ and WebQuestions (joined to lead sections by their
known answer), CLAP NQ, TyDi QA, BoolQ, MultiSpanQA, QED, SelQA, BioASQ and parts of SQuAD's
training set. The questions that `bundled_data.py` keeps out are kept out here too, and so are those
of NQ dev and of `benchmarks/first_questions.jsonl`.

Candidates come from a pool of pieces, 180 to 560 characters long, of 183,709 Wikipedia passages on
all topics and 10,033 lead sections. They are results of BM25 and of the bundled embedder (near
misses included), pieces of the same article, and random pieces. Positives and negatives are cut to
the same lengths, so that length says nothing about relevance.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import bundled_data
import numpy as np
import tantivy
from bundled_data import read_lines
from numpy.typing import NDArray

from wikirank._json_lines import write_records
from wikirank.corpus import open_source
from wikirank.embed import load_embedder
from wikirank.passages.sentences import sentence_spans
from wikirank.types import headed_text

FIRST_QUESTIONS = Path(__file__).parents[1] / "benchmarks" / "first_questions.jsonl"
LENGTHS = (180, 260, 350, 450, 450, 520, 560)
"""Lengths of a piece in characters, drawn at random; with a question, 560 fill 128 tokens."""
MOST_PIECES = 5
SHARES = {
    "boolq_dev": 0.5,
    "boolq_test": 0.5,
    "reqa_squad_train": 0.1,
    "routerlens_squad": 0.2,
    "nqg_squad_test_lowercase_tok": 0.1,
    "mlqa_en_dev": 0.3,
    "reqa_bioasq9b_train": 0.08,
    "selqa": 0.3,
}
"""Share of a source's questions that is used; all questions of other sources are."""
WEAK = ("title_in_q", "answer+words", "title_is_answer")
_BATCH = 256
_WORD = re.compile(r"\w+")


@dataclass
class Question:
    """A question with the piece that answers it.

    Attributes:
        text: The question.
        title: Title of the article; empty if unknown.
        positive: The answering piece.
        passage: The whole passage that contains the piece.
        source: Data set of the question.
        answers: Known answer strings.
    """

    text: str
    title: str
    positive: str
    passage: str
    source: str
    answers: list[str] = field(default_factory=list)


@dataclass
class MinedCandidate:
    """A candidate of a list.

    Attributes:
        title: Title of its article; empty if unknown.
        text: The piece.
        dense: Cosine similarity to the question.
        holds_answer: Whether it contains an answer string, and so may be relevant.
    """

    title: str
    text: str
    dense: float
    holds_answer: bool


@dataclass
class MinedList:
    """A question, the piece that answers it, and candidates that probably do not.

    Attributes:
        query: The question.
        source: Data set of the question.
        positive: The answering piece.
        negatives: The other candidates, a random one last.
    """

    query: str
    source: str
    positive: MinedCandidate
    negatives: list[MinedCandidate]


def main() -> None:
    """Mine the lists and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path, help="folder with `qa/` and `wiki/`")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    rng = random.Random(7)
    questions = list(read_questions(arguments.shared, rng))
    pool = Pool.build(arguments.shared, questions, rng)
    vectors = load_embedder().embed_passages([question.text for question in questions])
    lists = mine(questions, vectors, pool, rng)
    n = write_records(arguments.output / "lists.jsonl.gz", map(asdict, lists))
    print(f"{n:,} lists over a pool of {len(pool.texts):,} pieces")  # noqa: T201


def read_questions(shared: Path, rng: random.Random) -> Iterator[Question]:
    """Yield the questions of all sources in random order, without those kept out."""
    kept_out = set(_kept_out(shared))
    questions = [q for q in _sources(shared, rng) if _plain(q.text) not in kept_out]
    rng.shuffle(questions)
    yield from questions


def _kept_out(shared: Path) -> Iterator[str]:
    for line in FIRST_QUESTIONS.read_text("utf-8").splitlines():
        yield _plain(json.loads(line)["question"])
    for record in read_lines(shared / "qa" / "nq-dev-questions.jsonl.gz"):
        yield _plain(record["question"])
    _, _, rest = bundled_data.keep_out(list(read_lines(shared / "qa" / "train-pairs.jsonl.gz")))
    for record in bundled_data.paragraph_questions(rest):
        yield _plain(record["question"])


def _sources(shared: Path, rng: random.Random) -> Iterator[Question]:
    qa = shared / "qa"
    for record in read_lines(qa / "weak-pairs.jsonl.gz"):
        if record["how"] in WEAK:
            piece = _piece_at(record["passage"], record["answer_at"], rng)
            source = f"weak:{record['how']}"
            answers = [record["answer"]]
            yield Question(
                record["question"], record["title"], piece, record["passage"], source, answers
            )
    _, _, rest = bundled_data.keep_out(list(read_lines(qa / "train-pairs.jsonl.gz")))
    sources = {record["question"]: record["source"] for record in rest}
    selqa = bundled_data.selqa_pairs(read_lines(qa / "selqa.jsonl.gz"))
    more = (r for r in read_lines(qa / "pairs-2.jsonl.gz") if not r["source"].startswith("pubmed"))
    labelled: Iterable[dict[str, Any]] = chain(
        (
            {**pair, "source": sources.get(pair["question"], "squad")}
            for pair in bundled_data.labelled_pairs(rest)
        ),
        ({**pair, "source": "selqa"} for pair in selqa),
        more,
    )
    for record in labelled:
        if rng.random() < SHARES.get(record["source"], 1.0):
            question, passage = record["question"], record["passage"]
            piece = _piece_like(question, passage, rng)
            yield Question(question, record.get("title") or "", piece, passage, record["source"])


@dataclass
class Pool:
    """The pieces that candidates are mined from.

    Attributes:
        titles: Article title of each piece; empty if unknown.
        texts: Text of each piece.
        passages: Number of the passage that each piece was cut from.
        vectors: (n, dimension), unit vectors of title and text.
        words: BM25 index over title and text.
    """

    titles: list[str]
    texts: list[str]
    passages: list[int]
    vectors: NDArray[np.float32]
    words: tantivy.Index

    @classmethod
    def build(cls, shared: Path, questions: Sequence[Question], rng: random.Random) -> Pool:
        """Cut all passages; keep and embed the pieces that BM25 finds, and some others."""
        pieces = list(_pieces(shared, rng))
        first = len(pieces)
        passages = 1 + (pieces[-1][0] if pieces else 0)
        pieces += [(passages + n, q.title, q.positive) for n, q in enumerate(questions)]
        words = _words(pieces)
        kept = {*range(first, len(pieces)), *rng.sample(range(first), min(4000, first))}
        for question in questions:
            seen: dict[int, int] = {}
            for position in _search(words, question.text, 25):
                seen.setdefault(pieces[position][0], position)
            kept.update(list(seen.values())[:5])
        # The positives stay last, in the order of the questions: `mine` relies on it.
        chosen = [pieces[position] for position in sorted(kept)]
        titles, texts = [title for _, title, _ in chosen], [text for _, _, text in chosen]
        headed = [headed_text(*piece) for piece in zip(titles, texts, strict=True)]
        vectors = load_embedder().embed_passages(headed)
        return cls(titles, texts, [number for number, _, _ in chosen], vectors, _words(chosen))


def mine(
    questions: Sequence[Question],
    vectors: NDArray[np.float32],
    pool: Pool,
    rng: random.Random,
) -> Iterator[MinedList]:
    """Yield each question with its candidates."""
    first = len(pool.texts) - len(questions)
    by_title: dict[str, list[int]] = {}
    for position, title in enumerate(pool.titles):
        by_title.setdefault(title, []).append(position)
    for start in range(0, len(questions), _BATCH):
        batch = questions[start : start + _BATCH]
        cosines = vectors[start : start + _BATCH] @ pool.vectors.T
        for offset, (question, row) in enumerate(zip(batch, cosines, strict=True)):
            own = first + start + offset
            negatives = _negatives(question, own, row, pool, by_title, rng)
            yield MinedList(
                question.text,
                question.source,
                MinedCandidate(question.title, question.positive, float(row[own]), True),
                [
                    MinedCandidate(
                        pool.titles[position],
                        pool.texts[position],
                        float(row[position]),
                        _holds(pool.texts[position], question.answers),
                    )
                    for position in negatives
                ],
            )


def _negatives(
    question: Question,
    own: int,
    cosines: NDArray[np.float32],
    pool: Pool,
    by_title: dict[str, list[int]],
    rng: random.Random,
) -> list[int]:
    """Return near misses of both indexes and of the same article, then a random piece."""
    shingles = _shingles(question.passage)

    def is_other(position: int) -> bool:
        return position != own and not _overlap(shingles, _shingles(pool.texts[position]))

    nearest = np.argsort(-cosines)[:60].tolist()
    dense = list(filter(is_other, nearest))
    lexical = list(filter(is_other, _search(pool.words, question.text, 12)))
    article = list(filter(is_other, by_title[question.title])) if question.title else []
    anywhere = list(filter(is_other, [rng.randrange(len(pool.texts))]))
    chosen: list[int] = []
    for candidates, n in (
        (dense[:6], 2),
        (dense[:25], 2),
        (dense[25:], 1),
        (lexical, 2),
        (article, 1),
        (anywhere, 1),
    ):
        left = [position for position in candidates if position not in chosen]
        chosen += rng.sample(left, min(n, len(left)))
    return chosen


def _pieces(shared: Path, rng: random.Random) -> Iterator[tuple[int, str, str]]:
    texts: dict[str, str] = {}
    for number in (1, 2, 3):
        for record in read_lines(shared / "wiki" / f"passages-{number}.jsonl.gz"):
            texts.setdefault(record["text"].strip(), record.get("title") or "")
    for article in open_source("sample"):
        texts.setdefault(article.text, article.title)
    for number, (text, title) in enumerate(texts.items()):
        for piece in _cut(text, rng.choice(LENGTHS))[:MOST_PIECES]:
            yield number, title, piece


def _cut(text: str, length: int) -> list[str]:
    """Cut a text after the first sentence that brings a piece to the length."""
    pieces: list[str] = []
    start = 0
    for _, end in sentence_spans(text):
        if end - start >= length:
            pieces.append(text[start:end][: 2 * length].strip())
            start = end
    rest = text[start:].strip()
    return [*pieces, rest] if rest else pieces


def _piece_at(passage: str, offset: int, rng: random.Random) -> str:
    end = 0
    for piece in _cut(passage, rng.choice(LENGTHS)):
        end = passage.index(piece, end) + len(piece)
        if offset < end:
            return piece
    return passage[offset : offset + LENGTHS[-1]]


def _piece_like(question: str, passage: str, rng: random.Random) -> str:
    """Return the piece that shares most words with the question, or at times the whole passage."""
    words = set(_plain(question).split())
    if rng.random() < 0.15:
        return passage
    pieces = _cut(passage, rng.choice(LENGTHS))
    return max(pieces, key=lambda piece: len(words & set(_plain(piece).split())))


def _words(pieces: Sequence[tuple[int, str, str]]) -> tantivy.Index:
    schema = tantivy.SchemaBuilder()
    schema.add_integer_field("position", stored=True)
    schema.add_text_field("body", tokenizer_name="en_stem", index_option="freq")
    index = tantivy.Index(schema.build())
    writer = index.writer(256_000_000, num_threads=1)
    for position, (_, title, text) in enumerate(pieces):
        writer.add_document(tantivy.Document(position=position, body=headed_text(title, text)))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index


def _search(index: tantivy.Index, query: str, n: int) -> list[int]:
    searcher = index.searcher()
    words = dict.fromkeys(_plain(query).split())
    terms = [(tantivy.Occur.Should, index.parse_query(word, ["body"])) for word in words]
    hits = searcher.search(tantivy.Query.boolean_query(terms), limit=n, count=False).hits
    return [searcher.doc(address).get_first("position") for _, address in hits]


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = _plain(text).split()
    return {tuple(words[start : start + 5]) for start in range(len(words) - 4)}


def _overlap(a: set[tuple[str, ...]], b: set[tuple[str, ...]]) -> bool:
    return len(a & b) > 0.4 * min(len(a), len(b)) if a and b else False


def _holds(text: str, answers: Sequence[str]) -> bool:
    padded = f" {_plain(text)} "
    return any(f" {_plain(answer)} " in padded for answer in answers if _plain(answer))


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


if __name__ == "__main__":
    main()

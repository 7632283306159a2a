"""Mine candidate lists for people's search questions, to fine-tune the cross-encoder on.

Usage: python scripts/search_lists.py SHARED_DATA OUTPUT

SHARED_DATA holds `qa/` and `wiki/`. Questions with a passage that answers them come from NQ and
WebQuestions joined to lead sections by their known answer, CLAP NQ, TyDi QA, BoolQ, MultiSpanQA,
QED, SelQA, BioASQ and parts of SQuAD's training set; what `bundled_data.py` keeps out is kept out
here too, as are the questions of NQ dev and of `benchmarks/first_questions.jsonl`. Candidates come
from a pool of pieces, 180 to 560 characters long, of 183,709 Wikipedia passages of all topics and
10,033 lead sections: what BM25 and the bundled embedder find, near misses included, pieces of the
same article, and random ones. Positives and negatives are cut to the same lengths, so that length
tells nothing. Writes OUTPUT/lists.jsonl.gz.
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
"""Characters of a piece, drawn at random; the longest fill 128 tokens beside a question."""
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
"""Share of a source's questions that is taken; the others are taken whole."""
WEAK = ("title_in_q", "answer+words", "title_is_answer")
_BATCH = 256
_WORD = re.compile(r"\w+")


@dataclass
class Question:
    """A question with the piece that answers it.

    Attributes:
        text: The question.
        title: Title of the article; empty if unknown.
        positive: The piece that answers.
        passage: The whole passage that the piece is of.
        source: Where the question comes from.
        answers: Strings that answer; none if unknown.
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
        holds_answer: Whether it holds a string that answers, so that it may be right.
    """

    title: str
    text: str
    dense: float
    holds_answer: bool


@dataclass
class MinedList:
    """A question, the piece that answers it, and candidates that do not, or may not.

    Attributes:
        query: The question.
        source: Where it comes from.
        positive: The piece that answers.
        negatives: The others, a random one last.
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
    folders = parser.parse_args()
    folders.output.mkdir(parents=True, exist_ok=True)
    rng = random.Random(7)
    questions = list(read_questions(folders.shared, rng))
    pool = Pool.build(folders.shared, questions, rng)
    vectors = load_embedder().embed_passages([question.text for question in questions])
    lists = mine(questions, vectors, pool, rng)
    n = write_records(folders.output / "lists.jsonl.gz", map(asdict, lists))
    print(f"{n:,} lists over a pool of {len(pool.texts):,} pieces")  # noqa: T201


def read_questions(shared: Path, rng: random.Random) -> Iterator[Question]:
    """Questions of all sources in random order, those that are kept out left out."""
    banned = set(_banned(shared))
    drawn = [q for q in _sources(shared, rng) if _plain(q.text) not in banned]
    rng.shuffle(drawn)
    yield from drawn


def _banned(shared: Path) -> Iterator[str]:
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
    """What candidates are mined from.

    Attributes:
        titles: Of each piece; empty if unknown.
        texts: The pieces.
        passages: Number of the passage that each is of.
        vectors: (n, dimension), unit vectors of title and text.
        words: BM25 over title and text.
    """

    titles: list[str]
    texts: list[str]
    passages: list[int]
    vectors: NDArray[np.float32]
    words: tantivy.Index

    @classmethod
    def build(cls, shared: Path, questions: Sequence[Question], rng: random.Random) -> Pool:
        """Cut all passages; embed those that BM25 finds for a question, and some others."""
        pieces = list(_pieces(shared, rng))
        first = len(pieces)
        passages = 1 + (pieces[-1][0] if pieces else 0)
        pieces += [(passages + n, q.title, q.positive) for n, q in enumerate(questions)]
        words = _words(pieces)
        kept = {*range(first, len(pieces)), *rng.sample(range(first), min(4000, first))}
        for question in questions:
            seen: dict[int, int] = {}
            for at in _search(words, question.text, 25):
                seen.setdefault(pieces[at][0], at)
            kept.update(list(seen.values())[:5])
        chosen = [pieces[at] for at in sorted(kept)]  # The questions' own stay last, in order.
        titles, texts = [title for _, title, _ in chosen], [text for _, _, text in chosen]
        headed = [headed_text(*both) for both in zip(titles, texts, strict=True)]
        vectors = load_embedder().embed_passages(headed)
        return cls(titles, texts, [number for number, _, _ in chosen], vectors, _words(chosen))


def mine(
    questions: Sequence[Question],
    vectors: NDArray[np.float32],
    pool: Pool,
    rng: random.Random,
) -> Iterator[MinedList]:
    """Give each question its candidates."""
    first = len(pool.texts) - len(questions)
    by_title: dict[str, list[int]] = {}
    for at, title in enumerate(pool.titles):
        by_title.setdefault(title, []).append(at)
    for start in range(0, len(questions), _BATCH):
        part = questions[start : start + _BATCH]
        cosines = vectors[start : start + _BATCH] @ pool.vectors.T
        for offset, (question, row) in enumerate(zip(part, cosines, strict=True)):
            own = first + start + offset
            negatives = _negatives(question, own, row, pool, by_title, rng)
            yield MinedList(
                question.text,
                question.source,
                MinedCandidate(question.title, question.positive, float(row[own]), True),
                [
                    MinedCandidate(
                        pool.titles[at],
                        pool.texts[at],
                        float(row[at]),
                        _holds(pool.texts[at], question.answers),
                    )
                    for at in negatives
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
    """Near misses of both indexes, of the same article, and a random piece, in this order."""
    shingles = _shingles(question.passage)

    def other(at: int) -> bool:
        return at != own and not _overlap(shingles, _shingles(pool.texts[at]))

    nearest = np.argsort(-cosines)[:60].tolist()
    dense = [at for at in nearest if other(at)]
    lexical = [at for at in _search(pool.words, question.text, 12) if other(at)]
    article = [at for at in by_title[question.title] if other(at)] if question.title else []
    anywhere = [at for at in [rng.randrange(len(pool.texts))] if other(at)]
    chosen: list[int] = []
    for candidates, n in (
        (dense[:6], 2),
        (dense[:25], 2),
        (dense[25:], 1),
        (lexical, 2),
        (article, 1),
        (anywhere, 1),
    ):
        left = [at for at in candidates if at not in chosen]
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
    """Sentences in a row, each piece as near to a length as they come."""
    pieces: list[str] = []
    start = 0
    for _, end in sentence_spans(text):
        if end - start >= length:
            pieces.append(text[start:end][: 2 * length].strip())
            start = end
    rest = text[start:].strip()
    return [*pieces, rest] if rest else pieces


def _piece_at(passage: str, at: int, rng: random.Random) -> str:
    end = 0
    for piece in _cut(passage, rng.choice(LENGTHS)):
        end = passage.index(piece, end) + len(piece)
        if at < end:
            return piece
    return passage[at : at + LENGTHS[-1]]


def _piece_like(question: str, passage: str, rng: random.Random) -> str:
    """The piece that shares the most words with the question; now and then the whole passage."""
    words = set(_plain(question).split())
    if rng.random() < 0.15:
        return passage
    pieces = _cut(passage, rng.choice(LENGTHS))
    return max(pieces, key=lambda piece: len(words & set(_plain(piece).split())))


def _words(pieces: Sequence[tuple[int, str, str]]) -> tantivy.Index:
    schema = tantivy.SchemaBuilder()
    schema.add_integer_field("at", stored=True)
    schema.add_text_field("body", tokenizer_name="en_stem", index_option="freq")
    index = tantivy.Index(schema.build())
    writer = index.writer(256_000_000, num_threads=1)
    for at, (_, title, text) in enumerate(pieces):
        writer.add_document(tantivy.Document(at=at, body=headed_text(title, text)))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index


def _search(index: tantivy.Index, query: str, n: int) -> list[int]:
    searcher = index.searcher()
    words = dict.fromkeys(_plain(query).split())
    terms = [(tantivy.Occur.Should, index.parse_query(word, ["body"])) for word in words]
    hits = searcher.search(tantivy.Query.boolean_query(terms), limit=n, count=False).hits
    return [searcher.doc(address).get_first("at") for _, address in hits]


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = _plain(text).split()
    return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}


def _overlap(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> bool:
    return len(one & other) > 0.4 * min(len(one), len(other)) if one and other else False


def _holds(text: str, answers: Sequence[str]) -> bool:
    padded = f" {_plain(text)} "
    return any(f" {_plain(answer)} " in padded for answer in answers if _plain(answer))


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


if __name__ == "__main__":
    main()

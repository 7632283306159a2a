"""Training groups of unlabelled questions: retrieved passages for a teacher to score.

A student learns to tell apart the passages that its teacher scored side by side. So a group holds
the top candidates, near misses further down, and random passages. It has no positive: the teacher
scores how likely each passage is right, and a known answer tells which passages contain it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice, zip_longest
from operator import attrgetter
from pathlib import Path

from wikirank._json_lines import expected, read_records, text_field, texts_field, write_records
from wikirank.errors import CorpusError, InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.passages.duplicates import without_duplicates
from wikirank.passages.splitters import SentenceSplitter
from wikirank.train.data.negatives import random_passages
from wikirank.train.data.prose import sentence_runs
from wikirank.train.data.questions import Question, holds_answer, telling_answers
from wikirank.types import Passage

STYLE = "question"
"""Name of these groups in tables, beside the styles of labelled queries."""


@dataclass(frozen=True, slots=True)
class QuestionGroup:
    """A question with passages that nobody labelled, as the model reads them.

    Attributes:
        query: Text of the question.
        passages: Texts of its candidates.
        holds_answer: Whether each text contains a known answer; all False if no answer is known.
    """

    query: str
    passages: list[str]
    holds_answer: list[bool]


@dataclass(frozen=True, slots=True)
class QuestionOptions:
    """Options for making groups of unlabelled questions.

    Attributes:
        candidates: Number of passages in a group, 2 or more; a small index gives fewer.
        top: Number of them that are the best of dense and lexical retrieval, alternately.
        random: Number of them that are drawn from the whole index. The rest are near misses, drawn
            from the ranks below `top`.
        depth: Last rank of the near misses in each retriever.
        short: Share of the groups, in [0, 1], whose texts are all cut to about the same length,
            drawn between `lengths`. So the model also sees short texts, and no text of a group
            stands out by its length.
        lengths: Shortest and longest of these lengths, in characters; 80 are about 20 tokens.
        answer_evidence: Log-odds to add to the teacher's score of a passage that contains a known
            answer. 2 multiplies the odds by seven.

    Raises:
        InvalidArgumentError: If a value is out of range.
    """

    candidates: int = 12
    top: int = 5
    random: int = 2
    depth: int = 50
    short: float = 0.3
    lengths: tuple[int, int] = (80, 400)
    answer_evidence: float = 2.0

    def __post_init__(self) -> None:
        if self.candidates < 2 or min(self.top, self.random) < 0 or self.depth < 1:
            msg = (
                "Expected 2 candidates or more, top and random of 0 or more, and a depth of 1 or "
                f"more, got {self}."
            )
            raise InvalidArgumentError(msg)
        if not 0 <= self.short <= 1 or not 1 <= self.lengths[0] <= self.lengths[1]:
            msg = f"Expected short in [0, 1] and lengths of 1 or more in order, got {self}."
            raise InvalidArgumentError(msg)


def question_groups(
    index: WikiIndex,
    questions: Iterable[Question],
    *,
    seed: int = 42,
    prepend_heading: bool = True,
    drop_headings: float = 0.3,
    options: QuestionOptions | None = None,
) -> Iterator[QuestionGroup]:
    """Mine candidates of unlabelled questions.

    Args:
        index: Index to search. It must not hold held-out articles.
        questions: Unlabelled questions.
        seed: The same seed, index and question give the same group.
        prepend_heading: Whether texts start with a line `title › section`.
        drop_headings: Share of the groups, in [0, 1], that have no headings nevertheless.
        options: How to make the groups; None is the defaults.

    Yields:
        The groups of two passages or more, in the order of the questions. A group contains the best
        candidate with a known answer, and no near duplicates.
    """
    options = options or QuestionOptions()
    for question in questions:
        rng = random.Random(f"{seed}:{STYLE}:{question.text}")
        # Drawn even if it is not used, so that the options do not change later random choices.
        headed = (rng.random() >= drop_headings) and prepend_heading
        read = attrgetter("headed_text" if headed else "text")
        answers = telling_answers(question)
        candidates = _candidates(index, question.text, answers, read, rng, options)
        if not all(passage.heading for passage in candidates):  # a missing one would stand out
            read = attrgetter("text")
        length = _length(rng, options)
        texts = [read(_cut(passage, length, answers, rng)) for passage in candidates]
        if len(texts) > 1:
            yield QuestionGroup(
                question.text, texts, [holds_answer(text, answers) for text in texts]
            )


def write_question_groups(path: Path | str, groups: Iterable[QuestionGroup]) -> int:
    """Write groups as JSON lines, gzipped if the name ends in `.gz`, and return their number.

    If an error occurs, no file is written.
    """
    return write_records(Path(path), map(asdict, groups))


def read_question_groups(path: Path | str) -> Iterator[QuestionGroup]:
    """Read the groups that `write_question_groups` wrote.

    Args:
        path: A `.jsonl` or `.jsonl.gz` file.

    Yields:
        The groups in the file's order.

    Raises:
        CorpusError: If the file cannot be read or holds no record, or a record is wrong. The
            message names the file and the line.
    """
    for where, record in read_records(Path(path)):
        query, passages = text_field(record, "query", where), texts_field(record, "passages", where)
        holds = record.get("holds_answer")
        if (
            not isinstance(holds, list)
            or len(holds) != len(passages)
            or not all(isinstance(value, bool) for value in holds)
        ):
            wanted = f"a list of {len(passages)} booleans in 'holds_answer'"
            raise CorpusError(expected(where, wanted, holds))
        yield QuestionGroup(query, passages, holds)


def _candidates(
    index: WikiIndex,
    query: str,
    answers: Sequence[str],
    read: Callable[[Passage], str],
    rng: random.Random,
    options: QuestionOptions,
) -> list[Passage]:
    """Return the best passage with an answer, the top candidates, near misses and random ones."""
    ranked = _retrieve(index, query, options.depth)
    with_answer = [passage for passage in ranked if holds_answer(read(passage), answers)]
    top, near_misses = ranked[: options.top], ranked[options.top :]
    rng.shuffle(near_misses)
    by_id = {passage.id: passage for passage in (*with_answer[:1], *top, *near_misses)}
    mined = _distinct(list(by_id.values()))
    n_mined = max(1, options.candidates - options.random)
    # Draw more than needed: some may be mined already, or near duplicates.
    drawn = islice(random_passages(index, rng), 2 * options.candidates)
    others = [passage for passage in drawn if passage.id not in by_id]
    return _distinct([*mined[:n_mined], *others, *mined[n_mined:]])[: options.candidates]


def _retrieve(index: WikiIndex, query: str, depth: int) -> list[Passage]:
    """Return the hits of dense and lexical retrieval, alternately, best first."""
    vector = index.embedder.embed_query(query)
    rankings = index.dense.search(vector, depth), index.lexical.search(query, depth)
    turns = zip_longest(*([id_ for id_, _ in hits] for hits in rankings))
    ids = [id_ for id_ in dict.fromkeys(chain.from_iterable(turns)) if id_ is not None]
    passages = index.store.get(ids)
    return [passages[id_] for id_ in ids if id_ in passages]


def _distinct(passages: Sequence[Passage]) -> list[Passage]:
    texts = [passage.text for passage in passages]
    titles = [passage.title for passage in passages]
    return [passages[position] for position in without_duplicates(texts, titles=titles)]


def _length(rng: random.Random, options: QuestionOptions) -> int:
    """Draw the length of a group's texts, in characters, log-uniformly if they are cut short."""
    low, high = (math.log(length) for length in options.lengths)
    drawn = math.exp(rng.uniform(low, high))
    return round(drawn) if rng.random() < options.short else SentenceSplitter().max_chars


def _cut(passage: Passage, length: int, answers: Sequence[str], rng: random.Random) -> Passage:
    """Cut a passage to sentences of about this length, with an answer if there is one."""
    runs = sentence_runs(passage.text, length)
    with_answer = [run for run in runs if holds_answer(run, answers)]
    return replace(passage, text=rng.choice(with_answer or runs))

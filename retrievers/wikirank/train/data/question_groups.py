"""Training groups of unlabelled questions: what retrieval finds for them, for a teacher to score.

A student learns to tell apart what its teacher saw beside each other, so a group holds what
retrieval confuses, near misses further down, and random passages. It has no positive: the teacher
says how likely each passage is right, and an answer that is known, what holds it.
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
"""What tables call these groups, beside the styles of labelled queries."""


@dataclass(frozen=True, slots=True)
class QuestionGroup:
    """A question with passages of which none is known to be right, as the model will read them.

    Attributes:
        query: The question.
        passages: The texts.
        holds_answer: Whether each holds an answer that is known; all False if none is.
    """

    query: str
    passages: list[str]
    holds_answer: list[bool]


@dataclass(frozen=True, slots=True)
class QuestionOptions:
    """How groups of questions are made.

    Attributes:
        candidates: Passages of a group, 2 or more; a small index gives fewer.
        top: So many of them are the best that dense and lexical retrieval find, by turns.
        random: So many are drawn from the whole index; the rest are near misses, drawn from the
            ranks below the top.
        depth: Last rank of the near misses, of each retriever.
        short: Share of the groups, in [0, 1], whose texts are all cut to about one length, drawn
            between `lengths`: so no text is known by its length, and the model meets short ones.
        lengths: Shortest and longest of these, in characters; 80 are about 20 tokens.
        answer_evidence: Log-odds that the teacher's score gains where a passage holds an answer
            that is known. 2 multiplies the odds by seven.

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
        index: Where to look; holds nothing of held-out articles.
        questions: The questions.
        seed: The same seed, index and question give the same group.
        prepend_heading: Whether texts carry `title › section` on a line before them.
        drop_headings: Share of the groups without headings all the same.
        options: How to make them; None takes the defaults.

    Yields:
        The groups of two passages or more, in the order of the questions. The best candidate that
        holds a known answer is among them; no two are near duplicates of each other.
    """
    options = options or QuestionOptions()
    for question in questions:
        rng = random.Random(f"{seed}:{STYLE}:{question.text}")
        # Drawn whatever the options are, so that other choices stay the same under all.
        headed = (rng.random() >= drop_headings) and prepend_heading
        read = attrgetter("headed_text" if headed else "text")
        answers = telling_answers(question)
        candidates = _candidates(index, question.text, answers, read, rng, options)
        if not all(passage.heading for passage in candidates):  # which would set one apart
            read = attrgetter("text")
        length = _length(rng, options)
        texts = [read(_cut(passage, length, answers, rng)) for passage in candidates]
        if len(texts) > 1:
            yield QuestionGroup(
                question.text, texts, [holds_answer(text, answers) for text in texts]
            )


def write_question_groups(path: Path | str, groups: Iterable[QuestionGroup]) -> int:
    """Write groups as JSON lines, gzipped for `.gz`, all of them or no file; their number."""
    return write_records(Path(path), map(asdict, groups))


def read_question_groups(path: Path | str) -> Iterator[QuestionGroup]:
    """Read what `write_question_groups` wrote.

    Args:
        path: The file.

    Yields:
        The groups.

    Raises:
        CorpusError: If the file cannot be read or holds no record, or a record is wrong; the
            message names the file and the line.
    """
    for where, record in read_records(Path(path)):
        query, passages = text_field(record, "query", where), texts_field(record, "passages", where)
        holds = record.get("holds_answer")
        if (
            not isinstance(holds, list)
            or len(holds) != len(passages)
            or not all(isinstance(one, bool) for one in holds)
        ):
            wanted = f"{len(passages)} times true or false in 'holds_answer'"
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
    """Passages of a question: the best that holds an answer, the top, near misses, random ones."""
    ranked = _retrieved(index, query, options.depth)
    holding = [passage for passage in ranked if holds_answer(read(passage), answers)]
    top, below = ranked[: options.top], ranked[options.top :]
    rng.shuffle(below)
    by_id = {passage.id: passage for passage in (*holding[:1], *top, *below)}
    mined = _distinct(list(by_id.values()))
    n_mined = max(1, options.candidates - options.random)
    # Some to spare: they may be among the mined, or near duplicates of them.
    drawn = islice(random_passages(index, rng), 2 * options.candidates)
    others = [passage for passage in drawn if passage.id not in by_id]
    return _distinct([*mined[:n_mined], *others, *mined[n_mined:]])[: options.candidates]


def _retrieved(index: WikiIndex, query: str, depth: int) -> list[Passage]:
    """What the two retrievers find, by turns, best first."""
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
    """About how many characters the texts of a group have at most; as likely short as long."""
    low, high = (math.log(length) for length in options.lengths)
    drawn = math.exp(rng.uniform(low, high))
    return round(drawn) if rng.random() < options.short else SentenceSplitter().max_chars


def _cut(passage: Passage, length: int, answers: Sequence[str], rng: random.Random) -> Passage:
    """A run of the passage's sentences of about this length, one that holds an answer if any."""
    runs = sentence_runs(passage.text, length)
    telling = [run for run in runs if holds_answer(run, answers)]
    return replace(passage, text=rng.choice(telling or runs))

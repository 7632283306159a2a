"""Training groups: a query, a text that answers it, and texts that do not."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from wikirank._json_lines import read_records, text_field, texts_field, write_records
from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.train.data.negatives import (
    MARGIN,
    WINDOW,
    Accept,
    holds_text,
    mine_negatives,
    with_text,
)
from wikirank.train.data.pairs import QuestionPair
from wikirank.train.data.prose import (
    DocumentFrequency,
    sentence_runs,
    sentences,
    stands_alone,
)
from wikirank.train.data.queries import (
    STYLE_WEIGHTS,
    MadeQuery,
    Style,
    also_answers,
    make_queries,
    without_span,
)
from wikirank.types import Passage

MOST_MADE = 3000
"""More queries teach little more; these take under half an hour on two cores."""


@dataclass(frozen=True, slots=True)
class TrainingGroup:
    """One query with its positive and its negatives, as the model reads them.

    Attributes:
        query: Text of the query.
        positive: Text that answers the query.
        negatives: Texts that do not answer it.
        style: How the query was made, see `STYLE_WEIGHTS`; `pair` if it is the user's.
    """

    query: str
    positive: str
    negatives: list[str]
    style: str


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """Options for making training groups.

    Attributes:
        headings: Whether texts start with a line `title › section`.
        drop_headings: Share of the groups, in [0, 1], that have no headings nevertheless, so that
            the model also works without. Either all texts of a group have a heading or none has:
            otherwise a missing heading would give away the positive.
        alike: Whether to give the negatives the form of the positive: without one sentence if the
            query was cut out of the positive, and about as long if the positive is the user's.
            Otherwise the form would give away the positive.
        n_hard: Hard negatives in a group.
        n_same_article: Negatives from the positive's article in a group.
        n_random: Random negatives in a group.
        window: First and last rank of the hard negatives, from 1.
        margin: Highest similarity of a negative, see `mine_negatives`.
        styles: Weight of each style of query.
        per_passage: Maximum number of queries to generate from one passage.
        most_made: Maximum number of queries to generate in all, from passages drawn at random;
            None is no limit.
    """

    headings: bool = True
    drop_headings: float = 0.3
    alike: bool = True
    n_hard: int = 2
    n_same_article: int = 1
    n_random: int = 1
    window: tuple[int, int] = WINDOW
    margin: float = MARGIN
    styles: Mapping[Style, float] = field(default_factory=lambda: dict(STYLE_WEIGHTS))
    per_passage: int = 1
    most_made: int | None = MOST_MADE

    def __post_init__(self) -> None:
        if not 0 <= self.drop_headings <= 1:
            msg = f"Expected drop_headings between 0 and 1, got {self.drop_headings}."
            raise InvalidArgumentError(msg)


def build_groups(
    index: WikiIndex,
    passages: Sequence[Passage],
    pairs: Iterable[QuestionPair] = (),
    *,
    seed: int = 42,
    document_frequency: DocumentFrequency | None = None,
    options: GroupOptions | None = None,
) -> Iterator[TrainingGroup]:
    """Make training groups from passages and from the user's pairs.

    Args:
        index: Index to mine negatives from. It must hold the passages and no held-out article.
        passages: Passages of the training articles.
        pairs: The user's pairs; their groups come first. If a question has several passages, none
            of them is a negative of it.
        seed: The same seed, index, passages and pairs give the same groups. A query's negatives
            depend on the seed, the query and the index only.
        document_frequency: Word counts of the corpus; None counts the words of the passages.
        options: How to make the groups; None is the defaults.

    Yields:
        The groups that have at least one negative, in the order of the pairs and passages.
    """
    options = options or GroupOptions()
    frequency = document_frequency or DocumentFrequency.of(p.headed_text for p in passages)
    rng = random.Random(f"{seed}:queries")
    if options.most_made is not None:
        passages = rng.sample(passages, len(passages))
    made_queries = make_queries(
        passages,
        rng=rng,
        document_frequency=frequency,
        styles=options.styles,
        per_passage=options.per_passage,
    )
    first_made = islice(made_queries, options.most_made)
    all_pairs = list(pairs)
    answers: dict[str, list[str]] = {}
    for pair in all_pairs:
        answers.setdefault(pair.question, []).append(pair.passage)
    from_pairs = (
        (pair.as_passage(), MadeQuery(pair.question, "pair", pair.passage)) for pair in all_pairs
    )
    for passage, made in chain(from_pairs, first_made):
        rng = random.Random(f"{seed}:{made.style}:{passage.id}:{made.text}")

        def accept(candidate: Passage, passage: Passage = passage, made: MadeQuery = made) -> bool:
            return not also_answers(candidate, passage, made) and not any(
                holds_text(text, candidate.text) for text in answers.get(made.text, ())
            )

        group = _group(index, passage, made, rng, accept, options)
        if group.negatives:
            yield group


def write_groups(path: Path | str, groups: Iterable[TrainingGroup]) -> int:
    """Write groups as JSON lines, gzipped if the name ends in `.gz`, and return their number.

    If an error occurs, no file is written.
    """
    return write_records(Path(path), map(_record, groups))


def read_groups(path: Path | str) -> Iterator[TrainingGroup]:
    """Read the groups that `write_groups` wrote.

    Args:
        path: A `.jsonl` or `.jsonl.gz` file.

    Yields:
        The groups in the file's order.

    Raises:
        CorpusError: If the file cannot be read or holds no record, or a record is wrong. The
            message names the file and the line.
    """
    for where, record in read_records(Path(path)):
        negatives = texts_field(record, "negatives", where)
        texts = (text_field(record, name, where) for name in ("query", "positive", "style"))
        query, positive, style = texts
        yield TrainingGroup(query, positive, negatives, style)


def _record(group: TrainingGroup) -> dict[str, Any]:
    return {
        "style": group.style,
        "query": group.query,
        "positive": group.positive,
        "negatives": group.negatives,
    }


def _group(
    index: WikiIndex,
    passage: Passage,
    made: MadeQuery,
    rng: random.Random,
    accept: Accept,
    options: GroupOptions,
) -> TrainingGroup:
    positive = with_text(passage, made.passage_text)
    # Drawn even if it is not used, so that the options do not change later random choices.
    dropped = rng.random() < options.drop_headings
    headed = options.headings and not dropped and bool(positive.heading)
    negatives = mine_negatives(
        index,
        made.text,
        positive,
        rng=rng,
        n_hard=options.n_hard,
        n_same_article=options.n_same_article,
        n_random=options.n_random,
        window=options.window,
        margin=options.margin,
        accept=lambda candidate: accept(candidate) and bool(candidate.heading or not headed),
    )
    if options.alike:
        masked = made.passage_text != passage.text
        negatives = [
            _like_positive(negative, made, masked=masked, rng=rng, index=index, accept=accept)
            for negative in negatives
        ]
    texts = [p.headed_text if headed else p.text for p in (positive, *negatives)]
    return TrainingGroup(made.text, texts[0], texts[1:], made.style)


def _like_positive(
    passage: Passage,
    made: MadeQuery,
    *,
    masked: bool,
    rng: random.Random,
    index: WikiIndex,
    accept: Accept,
) -> Passage:
    """Return a negative whose form does not tell it from the positive."""
    if masked:
        return with_text(passage, _without_sentence(passage.text, rng))
    if made.style == "pair":
        length = len(made.passage_text)
        text = _lengthened(index, passage, length, accept)
        return with_text(passage, rng.choice(sentence_runs(text, length)))
    return passage


def _lengthened(index: WikiIndex, passage: Passage, length: int, accept: Accept) -> str:
    """Return a passage with the text after it in its section, up to about `length` characters.

    Otherwise a user whose positives are whole paragraphs would teach that longer is better.
    """
    text = passage.text
    if len(text) >= length:
        return text
    article = index.store.of_articles(passage.source, [passage.article]).values()
    following = sorted(
        (later for later in article if later.number > passage.number),
        key=lambda later: later.number,
    )
    for later in following:
        longer = f"{text}\n{later.text}"
        too_long = len(longer) - length > length - len(text)
        if too_long or later.section != passage.section or not accept(later):
            break
        text = longer
    return text


def _without_sentence(text: str, rng: random.Random) -> str:
    """Drop a random sentence that could have been a query, if there is one."""
    spans = [span for span in sentences(text) if stands_alone(text[slice(*span)])]
    shorter = without_span(text, *rng.choice(spans)) if spans else text
    return shorter or text

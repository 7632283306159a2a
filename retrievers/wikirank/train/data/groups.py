"""Training groups: a query, the text that answers it, texts that do not."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
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
"""Enough for most of what a corpus has to teach, in under half an hour on two cores."""


@dataclass(frozen=True, slots=True)
class TrainingGroup:
    """One query with its positive and its negatives, as the model will read them.

    Attributes:
        query: The query.
        positive: The text that answers it.
        negatives: Texts that do not.
        style: How the query was made; `pair` if by the user.
    """

    query: str
    positive: str
    negatives: list[str]
    style: str


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """How groups are made.

    Attributes:
        headings: Whether texts carry `title › section` on a line before them.
        drop_headings: Share of the groups without headings all the same, in [0, 1], so that the
            model works without. All texts of a group have one, or none: else its absence would
            tell the positive from the negatives.
        alike: Whether negatives are made like the positive in form: without a sentence where it
            lost one to the query, about as long where it is the user's. Else its form would tell
            it.
        n_hard: Hard negatives of a group.
        n_same_article: Negatives from the positive's article.
        n_random: Random negatives.
        window: First and last rank of the hard negatives.
        margin: See `mine_negatives`.
        styles: Weights of the styles of query.
        per_passage: Most queries to make of a passage.
        most_made: Most queries to make in all, of passages drawn at random; None makes all.
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
            msg = f"drop_headings must be between 0 and 1, got {self.drop_headings}"
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
    """Make training groups of passages, and of the user's pairs.

    Args:
        index: Where to look for negatives; holds the passages, and nothing of held-out articles.
        passages: Those of the training articles.
        pairs: The user's; their groups come first. No passage that a question has is a negative of
            it.
        seed: The same seed, index, passages and pairs give the same groups. A query's negatives
            depend on the seed, the query and the index alone.
        document_frequency: Of the corpus; None counts the passages.
        options: How to make them; None takes the defaults.

    Yields:
        The groups that have a negative, in the order of the pairs and passages.
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
    own = (
        (pair.as_passage(), MadeQuery(pair.question, "pair", pair.passage)) for pair in all_pairs
    )
    for source in (own, first_made):
        for passage, made in source:
            rng = random.Random(f"{seed}:{made.style}:{passage.id}:{made.text}")

            def accept(other: Passage, passage: Passage = passage, made: MadeQuery = made) -> bool:
                return not also_answers(other, passage, made) and not any(
                    holds_text(text, other.text) for text in answers.get(made.text, ())
                )

            group = _group(index, passage, made, rng, accept, options)
            if group.negatives:
                yield group


def write_groups(path: Path | str, groups: Iterable[TrainingGroup]) -> int:
    """Write groups as JSON lines, gzipped for `.gz`, all of them or no file; their number."""
    return write_records(Path(path), map(_record, groups))


def read_groups(path: Path | str) -> Iterator[TrainingGroup]:
    """Read what `write_groups` wrote.

    Args:
        path: The file.

    Yields:
        The groups.

    Raises:
        CorpusError: The file cannot be read or holds no record, or a record is wrong; the message
            names the file and the line.
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
    # Drawn whatever the options are, so that other choices stay the same under all.
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
        accept=lambda other: accept(other) and bool(other.heading or not headed),
    )
    if options.alike:
        masked = made.passage_text != passage.text
        negatives = [
            _like_positive(other, made, masked=masked, rng=rng, index=index, accept=accept)
            for other in negatives
        ]
    texts = [other.headed_text if headed else other.text for other in (positive, *negatives)]
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
    """A negative without what in its form, not in what it says, sets it apart from the positive."""
    if masked:
        return with_text(passage, _without_sentence(passage.text, rng))
    if made.style == "pair":
        length = len(made.passage_text)
        text = _lengthened(index, passage, length, accept)
        return with_text(passage, rng.choice(sentence_runs(text, length)))
    return passage


def _lengthened(index: WikiIndex, passage: Passage, length: int, accept: Accept) -> str:
    """A passage and what follows it in its section, until it is about so long.

    Else whoever asks about whole paragraphs would teach that what is longer is right.
    """
    text = passage.text
    if len(text) >= length:
        return text
    article = index.store.of_articles(passage.source, [passage.article]).values()
    following = sorted(
        (other for other in article if other.number > passage.number),
        key=lambda other: other.number,
    )
    for other in following:
        longer = f"{text}\n{other.text}"
        too_long = len(longer) - length > length - len(text)
        if too_long or other.section != passage.section or not accept(other):
            break
        text = longer
    return text


def _without_sentence(text: str, rng: random.Random) -> str:
    """A text without a sentence such as could have been a query; the text itself if it has none."""
    spans = [span for span in sentences(text) if stands_alone(text[slice(*span)])]
    shorter = without_span(text, *rng.choice(spans)) if spans else text
    return shorter or text

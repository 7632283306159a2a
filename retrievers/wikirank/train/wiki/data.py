"""From a corpus to what training reads: groups, and candidate lists of held-out articles."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wikirank.corpus import SentenceSplitter, article_passages
from wikirank.errors import CorpusError
from wikirank.index import WikiIndex
from wikirank.search import Searcher
from wikirank.train.wiki.groups import (
    GroupOptions,
    TrainingGroup,
    build_groups,
    read_groups,
    write_groups,
)
from wikirank.train.wiki.heldout import (
    CandidateList,
    candidate_lists,
    read_candidate_lists,
    write_candidate_lists,
)
from wikirank.train.wiki.pairs import QuestionPair
from wikirank.train.wiki.prose import DocumentFrequency
from wikirank.train.wiki.queries import STYLE_WEIGHTS, Style, make_queries
from wikirank.train.wiki.split import split_articles
from wikirank.types import Article, Passage

# A masked sentence still stands in the index and flatters the first stage: not for held-out lists.
HELD_OUT_STYLES: dict[Style, float] = {
    style: weight for style, weight in STYLE_WEIGHTS.items() if style != "masked_sentence"
}
_PARTS = ("dev", "test")


@dataclass(frozen=True, slots=True)
class WikiData:
    """What a run trains and is measured on.

    Attributes:
        groups: To train on, as many negatives in each.
        dev: Candidate lists to choose the checkpoint by, and to calibrate on.
        test: Candidate lists to report on.
    """

    groups: list[TrainingGroup]
    dev: list[CandidateList]
    test: list[CandidateList]

    @property
    def styles(self) -> dict[str, int]:
        """How many groups there are of each style of query."""
        return dict(sorted(Counter(group.style for group in self.groups).items()))


def prepare_data(
    articles: Sequence[Article],
    pairs: Sequence[QuestionPair],
    folder: Path,
    *,
    seed: int,
    options: GroupOptions,
    held_out_queries: int = 300,
    depth: int = 50,
    report: Callable[[str], None] = lambda _: None,
) -> WikiData:
    """Make the data of a run, or read what an earlier call has written.

    Articles are split, so that no article of dev or test gives a query, a positive or a negative
    to training; pairs whose title is that of a held-out article are left out.

    Args:
        articles: The corpus.
        pairs: The user's questions and passages.
        folder: Where the files of it go; each is whole or absent.
        seed: Of the split and of every choice.
        options: How groups are made.
        held_out_queries: Most lists of dev, and of test.
        depth: Candidates a list.
        report: Called with a sentence at each stage.

    Returns:
        The data.

    Raises:
        CorpusError: The corpus is too small to give a group, a dev list and a test list.
    """
    files = {part: folder / f"{part}.jsonl.gz" for part in ("groups", *_PARTS)}
    if not all(file.is_file() for file in files.values()):
        folder.mkdir(parents=True, exist_ok=True)
        _write(articles, pairs, files, seed, options, held_out_queries, depth, report)
    wanted = options.n_hard + options.n_same_article + options.n_random
    groups = [g for g in read_groups(files["groups"]) if len(g.negatives) == wanted]
    if not groups:
        msg = f"The corpus gives no query with {wanted} negatives. Train on a larger one."
        raise CorpusError(msg)
    dev, test = (list(read_candidate_lists(files[part])) for part in _PARTS)
    return WikiData(groups, dev, test)


def _write(
    articles: Sequence[Article],
    pairs: Sequence[QuestionPair],
    files: dict[str, Path],
    seed: int,
    options: GroupOptions,
    held_out_queries: int,
    depth: int,
    report: Callable[[str], None],
) -> None:
    split = split_articles(articles, seed=seed)
    parts = {"train": split.train, "dev": split.dev, "test": split.test}
    passages = {part: _passages(part, held) for part, held in parts.items()}
    everything = [passage for held in passages.values() for passage in held]
    report(f"{len(articles):,} articles, {len(everything):,} passages. Indexing.")
    titles = {article.title for part in _PARTS for article in parts[part]}
    own = [pair for pair in pairs if pair.title not in titles or not pair.title]
    with WikiIndex.create() as index:
        index.add_passages(everything)
        frequency = DocumentFrequency.of(passage.headed_text for passage in everything)
        report("Making queries and mining negatives.")
        groups = build_groups(
            index,
            passages["train"],
            own,
            seed=seed,
            held_out=split.held_out,
            document_frequency=frequency,
            options=options,
        )
        write_groups(files["groups"], groups)
        for part in _PARTS:
            rng = random.Random(f"{seed}:{part}")
            made = list(
                make_queries(
                    passages[part],
                    rng=rng,
                    document_frequency=frequency,
                    styles=HELD_OUT_STYLES,
                )
            )
            asked = rng.sample(made, min(held_out_queries, len(made)))
            lists = candidate_lists(Searcher(index), asked, n=depth, headings=options.headings)
            write_candidate_lists(files[part], lists)


def _passages(part: str, articles: Iterable[Article]) -> list[Passage]:
    splitter = SentenceSplitter()
    return [
        passage
        for number, article in enumerate(articles)
        for passage in article_passages(
            article, source="corpus", key=f"{part}-{number}", splitter=splitter
        )
    ]

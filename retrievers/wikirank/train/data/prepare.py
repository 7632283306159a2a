"""Make the data of a training run: groups, and candidate lists of held-out articles."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wikirank.errors import CorpusError
from wikirank.index import WikiIndex
from wikirank.passages.cut import article_passages
from wikirank.passages.splitters import SentenceSplitter
from wikirank.search import Searcher
from wikirank.train.data.candidate_lists import (
    CandidateList,
    candidate_lists,
    read_candidate_lists,
    write_candidate_lists,
)
from wikirank.train.data.groups import (
    GroupOptions,
    TrainingGroup,
    build_groups,
    read_groups,
    write_groups,
)
from wikirank.train.data.pairs import QuestionPair
from wikirank.train.data.prose import DocumentFrequency
from wikirank.train.data.queries import STYLE_WEIGHTS, MadeQuery, Style, make_queries
from wikirank.train.data.question_groups import (
    STYLE,
    QuestionGroup,
    QuestionOptions,
    question_groups,
    read_question_groups,
    write_question_groups,
)
from wikirank.train.data.questions import Question, question_key
from wikirank.train.data.split import split_articles, split_pairs
from wikirank.types import Article, Passage

# Masked sentences are still in the index and flatter the first stage, so held-out lists have none.
HELD_OUT_STYLES: dict[Style, float] = {
    style: weight for style, weight in STYLE_WEIGHTS.items() if style != "masked_sentence"
}
_PARTS = ("dev", "test")
QUESTIONS = "questions"


@dataclass(frozen=True, slots=True)
class WikiData:
    """The data that a run trains and is measured on.

    Attributes:
        groups: Training groups, all with the same number of negatives.
        dev: Candidate lists to choose the checkpoint and to calibrate on.
        test: Candidate lists to report results on.
        questions: Groups of unlabelled questions, to train on with a teacher.
    """

    groups: list[TrainingGroup]
    dev: list[CandidateList]
    test: list[CandidateList]
    questions: list[QuestionGroup] = field(default_factory=list)

    @property
    def styles(self) -> dict[str, int]:
        """Number of groups of each style of query, by the style's name."""
        styles = Counter(group.style for group in self.groups)
        styles.update({STYLE: len(self.questions)} if self.questions else {})
        return dict(sorted(styles.items()))


def prepare_data(
    articles: Sequence[Article],
    pairs: Sequence[QuestionPair],
    folder: Path,
    *,
    seed: int,
    options: GroupOptions,
    held_out_queries: int = 300,
    depth: int = 50,
    questions: Sequence[Question] = (),
    question_options: QuestionOptions | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> WikiData:
    """Make the data of a run, or read the files that an earlier call wrote.

    Articles and pairs are split, so that no query, positive or negative of the training groups
    comes from dev or test.

    Args:
        articles: The corpus.
        pairs: The user's questions and passages.
        folder: Folder of the data files. Each file is written whole or not at all.
        seed: Seed of the split and of every random choice.
        options: How to make training groups.
        held_out_queries: Maximum number of lists of dev, and of test.
        depth: Number of candidates in a list.
        questions: Unlabelled questions. Those that also occur in dev or test are left out.
        question_options: How to make the groups of unlabelled questions; None is the defaults.
        report: Called with a sentence at each stage.

    Returns:
        The data.

    Raises:
        CorpusError: If the corpus is too small for a group, a dev list and a test list.
    """
    names = ["groups", *_PARTS, *([QUESTIONS] if questions else [])]
    files = {name: folder / f"{name}.jsonl.gz" for name in names}
    if not all(file.is_file() for file in files.values()):
        folder.mkdir(parents=True, exist_ok=True)
        question_options = question_options or QuestionOptions()
        writer = _DataWriter(seed, options, question_options, held_out_queries, depth, report)
        writer.write(articles, pairs, questions, files)
    wanted = options.n_hard + options.n_same_article + options.n_random
    groups = [g for g in read_groups(files["groups"]) if len(g.negatives) == wanted]
    if not groups:
        msg = f"Expected a query with {wanted} negatives, got none. Train on a larger corpus."
        raise CorpusError(msg)
    dev, test = (list(read_candidate_lists(files[part])) for part in _PARTS)
    mined = list(read_question_groups(files[QUESTIONS])) if questions else []
    return WikiData(groups, dev, test, mined)


@dataclass(frozen=True, slots=True)
class _DataWriter:
    """Writes the data of a run. The fields are arguments of `prepare_data`."""

    seed: int
    options: GroupOptions
    question_options: QuestionOptions
    held_out_queries: int
    depth: int
    report: Callable[[str], None]

    def write(
        self,
        articles: Sequence[Article],
        pairs: Sequence[QuestionPair],
        questions: Sequence[Question],
        files: dict[str, Path],
    ) -> None:
        """Write all files. Training data is made before dev and test are added to the index."""
        split = split_articles(articles, seed=self.seed)
        part_pairs = split_pairs(pairs, split, seed=self.seed)
        passages = {
            part: _passages(part, part_passages) for part, part_passages in split.parts.items()
        }
        total = sum(map(len, passages.values()))
        self.report(
            f"{len(articles):,} articles, {total:,} passages; {len(pairs):,} pairs. Indexing."
        )
        frequency = DocumentFrequency.of(
            p.headed_text for part_passages in passages.values() for p in part_passages
        )
        with WikiIndex.create() as index:
            _add(index, passages["train"], part_pairs["train"])
            self.report("Making queries and mining negatives.")
            groups = build_groups(
                index,
                passages["train"],
                part_pairs["train"],
                seed=self.seed,
                document_frequency=frequency,
                options=self.options,
            )
            self.report(f"{write_groups(files['groups'], groups):,} groups.")
            if questions:
                held_out = [pair.question for part in _PARTS for pair in part_pairs[part]]
                self._write_questions(index, questions, held_out, files[QUESTIONS])
            self.report("Searching for the candidates of held-out queries.")
            # Only now, so that no training group can hold a passage of dev or test.
            for part in _PARTS:
                _add(index, passages[part], part_pairs[part])
            for part in _PARTS:
                queries = self._held_out(part, passages[part], part_pairs[part], frequency)
                lists = candidate_lists(
                    Searcher(index), queries, n=self.depth, prepend_heading=self.options.headings
                )
                write_candidate_lists(files[part], lists)

    def _write_questions(
        self, index: WikiIndex, questions: Sequence[Question], held_out: list[str], file: Path
    ) -> None:
        keys = set(map(question_key, held_out))
        kept = [question for question in questions if question_key(question.text) not in keys]
        self.report(f"Mining candidates of {len(kept):,} unlabelled questions.")
        groups = question_groups(
            index,
            kept,
            seed=self.seed,
            prepend_heading=self.options.headings,
            drop_headings=self.options.drop_headings,
            options=self.question_options,
        )
        n = write_question_groups(file, groups)
        self.report(f"{n:,} groups of unlabelled questions.")

    def _held_out(
        self,
        part: str,
        passages: Sequence[Passage],
        pairs: Sequence[QuestionPair],
        frequency: DocumentFrequency,
    ) -> list[tuple[Passage, MadeQuery]]:
        """Return the queries of dev or test, several of each passage if there are few passages."""
        made: list[tuple[Passage, MadeQuery]] = []
        for per_passage in range(1, len(HELD_OUT_STYLES) + 1):
            rng = random.Random(f"{self.seed}:{part}")
            made = list(
                make_queries(
                    passages,
                    rng=rng,
                    document_frequency=frequency,
                    styles=HELD_OUT_STYLES,
                    per_passage=per_passage,
                )
            )
            if len(made) >= self.held_out_queries:
                break
        return _sample(made, pairs, self.held_out_queries, rng)


def _add(index: WikiIndex, passages: Sequence[Passage], pairs: Sequence[QuestionPair]) -> None:
    by_id = {passage.id: passage for passage in (pair.as_passage() for pair in pairs)}
    index.add_passages([*passages, *by_id.values()])


def _sample(
    made: Sequence[tuple[Passage, MadeQuery]],
    pairs: Sequence[QuestionPair],
    n: int,
    rng: random.Random,
) -> list[tuple[Passage, MadeQuery]]:
    """Draw up to `n` queries: half of them the user's if there are enough, the rest generated."""
    users = [(pair.as_passage(), MadeQuery(pair.question, "pair", pair.passage)) for pair in pairs]
    drawn = rng.sample(users, min(len(users), max(n // 2, n - len(made))))
    return [*drawn, *rng.sample(made, min(len(made), n - len(drawn)))]


def _passages(part: str, articles: Iterable[Article]) -> list[Passage]:
    splitter = SentenceSplitter()
    return [
        passage
        for number, article in enumerate(articles)
        for passage in article_passages(
            article, source="corpus", key=f"{part}-{number}", splitter=splitter
        )
    ]

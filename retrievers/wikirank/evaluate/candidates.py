"""The index of a data set, and what each first stage finds in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from wikirank.corpus.source import Source
from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.index import WikiIndex
from wikirank.index.preconditions import refuse_duplicates
from wikirank.passages.cut import article_passages
from wikirank.passages.splitters import SentenceSplitter
from wikirank.search import Searcher, SearchOptions
from wikirank.types import Passage, RankedPassage, SearchType

OnStep = Callable[[str, int, int], None]

FIRST_STAGES: Mapping[SearchType, str] = MappingProxyType(
    {"lexical": "BM25", "dense": "dense", "hybrid": "hybrid"}
)
_DISTRACTORS = "distractors"
_POOL = "pool"
_INDEXED_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class FirstStage:
    """What one first stage found for one query.

    Attributes:
        candidates: Best first.
        stages_ms: Milliseconds by stage, and `total`; empty where nothing was searched.
    """

    candidates: list[RankedPassage]
    stages_ms: dict[str, float]


class Candidates(Protocol):
    """Where the candidates of a data set's queries come from."""

    @property
    def passages(self) -> int:
        """Number of passages that candidates are taken from, distractors included."""
        ...

    @property
    def distractors(self) -> int:
        """How many of them are no passages of the data set."""
        ...

    def find(self, query: str, depth: int) -> dict[SearchType, FirstStage]:
        """Take the candidates of one query, without reranking.

        Args:
            query: Its id.
            depth: How many candidates to take from each first stage.

        Returns:
            What each first stage has: at most `depth` candidates.
        """
        ...


class SearchedCandidates:
    """Candidates that are searched for in an index, near duplicates dropped.

    Args:
        index: Of the data set's passages, as `build_index` makes it.
        dataset: Its queries are asked.
    """

    def __init__(self, index: WikiIndex, dataset: RetrievalDataset) -> None:
        self._index = index
        self._dataset = dataset
        self._searcher = Searcher(index)

    @property
    def passages(self) -> int:
        """Number of passages in the index."""
        return self._index.store.count()

    @property
    def distractors(self) -> int:
        """How many of them are no passages of the data set."""
        return self.passages - len(self._index.store.get(list(self._dataset.passages)))

    def find(self, query: str, depth: int) -> dict[SearchType, FirstStage]:
        """Ask every first stage one query, in its pool if the data set has pools."""
        first_stages: dict[SearchType, FirstStage] = {}
        for search_type in FIRST_STAGES:
            options = SearchOptions(
                k=depth,
                fetch_k=depth,
                search_type=search_type,
                rerank=False,
                filter={_POOL: query} if self._dataset.pools else None,
            )
            result = self._searcher.search(self._dataset.queries[query], options)
            first_stages[search_type] = FirstStage(result.candidates, result.timings)
        return first_stages


def build_index(
    dataset: RetrievalDataset,
    distractors: Iterable[Passage] = (),
    *,
    on_step: OnStep | None = None,
) -> WikiIndex:
    """Index a data set's passages and others, in a temporary folder.

    The dense index is approximate and built by several threads, so two indexes of the same
    passages may differ in a candidate.

    Args:
        dataset: Its passages keep their ids; those with neither title nor text are left out.
        distractors: Passages that answer none of its queries.
        on_step: Told `Indexing`, passages written, and passages in all.

    Returns:
        The index, open; its folder goes with the object.

    Raises:
        InvalidArgumentError: If a distractor has the id of a passage of the data set.
    """
    passages = [*dataset_passages(dataset), *distractors]
    refuse_duplicates(passages)
    index = WikiIndex.create()
    try:
        for position in range(0, len(passages), _INDEXED_AT_ONCE):
            index.add_passages(passages[position : position + _INDEXED_AT_ONCE])
            if on_step:
                on_step("Indexing", min(position + _INDEXED_AT_ONCE, len(passages)), len(passages))
    except BaseException:
        index.close()
        raise
    return index


def dataset_passages(dataset: RetrievalDataset) -> Iterator[Passage]:
    """The data set's passages as an index takes them; a title without text is the text."""
    pools = {id_: {_POOL: query} for query, ids in dataset.pools.items() for id_ in ids}
    for id_, text in dataset.passages.items():
        if not dataset.text(id_).strip():
            continue
        yield Passage(
            id=id_,
            text=dataset.text(id_),
            article=id_,
            title=dataset.titles.get(id_, "") if text.strip() else "",
            metadata=pools.get(id_, {}),
        )


def distractor_passages(source: Source) -> Iterator[Passage]:
    """The passages of a source, one article after the other, cut as `wikirank index` does."""
    splitter = SentenceSplitter()
    for number, article in enumerate(source):
        yield from article_passages(
            article, source=_DISTRACTORS, key=str(number), splitter=splitter
        )

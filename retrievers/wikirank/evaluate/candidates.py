"""Index a data set, and retrieve candidates for its queries from each first stage."""

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
_BATCH_SIZE = 512


@dataclass(frozen=True, slots=True)
class FirstStage:
    """The candidates of one first stage for one query.

    Attributes:
        candidates: Candidates, best first.
        stages_ms: Milliseconds by stage, and `total`; empty if nothing was searched.
    """

    candidates: list[RankedPassage]
    stages_ms: dict[str, float]


class Candidates(Protocol):
    """A supplier of candidates for the queries of a data set."""

    @property
    def passages(self) -> int:
        """Number of passages that can be candidates, distractors included."""
        ...

    @property
    def distractors(self) -> int:
        """Number of passages that are not from the data set."""
        ...

    def find(self, query: str, depth: int) -> dict[SearchType, FirstStage]:
        """Return the candidates for one query, without reranking.

        Args:
            query: Id of the query.
            depth: Maximum number of candidates from each first stage.

        Returns:
            The candidates of each first stage.
        """
        ...


class SearchedCandidates:
    """Candidates from searches of an index, without near duplicates.

    Args:
        index: The index of the data set's passages, from `build_index`.
        dataset: The data set with the queries.
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
        """Number of passages that are not from the data set."""
        return self.passages - len(self._index.store.get(list(self._dataset.passages)))

    def find(self, query: str, depth: int) -> dict[SearchType, FirstStage]:
        """Search with every first stage, within the query's pool if the data set has pools."""
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
    """Index the passages of a data set and distractors, in a temporary folder.

    The dense index is approximate and built by several threads, so two indexes of the same passages
    may return different candidates.

    Args:
        dataset: The data set. Its passages keep their ids; passages with neither title nor text are
            left out.
        distractors: Passages that answer none of the queries.
        on_step: Called with `Indexing`, the number of written passages, and their total.

    Returns:
        The open index. Its folder is deleted with the object.

    Raises:
        InvalidArgumentError: If a distractor has the id of a passage of the data set.
    """
    passages = [*dataset_passages(dataset), *distractors]
    refuse_duplicates(passages)
    index = WikiIndex.create()
    try:
        for position in range(0, len(passages), _BATCH_SIZE):
            index.add_passages(passages[position : position + _BATCH_SIZE])
            if on_step:
                on_step("Indexing", min(position + _BATCH_SIZE, len(passages)), len(passages))
    except BaseException:
        index.close()
        raise
    return index


def dataset_passages(dataset: RetrievalDataset) -> Iterator[Passage]:
    """Yield the data set's passages for an index; a passage without text has its title as text."""
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
    """Yield the passages of a source, cut like those of `wikirank index`."""
    splitter = SentenceSplitter()
    for number, article in enumerate(source):
        yield from article_passages(
            article, source=_DISTRACTORS, key=str(number), splitter=splitter
        )

"""The index of a data set, and what each first stage finds in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from wikirank.corpus import SentenceSplitter, Source, article_passages
from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.index import WikiIndex
from wikirank.index.checks import refuse_duplicates
from wikirank.search import Searcher, SearchOptions
from wikirank.types import Passage, RankedPassage, SearchType

OnStep = Callable[[str, int, int], None]

FIRST_STAGES: Mapping[SearchType, str] = MappingProxyType(
    {"lexical": "BM25", "dense": "dense", "hybrid": "hybrid"}
)
_DISTRACTORS = "distractors"
_INDEXED_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class FirstStage:
    """What one first stage found for one query.

    Attributes:
        candidates: Best first.
        stages_ms: Milliseconds by stage, and `total`.
    """

    candidates: list[RankedPassage]
    stages_ms: dict[str, float]


def build_index(
    dataset: RetrievalDataset,
    distractors: Iterable[Passage] = (),
    *,
    on_step: OnStep | None = None,
) -> WikiIndex:
    """Index a data set's passages and others, in a temporary folder.

    The dense half is approximate and built by several threads, so two indexes of the same
    passages may differ in a candidate.

    Args:
        dataset: Its passages keep their ids; those with neither title nor text are left out.
        distractors: Passages that answer none of its queries.
        on_step: Told `Indexing`, passages written, and passages in all.

    Returns:
        The index, open; its folder goes with the object.

    Raises:
        InvalidArgumentError: A distractor has the id of a passage of the data set.
    """
    passages = [*dataset_passages(dataset), *distractors]
    refuse_duplicates(passages)
    index = WikiIndex.create()
    try:
        for at in range(0, len(passages), _INDEXED_AT_ONCE):
            index.add_passages(passages[at : at + _INDEXED_AT_ONCE])
            if on_step:
                on_step("Indexing", min(at + _INDEXED_AT_ONCE, len(passages)), len(passages))
    except BaseException:
        index.close()
        raise
    return index


def dataset_passages(dataset: RetrievalDataset) -> Iterator[Passage]:
    """The data set's passages as an index takes them; a title without text is the text."""
    for id_, text in dataset.passages.items():
        title = dataset.titles.get(id_, "")
        if text.strip():
            yield Passage(id=id_, text=text, article=id_, title=title)
        elif title.strip():
            yield Passage(id=id_, text=title, article=id_)


def distractor_passages(source: Source) -> Iterator[Passage]:
    """The passages of a source, one article after the other, cut as `wikirank index` does."""
    splitter = SentenceSplitter()
    for number, article in enumerate(source):
        yield from article_passages(
            article, source=_DISTRACTORS, key=str(number), splitter=splitter
        )


def first_stages(searcher: Searcher, query: str, depth: int) -> dict[SearchType, FirstStage]:
    """Ask every first stage, without reranking.

    Args:
        searcher: Over the index to ask.
        query: The query.
        depth: How many candidates to take from each.

    Returns:
        What each found: at most `depth` candidates, near duplicates dropped.
    """
    found: dict[SearchType, FirstStage] = {}
    for search_type in FIRST_STAGES:
        options = SearchOptions(k=depth, fetch_k=depth, search_type=search_type, rerank=False)
        result = searcher.search(query, options)
        found[search_type] = FirstStage(result.candidates, result.timings)
    return found

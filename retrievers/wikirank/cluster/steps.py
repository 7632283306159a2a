"""The two steps as the workers of a Ray cluster run them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wikirank.cluster.groups import PreparedGroup, packed, unpacked
from wikirank.corpus.source import RawSource, Source
from wikirank.corpus.sources.parallel import ArticleBatch, read_batches
from wikirank.embed import Embedder
from wikirank.errors import IndexMismatchError, WikirankError
from wikirank.index.ingest_workers import PreparedArticle
from wikirank.passages.splitters import Splitter
from wikirank.runtime.workers import THREADS_VARIABLE
from wikirank.types import Article

_HEX_DIGITS = 16  # of a digest, 64 bits: enough for a hint, and a million take 8 MB


def digest_hints(digests: Iterable[str]) -> NDArray[np.uint64]:
    """The digests that an index has, small enough to be sent to every machine; sorted."""
    hints = (int(digest[:_HEX_DIGITS], 16) for digest in digests)
    return np.sort(np.fromiter(hints, dtype=np.uint64))


def read_part(table: pa.Table) -> Iterator[pa.Table]:
    """Read the parts in a table's rows, a group of articles at a time."""
    for part in unpacked(table):
        yield from map(packed, read_batches(part))


@dataclass(frozen=True, slots=True)
class Settings:
    """How articles are made ready.

    Attributes:
        name: Name of their source.
        makes_articles: The source, where it is a `RawSource`.
        splitter: How they are cut.
        model_id: The model that the index's vectors are made with.
        make_embedder: Opens it.
    """

    name: str
    makes_articles: RawSource | None
    splitter: Splitter
    model_id: str
    make_embedder: Callable[[], Embedder]

    @classmethod
    def of(
        cls, source: Source, splitter: Splitter, model_id: str, make: Callable[[], Embedder]
    ) -> Settings:
        """The settings for a source."""
        maker = source if isinstance(source, RawSource) else None
        return cls(source.name, maker, splitter, model_id, make)


class Preparer:
    """Makes articles ready: makes them of what was read, cuts and embeds them.

    Args:
        settings: How.
        hints: The `digest_hints` of the index.
    """

    def __init__(self, settings: Settings, hints: NDArray[np.uint64]) -> None:
        self._settings = settings
        self._hints = hints

    @cached_property
    def _embedder(self) -> Embedder:
        embedder = self._settings.make_embedder()
        if embedder.model_id != self._settings.model_id:
            msg = (
                f"The index was embedded by {self._settings.model_id}, the workers would use "
                f"{embedder.model_id}. Give every machine the same wikirank and the same model."
            )
            raise IndexMismatchError(msg)
        return embedder

    def prepared(self, group: ArticleBatch) -> PreparedGroup:
        """Make a group ready; an error of ours on the way is its `fault`."""
        try:
            articles = self._embedded([self._cut(self._article(item)) for item in group.items])
        except WikirankError as err:
            return PreparedGroup([], fault=err)
        return PreparedGroup(articles, group.skipped, group.fault)

    def _article(self, item: Any) -> Article:
        maker = self._settings.makes_articles
        article: Article = maker.parse(item) if maker else item
        return article

    def _cut(self, article: Article) -> PreparedArticle:
        whole = PreparedArticle.of(article)
        if self._is_known(whole.digest):
            return whole
        passages = whole.cut(self._settings.name, whole.key, self._settings.splitter)
        return replace(whole, article=None, passages=passages)

    def _is_known(self, digest: str) -> bool:
        (hint,) = digest_hints([digest])
        index = int(np.searchsorted(self._hints, hint))
        return index < len(self._hints) and bool(self._hints[index] == hint)

    def _embedded(self, articles: list[PreparedArticle]) -> list[PreparedArticle]:
        texts = [passage.headed_text for article in articles for passage in article.passages]
        if not texts:
            return articles
        vectors = self._embedder.embed_passages(texts)
        ends = np.cumsum([len(article.passages) for article in articles])
        parts = np.split(vectors, ends[:-1])
        return [
            replace(a, vectors=part) if a.article is None else a
            for a, part in zip(articles, parts, strict=True)
        ]


class PreparingActor:
    """A `Preparer` in a process of a Ray cluster, for tables.

    Args:
        settings: How articles are made ready.
        hints: Reference to the `digest_hints` of the index, of which each machine has one copy.
    """

    def __init__(self, settings: Settings, hints: Any) -> None:
        import ray

        os.environ[THREADS_VARIABLE] = "1"  # There is an actor for each CPU.
        self._preparer = Preparer(settings, ray.get(hints))

    def __call__(self, table: pa.Table) -> Iterator[pa.Table]:
        """Make the groups in a table's rows ready."""
        for group in unpacked(table):
            yield packed(self._preparer.prepared(group))

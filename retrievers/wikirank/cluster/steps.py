"""The two steps of the pipeline, as run by the workers of a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wikirank.cluster.groups import PreparedGroup, pack, unpack
from wikirank.corpus.source import RawSource, Source
from wikirank.corpus.sources.parallel import ArticleBatch, read_batches
from wikirank.embed import Embedder
from wikirank.errors import IndexMismatchError, WikirankError
from wikirank.index.ingest_workers import PreparedArticle
from wikirank.passages.splitters import Splitter
from wikirank.runtime.workers import THREADS_VARIABLE
from wikirank.types import Article

_HEX_DIGITS = 16  # 64 bits of a digest: enough for a hint, and a million of them take 8 MB


def digest_hints(digests: Iterable[str]) -> NDArray[np.uint64]:
    """Shorten the digests of an index, so that they can be sent to every machine; sorted."""
    hints = (int(digest[:_HEX_DIGITS], 16) for digest in digests)
    return np.sort(np.fromiter(hints, dtype=np.uint64))


def read_shard(table: pa.Table) -> Iterator[pa.Table]:
    """Read the shards in the rows of a table, one group of articles at a time."""
    for shard in unpack(table):
        yield from map(pack, read_batches(shard))


@dataclass(frozen=True, slots=True)
class PrepareSettings:
    """How to prepare the articles of a source.

    Attributes:
        name: Name of the source.
        parser: The source, if it is a `RawSource` that parses what was read.
        splitter: Splits articles into passages.
        model_id: Id of the embedding model of the index.
        make_embedder: Opens that model.
    """

    name: str
    parser: RawSource | None
    splitter: Splitter
    model_id: str
    make_embedder: Callable[[], Embedder]

    @classmethod
    def for_source(
        cls,
        source: Source,
        splitter: Splitter,
        model_id: str,
        make_embedder: Callable[[], Embedder],
    ) -> PrepareSettings:
        """Return the settings for a source."""
        parser = source if isinstance(source, RawSource) else None
        return cls(source.name, parser, splitter, model_id, make_embedder)


class Preparer:
    """Parses, splits and embeds articles.

    Args:
        settings: How to prepare the articles.
        hints: `digest_hints` of the articles that the index already has.
    """

    def __init__(self, settings: PrepareSettings, hints: NDArray[np.uint64]) -> None:
        self._settings = settings
        self._hints = hints

    @cached_property
    def _embedder(self) -> Embedder:
        embedder = self._settings.make_embedder()
        if embedder.model_id != self._settings.model_id:
            msg = (
                f"Expected the embedder of the index on every machine, {self._settings.model_id}, "
                f"got {embedder.model_id}. Install the same wikirank and the same model everywhere."
            )
            raise IndexMismatchError(msg)
        return embedder

    def prepare(self, batch: ArticleBatch) -> PreparedGroup:
        """Prepare a batch of articles. A `WikirankError` becomes the `fault` of the group."""
        try:
            articles = self._embed([self._split(self._parse(item)) for item in batch.items])
        except WikirankError as err:
            return PreparedGroup([], fault=err)
        return PreparedGroup(articles, batch.skipped, batch.fault)

    def _parse(self, item: Any) -> Article:
        parser = self._settings.parser
        article: Article = parser.parse(item) if parser else item
        return article

    def _split(self, article: Article) -> PreparedArticle:
        """Split an article, unless the index probably has it already."""
        prepared = PreparedArticle.from_article(article)
        if self._is_probably_indexed(prepared.digest):
            return prepared
        passages = prepared.cut(self._settings.name, prepared.key, self._settings.splitter)
        return replace(prepared, article=None, passages=passages)

    def _is_probably_indexed(self, digest: str) -> bool:
        (hint,) = digest_hints([digest])
        index = int(np.searchsorted(self._hints, hint))
        return index < len(self._hints) and bool(self._hints[index] == hint)

    def _embed(self, articles: list[PreparedArticle]) -> list[PreparedArticle]:
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


class PrepareActor:
    """A `Preparer` in a process of a Ray cluster, for tables.

    Args:
        settings: How to prepare the articles.
        hints: Ray reference to the `digest_hints` of the index. Each machine has one copy.
    """

    def __init__(self, settings: PrepareSettings, hints: Any) -> None:
        import ray

        os.environ[THREADS_VARIABLE] = "1"  # There is one actor per CPU.
        self._preparer = Preparer(settings, ray.get(hints))

    def __call__(self, table: pa.Table) -> Iterator[pa.Table]:
        """Prepare the batches in the rows of a table."""
        for batch in unpack(table):
            yield pack(self._preparer.prepare(batch))

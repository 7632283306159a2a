"""Articles on their way into an index, and the protocol of processes that prepare them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wikirank.corpus.source import Source
from wikirank.errors import CorpusError
from wikirank.index.metadata import too_deep
from wikirank.passages.cut import article_digest, article_passages, with_key
from wikirank.passages.splitters import Splitter
from wikirank.types import Article, Passage


@dataclass(frozen=True, slots=True)
class PreparedArticle:
    """An article on its way into the index: read, and possibly cut and embedded.

    Attributes:
        key: Its address, or its title if it has none. The index appends `#2`, `#3`, … to a key
            that it has seen before in the same run.
        digest: Hash of everything that its passages depend on.
        version: Version by which its source detects changes; "" if the source has none.
        article: The article itself; None once it is cut.
        passages: Its passages under `key`, once it is cut.
        vectors: Their vectors, (len(passages), dimension); None if they are not computed yet.
    """

    key: str
    digest: str
    version: str
    article: Article | None = None
    passages: Sequence[Passage] = ()
    vectors: NDArray[np.float32] | None = None

    @classmethod
    def from_article(cls, article: Article) -> PreparedArticle:
        """Prepare an article that is not yet cut."""
        key = article.url or article.title
        try:
            digest = article_digest(article)
        except RecursionError as err:
            deep = ", ".join(map(repr, too_deep(article.metadata)))
            msg = f"Metadata of article {key!r} is nested too deep: {deep}. Flatten it."
            raise CorpusError(msg) from err
        return cls(key, digest, article.version, article)

    def cut(self, source: str, key: str, splitter: Splitter) -> Sequence[Passage]:
        """Return the passages under the key that the index gave, in the order of `vectors`."""
        if self.article is not None:
            return article_passages(self.article, source=source, key=key, splitter=splitter)
        return self.passages if key == self.key else with_key(self.passages, key)


@dataclass(frozen=True, slots=True)
class IngestJob:
    """A source to read, cut and embed.

    Attributes:
        source: The source.
        splitter: Cuts its articles.
        model_id: The model that makes the index's vectors.
        known: Digests of the source's articles that are in the index.
        skipped: Counts skipped pages by reason; the workers add to it.
    """

    source: Source
    splitter: Splitter
    model_id: str
    known: Iterator[str]
    skipped: Counter[str] = field(default_factory=Counter)


class IngestWorkers(Protocol):
    """Reads, cuts and embeds sources in other processes; the caller writes the index."""

    def count(self, source: Source) -> int | None:
        """Return the number of articles of a source; None if that is expensive to know."""
        ...

    def prepare(self, job: IngestJob) -> Generator[PreparedArticle, None, None]:
        """Prepare the articles of a source.

        An article whose digest is in `job.known` may come uncut. Only the index can tell whether it
        is unchanged, because the index assigns its key.

        Args:
            job: The source, and how to prepare its articles.

        Returns:
            The articles in the source's order. Closing the generator stops the work.

        Raises:
            CorpusError: If an article cannot be read; raised in its place.
        """
        ...

"""Articles on their way into an index, and who may make them ready elsewhere."""

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
    """An article, as far as it is ready for the index.

    Attributes:
        key: Its address, or its title where it has none. The index appends `#2`, `#3`, … to one
            that it has met before in the same run.
        digest: Hash of all that its passages are made of.
        version: What its source compares to tell whether it changed.
        article: The article itself; None once it is cut.
        passages: Its passages under `key`, once it is cut.
        vectors: Their vectors, (len(passages), dimension); None where they are still to be made.
    """

    key: str
    digest: str
    version: str
    article: Article | None = None
    passages: Sequence[Passage] = ()
    vectors: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, article: Article) -> PreparedArticle:
        """An article that is not yet cut."""
        key = article.url or article.title
        try:
            digest = article_digest(article)
        except RecursionError as err:
            deep = ", ".join(map(repr, too_deep(article.metadata)))
            msg = f"Metadata of article {key!r} is nested too deep: {deep}. Leave it out."
            raise CorpusError(msg) from err
        return cls(key, digest, article.version, article)

    def cut(self, source: str, key: str, splitter: Splitter) -> Sequence[Passage]:
        """Its passages under the key that the index gave it, in the order of `vectors` if any."""
        if self.article is not None:
            return article_passages(self.article, source=source, key=key, splitter=splitter)
        return self.passages if key == self.key else with_key(self.passages, key)


@dataclass(frozen=True, slots=True)
class IngestJob:
    """A source to be read, cut and embedded.

    Attributes:
        source: The source.
        splitter: How its articles are cut.
        model_id: The model that the index's vectors are made with.
        known: The digests of the articles that the index has of it.
        skipped: Where the pages that are passed over are counted, by reason.
    """

    source: Source
    splitter: Splitter
    model_id: str
    known: Iterator[str]
    skipped: Counter[str] = field(default_factory=Counter)


class IngestWorkers(Protocol):
    """Reads, cuts and embeds sources in other processes than the one that writes the index."""

    def count(self, source: Source) -> int | None:
        """Number of articles of a source if that is cheap to know, else None."""
        ...

    def prepare(self, job: IngestJob) -> Generator[PreparedArticle, None, None]:
        """Make a source's articles ready.

        An article whose digest the index has may come uncut; whether it is unchanged, the index
        decides, which alone knows the key that it gives it.

        Args:
            job: What to do.

        Returns:
            The articles in the source's order, no matter who was done first. To close it stops
            the work.

        Raises:
            CorpusError: In place of the article that cannot be read.
        """
        ...

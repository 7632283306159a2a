"""Write to an index so that a kill at any moment loses nothing and leaves nothing behind.

The steps of one batch:

1. Mark the ids to be written as pending.
2. Write them to Chroma and the lexical index.
3. In one transaction, update the passages table and the ledger, and make the outdated ids pending
   instead. Readers see an article's old passages before this step and the new ones after it.
4. Delete the outdated ids from Chroma and the lexical index.
5. Clear the pending ids.

A writer first repairs what a killed run left pending.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from wikirank._util import chunks
from wikirank.embed import Embedder
from wikirank.errors import IndexLockedError, IndexStorageError
from wikirank.index.bm25 import LexicalIndex, detect_language
from wikirank.index.ledger import (
    SourceLedger,
    add_all_pending,
    add_pending,
    articles_with_passages,
    clear_pending,
    forget_articles,
    forget_readings,
    pending,
    record_articles,
)
from wikirank.index.metadata import refuse_deep
from wikirank.index.store import (
    PassageStore,
    delete_passages,
    insert_passages,
    record_write,
)
from wikirank.index.vectors.base import VectorIndex
from wikirank.passages.records import passages_digest
from wikirank.types import Passage

_logger = logging.getLogger("wikirank")

_BATCH_SIZE = 512
_ARTICLE_BATCH_SIZE = 128


@dataclass(frozen=True, slots=True)
class ArticlePassages:
    """The passages that an article should have in the index.

    Attributes:
        key: The article's key within its source.
        digest: Hash of everything that its passages depend on.
        passages: Its passages in reading order.
        vectors: Their vectors, (len(passages), dimension); None has the writer embed them.
    """

    key: str
    digest: str
    passages: Sequence[Passage]
    vectors: NDArray[np.float32] | None = None


class IndexWriter:
    """The only writer of an index, within a `with` block.

    Entering the block raises IndexLockedError if another writer has not finished after `wait`
    seconds.
    """

    def __init__(
        self,
        folder: Path,
        store: PassageStore,
        dense: VectorIndex,
        lexical: LexicalIndex,
        embedder: Embedder,
        wait: float = 0.0,
    ) -> None:
        self._folder = folder
        self._lock = FileLock(folder / "write.lock")
        self._owner = folder / "write.owner"
        self._wait = wait
        self._store = store
        self._dense = dense
        self._lexical = lexical
        self._embedder = embedder

    def __enter__(self) -> IndexWriter:
        try:
            self._lock.acquire(timeout=self._wait)
        except Timeout as err:
            raise IndexLockedError(self._locked_message()) from err
        except OSError as err:
            msg = f"{self._folder} cannot be written to ({err}). Allow writing, or index elsewhere."
            raise IndexStorageError(msg) from err
        try:
            self._owner.write_text(str(os.getpid()))
            self._store.upgrade()
            self._writer = self._lexical.writer()
            self._recover()
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._writer.close()
        except IndexStorageError:
            if exc is None:  # Otherwise it only follows from the first error.
                raise
        finally:
            self._release()

    def _release(self) -> None:
        self._owner.unlink(missing_ok=True)
        self._lock.release()

    def _locked_message(self) -> str:
        """Say who else is writing; unknown until the other writer has written its owner file."""
        try:
            owner = self._owner.read_text()
        except OSError:
            owner = ""
        if owner == str(os.getpid()):
            writer = "Another thread of this process"
        else:
            writer = f"Another process ({owner})" if owner else "Another process"
        waited = f" after a wait of {self._wait:g} s" if self._wait else ""
        return (
            f"{writer} is writing to {self._folder}{waited}. Wait for it to finish, or set a "
            "longer wait (wait=SECONDS, --wait SECONDS)."
        )

    @property
    def model_id(self) -> str:
        """Name and version of the model that makes the vectors."""
        return self._embedder.model_id

    def put(
        self, source: str, articles: Sequence[ArticlePassages], *, whole: bool = True
    ) -> tuple[int, int]:
        """Write articles of a source to the index.

        Args:
            source: Name of the source.
            articles: Articles with different keys.
            whole: Remove the other passages of these articles.

        Returns:
            The numbers of passages written and removed. Unchanged ones are not written.
        """
        old = self._store.of_articles(source, [article.key for article in articles])
        new = {passage.id: passage for article in articles for passage in article.passages}
        changed = [passage for id_, passage in new.items() if old.get(id_) != passage]
        stale = [id_ for id_ in old if id_ not in new] if whole else []
        with self._store.transaction() as connection:
            add_pending(connection, (passage.id for passage in changed))
        self._write(changed, _vectors(articles))
        with self._store.transaction() as connection:
            delete_passages(connection, stale)
            insert_passages(connection, changed)
            record_articles(connection, source, {a.key: a.digest for a in articles})
            forget_readings(connection, [source])
            clear_pending(connection)
            add_pending(connection, stale)
            record_write(connection, self._dense.token)
        self._delete(stale)
        return len(changed), len(stale)

    def put_passages(self, passages: Iterable[Passage]) -> int:
        """Write passages, replacing those with the same ids; returns how many were changed."""
        written = 0
        for batch in chunks(passages, _BATCH_SIZE):
            for source, group in groupby(batch, key=lambda passage: passage.source):
                written += self.put(source, passages_by_article(group), whole=False)[0]
        return written

    def remove_source(self, source: str) -> int:
        """Remove a source and all its articles; returns the number of articles."""
        ledger = SourceLedger(self._store, source)
        articles = ledger.articles()
        for part in chunks(articles, _ARTICLE_BATCH_SIZE):
            self.remove(source, part)
        ledger.forget()
        return len(articles)

    def remove(self, source: str, articles: Sequence[str]) -> int:
        """Remove articles of a source; returns the number of passages removed."""
        stale = list(self._store.of_articles(source, articles))
        with self._store.transaction() as connection:
            delete_passages(connection, stale)
            forget_articles(connection, source, articles)
            forget_readings(connection, [source])
            add_pending(connection, stale)
            record_write(connection, self._dense.token)
        self._delete(stale)
        return len(stale)

    def remove_passages(self, ids: Sequence[str]) -> int:
        """Remove passages of any articles; returns the number removed. Unknown ids are ignored."""
        removed = self._store.get(ids)
        articles: dict[str, set[str]] = {}
        for passage in removed.values():
            articles.setdefault(passage.source, set()).add(passage.article)
        with self._store.transaction() as connection:
            delete_passages(connection, removed)
            for source, keys in articles.items():
                kept = articles_with_passages(connection, source, keys)
                # Without a digest, an article is read again when its source is indexed next.
                record_articles(connection, source, dict.fromkeys(kept, ""))
                forget_articles(connection, source, keys - kept)
                forget_readings(connection, [source])
            add_pending(connection, removed)
            record_write(connection, self._dense.token)
        self._delete(list(removed))
        return len(removed)

    def _write(
        self, passages: Sequence[Passage], vectors: Mapping[str, NDArray[np.float32]] | None = None
    ) -> None:
        """Write passages to both indexes; embeds those whose id is not in `vectors`."""
        if not passages:
            return
        detect_language(self._lexical, self._store, passages)
        vectors = dict(vectors or {})
        missing = [passage for passage in passages if passage.id not in vectors]
        if missing:
            embedded = self._embedder.embed_passages([passage.headed_text for passage in missing])
            vectors.update(zip((passage.id for passage in missing), embedded, strict=True))
        self._dense.upsert(passages, np.stack([vectors[passage.id] for passage in passages]))
        self._writer.put(passages)

    def _delete(self, ids: Sequence[str]) -> None:
        if not ids:
            return
        self._dense.delete(ids)
        self._writer.delete(ids)
        self._clear_pending(ids)

    def _clear_pending(self, ids: Sequence[str]) -> None:
        with self._store.transaction() as connection:
            clear_pending(connection, ids)
            record_write(connection, self._dense.token)

    def _recover(self) -> None:
        """Repair what a killed run left behind, from the passages table."""
        if damage := self._dense.damage():
            _logger.warning(
                "The vectors of %s are damaged (%s). They are rebuilt from the passages.",
                self._folder,
                damage,
            )
            self.drop_vectors()
        self._dense.refresh(force=bool(pending(self._store, 1)))
        self.finish_pending()

    def finish_pending(self) -> None:
        """Write pending passages again, and delete pending ids without a passage."""
        while ids := pending(self._store, _BATCH_SIZE):
            passages = self._store.get(ids)
            self._write(list(passages.values()))
            self._delete([id_ for id_ in ids if id_ not in passages])
            self._clear_pending(list(passages))

    def rewrite(self, passages: Sequence[Passage]) -> None:
        """Write stored passages to both indexes again."""
        ids = [passage.id for passage in passages]
        with self._store.transaction() as connection:
            add_pending(connection, ids)
        self._write(passages)
        self._clear_pending(ids)

    def rewrite_lexical(self, passages: Iterable[Passage]) -> None:
        """Rebuild the lexical index from all passages; a search sees the old or the new one."""
        self._writer.put_all(passages)

    def delete_orphans(self, ids: Sequence[str]) -> None:
        """Delete ids without a passage from both indexes."""
        with self._store.transaction() as connection:
            add_pending(connection, ids)
        self._delete(ids)

    def write_graph(self, backlog: int) -> None:
        """Write the search graph if it lacks at least `backlog` records on disk."""
        if self._dense.write_graph(backlog):
            with self._store.transaction() as connection:
                record_write(connection, self._dense.token)

    def drop_vectors(self) -> None:
        """Drop all vectors; `finish_pending` of this or the next writer rebuilds them."""
        with self._store.transaction() as connection:
            add_all_pending(connection)
            record_write(connection, self._dense.token)
        self._dense.reset()


def _vectors(articles: Iterable[ArticlePassages]) -> dict[str, NDArray[np.float32]]:
    """Return the vectors that the articles include, by passage id."""
    return {
        passage.id: vector
        for article in articles
        if article.vectors is not None
        for passage, vector in zip(article.passages, article.vectors, strict=True)
    }


def passages_by_article(passages: Iterable[Passage]) -> list[ArticlePassages]:
    """Group passages by article; InvalidArgumentError if metadata is nested too deep."""
    articles: dict[str, list[Passage]] = {}
    for passage in passages:
        refuse_deep(passage)
        articles.setdefault(passage.article, []).append(passage)
    return [ArticlePassages(key, passages_digest(group), group) for key, group in articles.items()]

"""Writing to an index so that a kill at any moment loses nothing and leaves nothing behind.

One batch goes: note the ids to be written as pending; write them to Chroma and the lexical index;
switch the passages table and the ledger over in one transaction, with the outdated ids pending
instead; delete those from both; clear. A reader sees an article's old passages until the switch,
then the new. What a killed run left pending is mended before anything else is written.
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
from wikirank.index.bm25 import LexicalIndex, settle_language
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

_log = logging.getLogger("wikirank")

_AT_ONCE = 512
_REMOVED_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class ArticlePassages:
    """An article as it should stand in the index.

    Attributes:
        key: The article's key within its source.
        digest: Hash of everything that its passages depend on.
        passages: Its passages in reading order.
        vectors: Their vectors, (len(passages), dimension); None leaves it to the writer.
    """

    key: str
    digest: str
    passages: Sequence[Passage]
    vectors: NDArray[np.float32] | None = None


class IndexWriter:
    """The one writer of an index, for the length of a `with` block.

    Args:
        folder: The index's folder, where the lock lies.
        store: The index's store.
        dense: Its dense index.
        lexical: Its lexical index.
        embedder: The model for the vectors.
        wait: How many seconds to wait for another writer to end.

    Raises:
        IndexLockedError: On entering, if another process or thread writes to the index.
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
            raise IndexLockedError(self._locked()) from err
        except OSError as err:
            msg = f"{self._folder} cannot be written to ({err}). Allow it, or index elsewhere."
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
            if exc is None:  # Else it is but the consequence of what went wrong before.
                raise
        finally:
            self._release()

    def _release(self) -> None:
        self._owner.unlink(missing_ok=True)
        self._lock.release()

    def _locked(self) -> str:
        """Who else writes, as far as can be told: the owner's file may be there a little later."""
        try:
            owner = self._owner.read_text()
        except OSError:
            owner = ""
        if owner == str(os.getpid()):
            who = "Another thread of this process"
        else:
            who = f"Another process ({owner})" if owner else "Another process"
        waited = f" for {self._wait:g} s and longer" if self._wait else ""
        return (
            f"{who} is writing to {self._folder}{waited}. Wait for it to end, or give more time "
            "to wait (wait=SECONDS, --wait SECONDS)."
        )

    @property
    def model_id(self) -> str:
        """Name and version of the model that makes the vectors."""
        return self._embedder.model_id

    def put(
        self, source: str, articles: Sequence[ArticlePassages], *, whole: bool = True
    ) -> tuple[int, int]:
        """Make articles of a source stand in the index as given.

        Args:
            source: Name of the source.
            articles: The articles, none twice.
            whole: Whether these are all passages of the articles, so that older ones go.

        Returns:
            How many passages were written and how many removed.
        """
        old = self._store.of_articles(source, [article.key for article in articles])
        new = {passage.id: passage for article in articles for passage in article.passages}
        fresh = [passage for id_, passage in new.items() if old.get(id_) != passage]
        stale = [id_ for id_ in old if id_ not in new] if whole else []
        with self._store.transaction() as connection:
            add_pending(connection, (passage.id for passage in fresh))
        self._write(fresh, _vectors(articles))
        with self._store.transaction() as connection:
            delete_passages(connection, stale)
            insert_passages(connection, fresh)
            record_articles(connection, source, {a.key: a.digest for a in articles})
            forget_readings(connection, [source])
            clear_pending(connection)
            add_pending(connection, stale)
            record_write(connection, self._dense.token)
        self._delete(stale)
        return len(fresh), len(stale)

    def put_passages(self, passages: Iterable[Passage]) -> int:
        """Write ready-made passages, over those of the same ids; says how many."""
        written = 0
        for batch in chunks(passages, _AT_ONCE):
            for source, of_source in groupby(batch, key=lambda passage: passage.source):
                written += self.put(source, passages_by_article(of_source), whole=False)[0]
        return written

    def remove_source(self, source: str) -> int:
        """Remove a source with all its articles; says how many these were."""
        ledger = SourceLedger(self._store, source)
        articles = ledger.articles()
        for part in chunks(articles, _REMOVED_AT_ONCE):
            self.remove(source, part)
        ledger.forget()
        return len(articles)

    def remove(self, source: str, articles: Sequence[str]) -> int:
        """Remove articles of a source; says how many passages went with them."""
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
        """Remove passages of any articles; says how many of the ids the index had."""
        gone = self._store.get(ids)
        articles: dict[str, dict[str, str]] = {}
        for passage in gone.values():
            articles.setdefault(passage.source, {})[passage.article] = ""
        with self._store.transaction() as connection:
            delete_passages(connection, gone)
            for source, keys in articles.items():
                kept = articles_with_passages(connection, source, keys)
                # Without a digest, an article is read again when its source is indexed next.
                record_articles(connection, source, dict.fromkeys(kept, ""))
                forget_articles(connection, source, keys.keys() - kept)
                forget_readings(connection, [source])
            add_pending(connection, gone)
            record_write(connection, self._dense.token)
        self._delete(list(gone))
        return len(gone)

    def _write(
        self, passages: Sequence[Passage], made: Mapping[str, NDArray[np.float32]] | None = None
    ) -> None:
        """Write passages to both indexes, with the vectors that are made already, by id."""
        if not passages:
            return
        settle_language(self._lexical, self._store, passages)
        made = made or {}
        lacking = [passage for passage in passages if passage.id not in made]
        if lacking:
            vectors = self._embedder.embed_passages([passage.headed_text for passage in lacking])
            made = {**made, **{p.id: v for p, v in zip(lacking, vectors, strict=True)}}
        self._dense.upsert(passages, np.stack([made[passage.id] for passage in passages]))
        self._writer.put(passages)

    def _delete(self, ids: Sequence[str]) -> None:
        if not ids:
            return
        self._dense.delete(ids)
        self._writer.delete(ids)
        self._settle(ids)

    def _settle(self, ids: Sequence[str]) -> None:
        with self._store.transaction() as connection:
            clear_pending(connection, ids)
            record_write(connection, self._dense.token)

    def _recover(self) -> None:
        """Bring both indexes in line with the passages table, where a killed run left off."""
        if damage := self._dense.damage():
            _log.warning(
                "The vectors of %s are damaged (%s). They are made again from the passages.",
                self._folder,
                damage,
            )
            self.forget_vectors()
        self._dense.refresh(anew=bool(pending(self._store, 1)))
        self.finish()

    def finish(self) -> None:
        """Write, or delete, what is pending."""
        while unsure := pending(self._store, _AT_ONCE):
            passages = self._store.get(unsure)
            self._write(list(passages.values()))
            self._delete([id_ for id_ in unsure if id_ not in passages])
            self._settle(list(passages))

    def rewrite(self, passages: Sequence[Passage]) -> None:
        """Write passages that the index holds to both indexes again."""
        ids = [passage.id for passage in passages]
        with self._store.transaction() as connection:
            add_pending(connection, ids)
        self._write(passages)
        self._settle(ids)

    def rewrite_lexical(self, passages: Iterable[Passage]) -> None:
        """Make the lexical index anew of all passages; a search sees the old or the new one."""
        self._writer.put_all(passages)

    def drop(self, ids: Sequence[str]) -> None:
        """Drop ids that no passage has from both indexes."""
        with self._store.transaction() as connection:
            add_pending(connection, ids)
        self._delete(ids)

    def write_graph(self, backlog: int) -> None:
        """Leave at most so many records to catch up on for whoever opens the index next."""
        if self._dense.write_graph(backlog):
            with self._store.transaction() as connection:
                record_write(connection, self._dense.token)

    def forget_vectors(self) -> None:
        """Drop all vectors; whoever opens the index for writing next makes them anew."""
        with self._store.transaction() as connection:
            add_all_pending(connection)
            record_write(connection, self._dense.token)
        self._dense.reset()


def _vectors(articles: Iterable[ArticlePassages]) -> dict[str, NDArray[np.float32]]:
    """The vectors that come with articles, by passage id."""
    return {
        passage.id: vector
        for article in articles
        if article.vectors is not None
        for passage, vector in zip(article.passages, article.vectors, strict=True)
    }


def passages_by_article(passages: Iterable[Passage]) -> list[ArticlePassages]:
    """Passages, article by article; InvalidArgumentError if metadata is nested too deep."""
    articles: dict[str, list[Passage]] = {}
    for passage in passages:
        refuse_deep(passage)
        articles.setdefault(passage.article, []).append(passage)
    return [ArticlePassages(key, passages_digest(cut), cut) for key, cut in articles.items()]

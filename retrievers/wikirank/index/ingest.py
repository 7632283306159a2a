"""Update an index from a source: add new, replace changed and remove missing articles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from time import perf_counter
from typing import TypeAlias

from wikirank._util import chunks
from wikirank.corpus.source import ChangingSource, Removed, Source, Unchanged
from wikirank.errors import CorpusError, EmptyCorpusError
from wikirank.index.ingest_workers import IngestJob, IngestWorkers, PreparedArticle
from wikirank.index.ledger import SourceLedger
from wikirank.index.metadata import storable, unfilterable
from wikirank.index.report import IndexProgress, IndexReport, OnProgress
from wikirank.index.store import PassageStore
from wikirank.index.writer import ArticlePassages, IndexWriter
from wikirank.passages.splitters import Splitter
from wikirank.types import Article, Passage

_ARTICLE_BATCH_SIZE = 128
_PASSAGE_BATCH_SIZE = 512

_Item: TypeAlias = PreparedArticle | Unchanged | Removed


class Ingestion:
    """One run over one source; see `WikiIndex.add_source` for the arguments."""

    def __init__(
        self,
        store: PassageStore,
        writer: IndexWriter,
        splitter: Splitter,
        source: Source,
        on_progress: OnProgress | None,
        workers: IngestWorkers | None = None,
    ) -> None:
        self._writer = writer
        self._splitter = splitter
        self._source = source
        self._on_progress = on_progress
        self._workers = workers
        self._total = workers.count(source) if workers else source.count()
        self._ledger = SourceLedger(store, source.name)
        self._ledger.begin_run()
        self._report = IndexReport(source=source.name)
        self._batch: list[ArticlePassages] = []
        self._versions: dict[str, str] = {}  # by key, of the articles in the batch
        self._lost_text: list[str] = []

    def run(self) -> IndexReport:
        """Read the source to its end and update the index; see `WikiIndex.add_source`."""
        started = perf_counter()
        changing = self._source if isinstance(self._source, ChangingSource) else None
        skipped: Counter[str] = Counter()
        if self._workers:
            items: Generator[_Item, None, None] = self._workers.prepare(self._job(skipped))
        else:
            items = _as_items(changing.changes(self._ledger) if changing else iter(self._source))
        with closing(items):
            self._read(items)
        self._report.skipped = dict(skipped if self._workers else self._source.skipped)
        self._report.passed_over = list(getattr(self._source, "passed_over", ()))
        complete = changing is None or changing.complete
        if complete and self._report.articles == self._report.without_text:
            msg = (
                f"The source {self._source.name!r} ({self._source.location}) has no article with "
                f"text ({self._report.without_text} without). The index was not changed. Check "
                "the source."
            )
            raise EmptyCorpusError(msg)
        self._remove(self._ledger.unseen() if complete else self._lost_text)
        if changing and changing.state:
            self._ledger.record_state(changing.state)
        self._report.seconds = perf_counter() - started
        return self._report

    def _job(self, skipped: Counter[str]) -> IngestJob:
        digests = self._ledger.all_digests()
        return IngestJob(self._source, self._splitter, self._writer.model_id, digests, skipped)

    def _read(self, items: Iterable[_Item]) -> None:
        error: CorpusError | None = None
        batch: list[_Item] = []
        try:
            for item in items:
                batch.append(item)
                if len(batch) == _ARTICLE_BATCH_SIZE:
                    self._process_batch(batch)
                    batch = []
        except CorpusError as err:
            error = err  # The articles before it are kept.
        self._process_batch(batch)
        self._flush()
        if error:
            raise error

    def _process_batch(self, batch: Sequence[_Item]) -> None:
        articles = [item for item in batch if isinstance(item, PreparedArticle)]
        by_key = {self._ledger.mark_seen(article.key): article for article in articles}
        recorded = self._ledger.digests(list(by_key))
        same_versions: dict[str, str] = {}
        for key, article in by_key.items():
            if recorded.get(key) == article.digest:
                same_versions[key] = article.version
            else:
                self._stage(key, article, is_recorded=key in recorded)
        self._ledger.record_versions(same_versions)
        kept = [self._ledger.mark_seen(item.key) for item in batch if isinstance(item, Unchanged)]
        self._report.unchanged += len(same_versions) + len(self._ledger.digests(kept))
        self._remove(item.key for item in batch if isinstance(item, Removed))
        self._report_progress()

    def _stage(self, key: str, article: PreparedArticle, *, is_recorded: bool) -> None:
        passages = article.cut(self._source.name, key, self._splitter)
        if not passages:
            # Treated as missing, so that its old passages are removed.
            self._ledger.unmark_seen(key)
            self._lost_text.append(key)
            self._report.without_text += 1
            return
        passages = self._storable(key, passages)
        if is_recorded:
            self._report.changed += 1
        else:
            self._report.added += 1
        self._batch.append(ArticlePassages(key, article.digest, passages, article.vectors))
        self._versions[key] = article.version
        if sum(len(staged.passages) for staged in self._batch) >= _PASSAGE_BATCH_SIZE:
            self._flush()

    def _storable(self, key: str, passages: Sequence[Passage]) -> Sequence[Passage]:
        """Drop metadata of an article that cannot be stored, and note it in the report."""
        metadata, changed = storable(passages[0].metadata)
        self._report.note_unfilterable(key, {**unfilterable(metadata), **changed})
        return [replace(p, metadata=dict(metadata)) for p in passages] if changed else passages

    def _flush(self) -> None:
        if not self._batch:
            return
        written, removed = self._writer.put(self._source.name, self._batch)
        self._ledger.record_versions(self._versions)
        self._batch = []
        self._versions = {}
        self._report.passages_written += written
        self._report.passages_removed += removed
        self._report_progress()

    def _remove(self, keys: Iterable[str]) -> None:
        for chunk in chunks(keys, _ARTICLE_BATCH_SIZE):
            indexed = list(self._ledger.digests(chunk))
            self._report.passages_removed += self._writer.remove(self._source.name, indexed)
            self._report.removed += len(indexed)

    def _report_progress(self) -> None:
        if self._on_progress:
            self._on_progress(
                IndexProgress(self._report.articles, self._total, self._report.passages_written)
            )


def _as_items(items: Iterator[Article | Unchanged | Removed]) -> Generator[_Item, None, None]:
    try:
        for item in items:
            yield PreparedArticle.from_article(item) if isinstance(item, Article) else item
    finally:
        if isinstance(items, Generator):
            items.close()  # It may run processes.

"""`WikiIndex`: passages, vectors and words in one folder, to search and to write to."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from wikirank._util import Closing
from wikirank.embed import Embedder, load_embedder
from wikirank.errors import IndexMismatchError, InvalidArgumentError
from wikirank.index.bm25 import LexicalIndex, load_language
from wikirank.index.languages import ENGLISH, check_language
from wikirank.index.ledger import SourceLedger, article_counts, locations, require_source
from wikirank.index.parts import create_parts, delete_temporary, open_parts
from wikirank.index.preconditions import (
    FORMAT,
    is_index,
    refuse_duplicates,
    refuse_other_settings,
)
from wikirank.index.store import PassageStore
from wikirank.index.vectors.base import VectorIndex
from wikirank.index.vectors.open import as_setting
from wikirank.types import Passage

if TYPE_CHECKING:
    from wikirank.corpus.source import Source
    from wikirank.index.ingest_workers import IngestWorkers
    from wikirank.index.report import IndexInfo, IndexReport, OnProgress
    from wikirank.index.writer import IndexWriter
    from wikirank.passages.splitters import Splitter

DEFAULT_COLLECTION = "wikirank"
# How many records the search graph on disk may lack. Each costs 0.3 ms at the next opening.
# `add_passages` allows more, so that many small calls do not each wait for the graph.
_BACKLOG_AFTER_SOURCE = 100
_BACKLOG_AFTER_PASSAGES = 1000


class WikiIndex(Closing):
    """Passages, their vectors and their words in one folder.

    Use `create`, `open` or `open_or_create` to get one, rather than the constructor. Many threads
    can search it, one at a time can write. It is a context manager that closes the index.
    """

    def __init__(
        self, path: Path, store: PassageStore, dense: VectorIndex, embedder: Embedder
    ) -> None:
        self.path = path
        self.store = store
        self.dense = dense
        self.embedder = embedder
        self._meta = store.read_meta()
        language = self._meta.get("language", ENGLISH)
        self.lexical = LexicalIndex(
            path / "lexical",
            create=store.is_empty(),
            language=language,
            repair_hint=self._repair_hint(path),
        )
        self._bound_to = ""

    def _repair_hint(self, path: Path) -> str | None:  # noqa: ARG002
        """Return how to rebuild a damaged lexical index; None recommends `wikirank verify`."""
        return None

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the same index, so that a copy of a retriever searches it too."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the folder and the embedder; unpickling opens the index again."""
        if self._bound_to:
            msg = (
                f"Expected an index that can be opened again, got one {self._bound_to}. "
                "Keep the index in a folder (path=…) to pickle it."
            )
            raise InvalidArgumentError(msg)
        return partial(WikiIndex.open, embedder=self.embedder), (self.path.resolve(),)

    @classmethod
    def create(
        cls,
        path: Path | str | None = None,
        *,
        embedder: Embedder | None = None,
        splitter: Splitter | None = None,
        chroma_url: str | Sequence[str] | None = None,
        collection: str = DEFAULT_COLLECTION,
        language: str | None = None,
    ) -> WikiIndex:
        """Create an empty index.

        Args:
            path: New or empty folder for the index. None uses a temporary folder, which is deleted
                with the object.
            embedder: Model for the vectors; None uses the bundled one.
            splitter: Cuts articles into passages; None uses sentences, up to 500 characters.
            chroma_url: Address of a Chroma server such as `http://host:8000`, or of several, each
                of which stores whole sources. None keeps the vectors in the folder.
            collection: Name of the Chroma collection.
            language: Code such as `de` of `wikirank.index.languages.LANGUAGES`, for the stems and
                stop words of lexical search. None detects it from the first passages.

        Returns:
            The open index.

        Raises:
            InvalidArgumentError: If the language is not known.
            IndexStorageError: If the folder or the collection is not empty.
            IndexConnectionError: If a Chroma server does not answer.
        """
        from wikirank._version import __version__  # Not needed to search.
        from wikirank.passages.splitters import SentenceSplitter

        check_language(language)
        is_temporary = path is None
        folder = Path(tempfile.mkdtemp(prefix="wikirank-") if path is None else path).absolute()
        embedder = embedder or load_embedder()
        meta = {
            "format": FORMAT,
            "wikirank_version": __version__,
            "embedder": embedder.model_id,
            "embedder_recipe": getattr(embedder, "recipe", None),
            "splitter": (splitter or SentenceSplitter()).describe(),
            "chroma_url": as_setting(chroma_url),
            "collection": collection,
            "language": language,
            "reranker": None,
        }
        store, dense = create_parts(folder, meta)
        index = cls(folder, store, dense, embedder)
        if is_temporary:
            index._bound_to = "in a temporary folder, which is deleted with this process"
            weakref.finalize(index, delete_temporary, folder, store, dense, os.getpid())
        return index

    @classmethod
    def open(cls, path: Path | str, *, embedder: Embedder | None = None) -> WikiIndex:
        """Open an existing index.

        Args:
            path: Folder of the index.
            embedder: The model that made the index's vectors. None loads the recorded one, which
                must still be available.

        Returns:
            The open index.

        Raises:
            IndexNotFoundError: If there is no index in the folder.
            IndexMismatchError: If the index was made with another model or format.
            IndexConnectionError: If its Chroma server does not answer.
        """
        folder = Path(path).absolute()
        return cls(folder, *open_parts(folder, embedder))

    @classmethod
    def open_or_create(
        cls,
        path: Path | str,
        *,
        embedder: Embedder | None = None,
        splitter: Splitter | None = None,
        chroma_url: str | Sequence[str] | None = None,
        collection: str | None = None,
        language: str | None = None,
    ) -> WikiIndex:
        """Open the index in a folder, or create it.

        None as an argument means any setting of an existing index, or the default of `create`.

        Args:
            path: Folder of the index.
            embedder: See `create` and `open`.
            splitter: See `create`.
            chroma_url: See `create`.
            collection: See `create`.
            language: See `create`.

        Returns:
            The open index.

        Raises:
            IndexMismatchError: If an existing index was made with other settings.
        """
        if not is_index(Path(path)):
            return cls.create(
                path,
                embedder=embedder,
                splitter=splitter,
                chroma_url=chroma_url,
                collection=collection or DEFAULT_COLLECTION,
                language=language,
            )
        check_language(language)
        index = cls.open(path, embedder=embedder)
        expected = {
            "splitter": splitter.describe() if splitter else None,
            "chroma_url": as_setting(chroma_url),
            "collection": collection,
            "language": language,
        }
        try:
            refuse_other_settings(index.path, index._meta, expected)
        except IndexMismatchError:
            index.close()
            raise
        return index

    def sync(self) -> None:
        """See changes by other processes that a search would not notice, such as the language."""
        load_language(self.lexical, self.store)

    def refresh(self) -> int:
        """Read records that were changed in place; returns their number, 0 for an own index."""
        return 0

    def add_source(
        self,
        source: Source,
        *,
        on_progress: OnProgress | None = None,
        reread: bool = False,
        workers: IngestWorkers | None = None,
        wait: float = 0.0,
    ) -> IndexReport:
        """Add, replace and remove articles until the index matches a source.

        The call can be killed at any moment; the same call again continues where it stopped.

        Args:
            source: Articles to index, see `wikirank.open_source`.
            on_progress: Called with an `IndexProgress` after each batch.
            reread: Read the source even if its files have not changed since it was last read.
            workers: Processes that read, cut and embed, such as `wikirank.cluster.RayWorkers`; None
                uses this process. This process writes in any case.
            wait: Seconds to wait for another writer to finish.

        Returns:
            The changes, with numbers of articles and passages.

        Raises:
            CorpusError: If the source cannot be read; articles before the error are kept.
            EmptyCorpusError: If no article has text; the index is not changed.
            IndexLockedError: If another process or thread is writing to the index.
        """
        # Not needed to search.
        from wikirank.corpus.fingerprint import source_fingerprint
        from wikirank.index.ingest import Ingestion
        from wikirank.passages.splitters import splitter_from

        splitter = splitter_from(self._meta["splitter"])
        with self._open_writer(wait) as writer:
            is_named = getattr(source, "is_named", False)
            ledger = SourceLedger(self.store, source.name)
            ledger.register(source.location, may_move=is_named)
            fingerprint = source_fingerprint(source)
            if not reread and (report := ledger.last_report(fingerprint)):
                return report
            ingestion = Ingestion(self.store, writer, splitter, source, on_progress, workers)
            report = ingestion.run()
            ledger.record_report(fingerprint, report)
            writer.write_graph(_BACKLOG_AFTER_SOURCE)
            return report

    def add_passages(self, passages: Iterable[Passage], *, wait: float = 0.0) -> int:
        """Write passages directly; those with the same ids are replaced.

        One call with many passages is faster than many calls.

        Args:
            passages: Passages, each with its own id.
            wait: Seconds to wait for another writer to finish.

        Returns:
            The number of passages that were new or changed.

        Raises:
            InvalidArgumentError: If an id occurs twice or metadata cannot be stored as JSON.
            IndexLockedError: If another process or thread is writing to the index.
        """
        passages = list(passages)
        refuse_duplicates(passages)
        with self._open_writer(wait) as writer:
            written = writer.put_passages(passages)
            writer.write_graph(_BACKLOG_AFTER_PASSAGES)
        return written

    def remove_source(self, name: str, *, wait: float = 0.0) -> int:
        """Remove a source and all its articles.

        The call can be killed at any moment; the same call again continues where it stopped.

        Args:
            name: Name of the source, as listed by `info`.
            wait: Seconds to wait for another writer to finish.

        Returns:
            The number of articles removed.

        Raises:
            InvalidArgumentError: If there is no source with this name.
            IndexLockedError: If another process or thread is writing to the index.
        """
        with self._open_writer(wait) as writer:
            require_source(self.store, name)
            removed = writer.remove_source(name)
            writer.write_graph(_BACKLOG_AFTER_SOURCE)
        return removed

    def remove_passages(self, ids: Sequence[str]) -> int:
        """Remove passages of any source.

        Args:
            ids: Passage ids; unknown ones are ignored.

        Returns:
            The number of passages removed.

        Raises:
            IndexLockedError: If another process or thread is writing to the index.
        """
        with self._open_writer() as writer:
            return writer.remove_passages(list(dict.fromkeys(ids)))

    def _open_writer(self, wait: float = 0.0) -> IndexWriter:
        from wikirank.index.writer import IndexWriter  # Not needed to search.

        return IndexWriter(
            self.path, self.store, self.dense, self.lexical, self.embedder, wait=wait
        )

    def info(self) -> IndexInfo:
        """Return what the index contains and how it was made."""
        from wikirank.index.report import IndexInfo  # Not needed to search.

        self.sync()
        return IndexInfo.of(
            self.path,
            self.store,
            language=self.lexical.language or "",
            sources=article_counts(self.store),
            locations=locations(self.store),
        )

    @property
    def reranker(self) -> dict[str, str | None] | None:
        """The recorded arguments of `load_cross_encoder`; None for the bundled model."""
        recorded: dict[str, str | None] | None = self._meta.get("reranker")
        return recorded

    def record_reranker(self, model: str, revision: str | None = None) -> None:
        """Record the cross-encoder that reranks unless a search names another.

        Args:
            model: A folder or a hub id.
            revision: Commit, tag or branch, for a hub id only.
        """
        self.store.write_meta({"reranker": {"model": model, "revision": revision}})
        self._meta = self.store.read_meta()

    def close(self) -> None:
        """Close the vectors and the database."""
        self.dense.close()
        self.store.close()

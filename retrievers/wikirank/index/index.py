"""`WikiIndex`: the folder on disk that questions are asked of."""

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
from wikirank.index.bm25 import LexicalIndex, learn_language
from wikirank.index.languages import ENGLISH, check_language
from wikirank.index.ledger import SourceLedger, article_counts, locations, require_source
from wikirank.index.parts import create_parts, discard, open_parts
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
# Records that the search graph on disk may lack: whoever opens the index adds them first, 0.3 ms
# each. Who adds passages some hundreds at a time should not wait for the graph each time.
_BACKLOG = 100
_BACKLOG_BETWEEN = 1000


class WikiIndex(Closing):
    """Passages with their vectors and their words, in one folder.

    Made by `create`, `open`, `open_or_create` or `from_chroma`, not by itself. Safe to search
    from many threads; written to by one at a time. A context manager that closes it.
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
            remedy=self._remedy(path),
        )
        self._bound_to = ""

    def _remedy(self, path: Path) -> str | None:  # noqa: ARG002
        """How a damaged lexical index is made again; None where `wikirank verify` can."""
        return None

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The same index: a copy of a retriever searches what the original does."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the folder and the embedder; the index is opened again where it is loaded."""
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
        """Make a new, empty index.

        Args:
            path: Folder to make it in; None takes a temporary one that goes with the object.
            embedder: Model for the vectors; None takes the bundled one.
            splitter: How articles are cut; None takes sentences up to 500 characters.
            chroma_url: Address of a Chroma server, or of several, each of which gets whole sources;
                None keeps the vectors in the folder.
            collection: Name of the Chroma collection.
            language: Whose stems and stop words lexical search uses, a code such as `de` of
                `wikirank.index.languages.LANGUAGES`; None has the first passages tell it.

        Returns:
            The index, open.

        Raises:
            InvalidArgumentError: If the language is not known.
            IndexStorageError: If the folder or the collection holds anything already.
            IndexConnectionError: If the Chroma server does not answer.
        """
        from wikirank._version import __version__  # Neither is needed to search.
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
            index._bound_to = "in a temporary folder, which goes with this process"
            weakref.finalize(index, discard, folder, store, dense, os.getpid())
        return index

    @classmethod
    def open(cls, path: Path | str, *, embedder: Embedder | None = None) -> WikiIndex:
        """Open an index that is there.

        Args:
            path: The index's folder.
            embedder: Model for the queries' vectors, the one that made the index; None takes what
                the index recorded, which must be there still.

        Returns:
            The index, open.

        Raises:
            IndexNotFoundError: If there is no index in the folder.
            IndexMismatchError: If another model or another format made it.
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
        """Open the index in a folder, or make it there.

        Args:
            path: The index's folder.
            embedder: As in `create`.
            splitter: As in `create`; None takes what an index that is there was made with.
            chroma_url: Likewise.
            collection: Likewise.
            language: Likewise.

        Returns:
            The index, open.

        Raises:
            IndexMismatchError: If the index was made with other settings than these.
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
        """See what others changed since, as far as nothing else tells it."""
        learn_language(self.lexical, self.store)

    def refresh(self) -> int:
        """Read again what may have changed in place, of our own indexes nothing; says how much."""
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
        """Bring the index in line with a source: add, replace and remove its articles.

        Safe to kill at any moment; the same call again goes on where it stopped.

        Args:
            source: What to read.
            on_progress: Called after each batch.
            reread: Read the source even if its files are as they were when it was read last.
            workers: Who reads, cuts and embeds, such as `wikirank.cluster.RayWorkers`; None does
                it in this process. This process writes in any case.
            wait: How many seconds to wait for another writer to end.

        Returns:
            What changed.

        Raises:
            CorpusError: If the source cannot be read; articles before the fault are kept.
            EmptyCorpusError: If no article has text; the index stays as it was.
            IndexLockedError: If something else is writing to the index.
        """
        # Searching needs none of it.
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
            writer.write_graph(_BACKLOG)
            return report

    def add_passages(self, passages: Iterable[Passage], *, wait: float = 0.0) -> int:
        """Write ready-made passages, over those of the same ids; many at a time is quickest.

        Args:
            passages: The passages.
            wait: How many seconds to wait for another writer to end.

        Returns:
            How many were written.

        Raises:
            InvalidArgumentError: If an id occurs twice or metadata cannot be stored as JSON.
        """
        passages = list(passages)
        refuse_duplicates(passages)
        with self._open_writer(wait) as writer:
            written = writer.put_passages(passages)
            writer.write_graph(_BACKLOG_BETWEEN)
        return written

    def remove_source(self, name: str, *, wait: float = 0.0) -> int:
        """Take a source out of the index, with all its articles.

        Safe to kill at any moment; the same call again goes on where it stopped.

        Args:
            name: Name of the source, as `info` lists it.
            wait: How many seconds to wait for another writer to end.

        Returns:
            How many articles were removed.

        Raises:
            InvalidArgumentError: If there is no source of this name.
            IndexLockedError: If something else is writing to the index.
        """
        with self._open_writer(wait) as writer:
            require_source(self.store, name)
            removed = writer.remove_source(name)
            writer.write_graph(_BACKLOG)
        return removed

    def remove_passages(self, ids: Sequence[str]) -> int:
        """Remove passages, of whatever source; ids that the index does not have are passed over.

        Args:
            ids: The ids of the passages.

        Returns:
            How many were removed.

        Raises:
            IndexLockedError: If something else is writing to the index.
        """
        with self._open_writer() as writer:
            return writer.remove_passages(list(dict.fromkeys(ids)))

    def _open_writer(self, wait: float = 0.0) -> IndexWriter:
        from wikirank.index.writer import IndexWriter  # Not needed to search.

        return IndexWriter(
            self.path, self.store, self.dense, self.lexical, self.embedder, wait=wait
        )

    def info(self) -> IndexInfo:
        """What the index holds and how it was made."""
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
        """The arguments of `load_cross_encoder` that were recorded; None for the bundled one."""
        recorded: dict[str, str | None] | None = self._meta.get("reranker")
        return recorded

    def record_reranker(self, model: str, revision: str | None = None) -> None:
        """Record which cross-encoder reranks what is found here, unless a search names another.

        Args:
            model: A folder, or a hub id.
            revision: Of a hub id: the commit, tag or branch.
        """
        self.store.write_meta({"reranker": {"model": model, "revision": revision}})
        self._meta = self.store.read_meta()

    def close(self) -> None:
        """Give the index's files free."""
        self.dense.close()
        self.store.close()

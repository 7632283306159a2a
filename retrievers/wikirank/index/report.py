"""Reports: the progress and the result of a run, and the contents of an index."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from wikirank._util import counted
from wikirank.index.vectors.open import server_addresses

if TYPE_CHECKING:
    from pathlib import Path

    from wikirank.index.store import PassageStore

_MAX_NAMES = 10  # skipped pages named in a summary
_MAX_SHOWN = 3  # metadata keys named in a summary
_MAX_KEYS = 100


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """The progress of a run.

    Attributes:
        articles: Articles processed so far.
        total: Articles in the source; None if that is expensive to know.
        passages: Passages written so far.
    """

    articles: int
    total: int | None
    passages: int


OnProgress = Callable[[IndexProgress], None]


@dataclass(slots=True)
class IndexReport:
    """What one run over one source changed.

    Attributes:
        source: Name of the source.
        added: Number of new articles.
        changed: Number of articles whose passages were replaced.
        unchanged: Number of articles that the index had already.
        removed: Number of articles that are no longer in the source.
        without_text: Number of articles without text, which have no passages.
        passages_written: Number of passages embedded and written.
        passages_removed: Number of passages removed.
        seconds: Wall-clock time of the run.
        skipped: Number of pages that are not articles, by reason.
        passed_over: Names of skipped pages, each with the reason, if the source reports them.
        unfilterable: Metadata that no filter can use, such as keys that begin with `$`: the first
            article and the reason by key, for at most a hundred keys.
        was_read: False if the source was not read because its files had not changed.
    """

    source: str
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    without_text: int = 0
    passages_written: int = 0
    passages_removed: int = 0
    seconds: float = 0.0
    skipped: dict[str, int] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)
    unfilterable: dict[str, str] = field(default_factory=dict)
    was_read: bool = True

    @property
    def articles(self) -> int:
        """Number of articles in the source."""
        return self.added + self.changed + self.unchanged + self.without_text

    def summary(self) -> str:
        """Return the report as one line of text."""
        if not self.was_read:
            articles = counted(self.articles, "article")
            return f"unchanged since it was last read, {articles}; not read again"
        articles = (
            f"{counted(self.added, 'article')} added, {self.changed:,} changed, "
            f"{self.unchanged:,} unchanged, {self.removed:,} removed, "
            f"{self.without_text:,} without text"
        )
        passages = f"{counted(self.passages_written, 'passage')} written in {self.seconds:.1f} s"
        return "; ".join(
            part for part in (articles, passages, self._skipped(), self._unfilterable()) if part
        )

    def _skipped(self) -> str:
        """Describe the skipped pages, the most frequent reason first."""
        if not self.skipped:
            return ""
        reasons = sorted(self.skipped.items(), key=lambda reason: (-reason[1], reason[0]))
        counts = ", ".join(f"{pages} {reason}" for reason, pages in reasons)
        total = sum(self.skipped.values())
        return f"{counted(total, 'page')} skipped ({counts}){self._skipped_names()}"

    def _skipped_names(self) -> str:
        if not self.passed_over:
            return ""
        more = len(self.passed_over) - _MAX_NAMES
        names = ", ".join(self.passed_over[:_MAX_NAMES])
        return f": {names}{f' and {more} more' if more > 0 else ''}"

    def note_unfilterable(self, article: str, left_out: Mapping[str, str]) -> None:
        """Note metadata of an article that no filter can use, with the reasons by key."""
        for key, reason in left_out.items():
            if len(self.unfilterable) < _MAX_KEYS:
                self.unfilterable.setdefault(key, f"{article}: {reason}")

    def _unfilterable(self) -> str:
        if not self.unfilterable:
            return ""
        shown = list(self.unfilterable.items())[:_MAX_SHOWN]
        keys = ", ".join(f"{key!r} of {where}" for key, where in shown)
        more = ", …" if len(self.unfilterable) > _MAX_SHOWN else ""
        return f"metadata that no filter can use: {keys}{more}"

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {**asdict(self), "articles": self.articles}


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """The contents and settings of an index.

    Attributes:
        path: Folder of the index.
        passages: Number of passages.
        articles: Number of articles.
        sources: Number of articles by source name.
        embedder: Id of the model that made the vectors.
        reranker: Model that reranks unless a search names another; `bundled` for the default.
        language: Code of the language of lexical search; "" before the first passages.
        splitter: Kind and settings of the splitter.
        chroma: `embedded`, or the addresses of the Chroma servers.
        collection: Name of the Chroma collection.
        wikirank_version: Version that made the index.
        size_bytes: Size on disk, without the data on Chroma servers.
        filter_keys: Metadata keys that a filter can use.
        locations: Path or address by source name.
    """

    path: str
    passages: int
    articles: int
    sources: dict[str, int]
    embedder: str
    reranker: str
    language: str
    splitter: dict[str, Any]
    chroma: str
    collection: str
    wikirank_version: str
    size_bytes: int
    filter_keys: list[str] = field(default_factory=list)
    locations: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        path: Path,
        store: PassageStore,
        *,
        language: str,
        sources: dict[str, int],
        locations: dict[str, str],
    ) -> IndexInfo:
        """Collect the information from a folder and its store."""
        meta = store.read_meta()
        files = (file for file in path.rglob("*") if file.is_file())
        return cls(
            path=str(path),
            passages=store.count(),
            articles=sum(sources.values()),
            sources=sources,
            locations=locations,
            embedder=meta["embedder"],
            reranker=(meta.get("reranker") or {}).get("model") or "bundled",
            language=language,
            splitter=meta["splitter"],
            chroma=", ".join(server_addresses(meta["chroma_url"])) or "embedded",
            collection=meta["collection"],
            wikirank_version=meta["wikirank_version"],
            size_bytes=sum(file.stat().st_size for file in files),
            filter_keys=sorted(store.known_keys()),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the information as plain values, for JSON."""
        return asdict(self)

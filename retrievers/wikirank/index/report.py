"""What indexing did, what it is doing, and what an index holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from wikirank._util import counted
from wikirank.index.vectors.open import named_servers

if TYPE_CHECKING:
    from pathlib import Path

    from wikirank.index.store import PassageStore

_MOST_NAMED = 10  # pages that a summary names
_SHOWN = 3
_MOST_KEYS_NOTED = 100


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far a run is.

    Attributes:
        articles: Articles done.
        total: Articles in the source; None where it cannot tell cheaply.
        passages: Passages written.
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
        added: Articles that were new.
        changed: Articles whose passages were replaced.
        unchanged: Articles that were as the index had them.
        removed: Articles that the source no longer holds.
        without_text: Articles of the source that have no text, and so no passage.
        passages_written: Passages embedded and written.
        passages_removed: Passages that went.
        seconds: Wall-clock time of the run.
        skipped: Pages of the source that are no articles, by reason.
        passed_over: Names of what was skipped, each with the reason, where the source tells.
        unfilterable: Metadata that no filter can name, as of keys that begin with `$`: of each key
            the first article and the reason, at most a hundred.
        was_read: Whether the source was read; False if its files were as at its last reading.
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
        """Articles that the source holds."""
        return self.added + self.changed + self.unchanged + self.without_text

    def summary(self) -> str:
        """The report in one line, for a person."""
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
        """What was skipped and why, the most frequent reason first."""
        if not self.skipped:
            return ""
        reasons = sorted(self.skipped.items(), key=lambda reason: (-reason[1], reason[0]))
        each = ", ".join(f"{pages} {reason}" for reason, pages in reasons)
        total = sum(self.skipped.values())
        return f"{counted(total, 'page')} skipped ({each}){self._named()}"

    def _named(self) -> str:
        """The first of what was skipped, by name."""
        if not self.passed_over:
            return ""
        more = len(self.passed_over) - _MOST_NAMED
        names = ", ".join(self.passed_over[:_MOST_NAMED])
        return f": {names}{f' and {more} more' if more > 0 else ''}"

    def note_unfilterable(self, article: str, left_out: Mapping[str, str]) -> None:
        """Note metadata of an article that no filter can name, with the reasons by key."""
        for key, reason in left_out.items():
            if len(self.unfilterable) < _MOST_KEYS_NOTED:
                self.unfilterable.setdefault(key, f"{article}: {reason}")

    def _unfilterable(self) -> str:
        if not self.unfilterable:
            return ""
        shown = list(self.unfilterable.items())[:_SHOWN]
        each = ", ".join(f"{key!r} of {where}" for key, where in shown)
        more = ", …" if len(self.unfilterable) > _SHOWN else ""
        return f"metadata that no filter can name: {each}{more}"

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return {**asdict(self), "articles": self.articles}


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What an index holds and how it was made.

    Attributes:
        path: The index's folder.
        passages: Passages in it.
        articles: Articles in it.
        sources: Articles by name of source.
        embedder: Id of the model that made the vectors.
        reranker: Model that reranks unless a search names another.
        language: Whose stems and stop words lexical search uses; empty until there is text.
        splitter: How articles were cut.
        chroma: Where the vectors are: `embedded`, or the addresses of the servers.
        collection: Name of the Chroma collection.
        wikirank_version: Version that made the index.
        size_bytes: Size on disk, without a Chroma server's part.
        filter_keys: Metadata keys that a filter may name.
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
        """What the index in a folder holds, by its store and the store's description of it."""
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
            chroma=", ".join(named_servers(meta["chroma_url"])) or "embedded",
            collection=meta["collection"],
            wikirank_version=meta["wikirank_version"],
            size_bytes=sum(file.stat().st_size for file in files),
            filter_keys=sorted(store.known_keys()),
        )

    def as_dict(self) -> dict[str, Any]:
        """The information as plain values, for JSON."""
        return asdict(self)

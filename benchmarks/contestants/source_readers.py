"""What reads a wiki to passages: ours, and LangChain's loaders with its text splitters.

Both cut to at most 500 characters without overlap. Loaders are asked for one document at a time
where they can, which takes less memory than the `load()` of most tutorials.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from contestants.source_loaders import LOADERS, MAX_CHARS, Cut, Documents

Answer = Callable[[dict[str, Any]], dict[str, Any]]

OURS = "wikirank"
_AT_ONCE = 1000  # pieces that langchain-chroma is given at once


def load(name: str, folder: str, ours: Sequence[str]) -> Answer:
    """Get ready to read a source; what is needed is imported.

    Args:
        name: `wikirank`, or one of `LOADERS`.
        folder: Where to index what is read; must not be there. Empty to read only.
        ours: Folders of our packages, for the embedder, which both sides share.

    Returns:
        Reads the file or folder `path` to its end, and tells how many `articles` and `passages`
        it made of it.
    """
    warnings.simplefilter("ignore")
    sys.path.extend(path for path in ours if path not in sys.path)
    if name == OURS:
        return _our_index(folder) if folder else _our_reading()
    documents, cut = LOADERS[name]()
    return _their_index(folder, documents, cut) if folder else _their_reading(documents, cut)


def _our_reading() -> Answer:
    from wikirank.corpus import open_source
    from wikirank.passages.cut import article_passages
    from wikirank.passages.splitters import SentenceSplitter

    splitter = SentenceSplitter(max_chars=MAX_CHARS)

    def read(request: dict[str, Any]) -> dict[str, Any]:
        articles = passages = 0
        for article in open_source(request["path"]):
            articles += 1
            passages += len(
                article_passages(article, source="s", key=article.title, splitter=splitter)
            )
        return {"articles": articles, "passages": passages}

    return read


def _our_index(folder: str) -> Answer:
    from wikirank.corpus import open_source
    from wikirank.embed import load_embedder
    from wikirank.index import WikiIndex
    from wikirank.passages.splitters import SentenceSplitter

    load_embedder().embed_query("warm")
    index = WikiIndex.create(folder, splitter=SentenceSplitter(max_chars=MAX_CHARS))

    def read(request: dict[str, Any]) -> dict[str, Any]:
        with index:
            report = index.add_source(open_source(request["path"]))
        return {"articles": report.added, "passages": report.passages_written}

    return read


class _Pieces:
    """The pieces of all documents, one after the other, counted.

    Args:
        documents: Gives the documents of a path.
        cut: Cuts one.
    """

    def __init__(self, documents: Documents, cut: Cut) -> None:
        self.articles = self.passages = 0
        self._documents, self._cut = documents, cut

    def of(self, path: str) -> Iterator[Any]:
        """Read what lies at a path."""
        for document in self._documents(path):
            pieces = self._cut(document)
            self.articles += 1
            self.passages += len(pieces)
            yield from pieces

    def counts(self) -> dict[str, Any]:
        """How many there were."""
        return {"articles": self.articles, "passages": self.passages}


def _their_reading(documents: Documents, cut: Cut) -> Answer:
    def read(request: dict[str, Any]) -> dict[str, Any]:
        pieces = _Pieces(documents, cut)
        for _ in pieces.of(request["path"]):
            pass
        return pieces.counts()

    return read


def _their_index(folder: str, documents: Documents, cut: Cut) -> Answer:
    from langchain_chroma import Chroma

    from langchain_wikirank import WikiEmbeddings

    embeddings = WikiEmbeddings()
    embeddings.embed_query("warm")
    store = Chroma(embedding_function=embeddings, persist_directory=folder)

    def read(request: dict[str, Any]) -> dict[str, Any]:
        pieces = _Pieces(documents, cut)
        left = pieces.of(request["path"])
        while batch := list(islice(left, _AT_ONCE)):
            store.add_documents(batch)
        return pieces.counts()

    return read

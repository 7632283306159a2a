"""Readers that split a wiki into passages: ours, and LangChain's loaders with its text splitters.

Both split to at most 500 characters without overlap. Loaders yield one document at a time where
they can, which takes less memory than the `load()` of most tutorials.
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
_BATCH_SIZE = 1000  # pieces per call of langchain-chroma


def load(name: str, folder: str, ours: Sequence[str]) -> Answer:
    """Import what is needed to read a source, and return the reader.

    Args:
        name: `wikirank`, or a key of `LOADERS`.
        folder: Folder of the index to create, which must not exist; empty to read only.
        ours: Folders of our packages, because both sides use our embedder.

    Returns:
        A function that reads the file or folder `path` and counts its `articles` and `passages`.
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
    """Splits documents into pieces and counts both.

    Args:
        documents: Yields the documents at a path.
        cut: Splits a document.
    """

    def __init__(self, documents: Documents, cut: Cut) -> None:
        self.articles = self.passages = 0
        self._documents, self._cut = documents, cut

    def read(self, path: str) -> Iterator[Any]:
        """Yield the pieces of all documents at a path."""
        for document in self._documents(path):
            pieces = self._cut(document)
            self.articles += 1
            self.passages += len(pieces)
            yield from pieces

    def counts(self) -> dict[str, Any]:
        """Return the numbers of articles and passages so far."""
        return {"articles": self.articles, "passages": self.passages}


def _their_reading(documents: Documents, cut: Cut) -> Answer:
    def read(request: dict[str, Any]) -> dict[str, Any]:
        pieces = _Pieces(documents, cut)
        for _ in pieces.read(request["path"]):
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
        left = pieces.read(request["path"])
        while batch := list(islice(left, _BATCH_SIZE)):
            store.add_documents(batch)
        return pieces.counts()

    return read

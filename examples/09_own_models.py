"""Use your own embeddings and reranker instead of the bundled ones.

Run: python examples/09_own_models.py

The retriever works with any LangChain `Embeddings`, and with any document compressor as reranker,
such as `CohereRerank`, `VoyageAIRerank` or a chat model. The two classes here imitate those of a
provider, so that the example runs offline.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.embeddings import Embeddings

from langchain_wikirank import WikiRetriever

TEXTS = [
    "A lighthouse keeper trimmed the wicks and wound the clockwork of the lamp.",
    "The harbour pilot boards a ship at sea and steers it into port.",
    "A cooper makes barrels of oak staves, bent over a fire.",
]
QUESTION = "Who makes barrels?"


class HashedWords(Embeddings):
    """Imitates `OpenAIEmbeddings`: counts each word in one of 256 dimensions."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Embed a query."""
        vector = [0.0] * 256
        for word in text.lower().split():
            vector[hashlib.sha256(word.strip("?.,").encode()).digest()[0]] += 1.0
        return vector


class HostedRerank(BaseDocumentCompressor):
    """Imitates `CohereRerank`: returns the best documents with `relevance_score`."""

    top_n: int = 2

    def compress_documents(
        self,
        documents: Sequence[Document],
        query: str,
        callbacks: Callbacks | None = None,  # noqa: ARG002 - for compressors that run others
    ) -> list[Document]:
        """Score each document by the share of query words in it."""
        words = set(query.lower().strip("?").split())
        scored = [
            (len(words & set(document.page_content.lower().split())) / len(words), document)
            for document in documents
        ]
        best = sorted(scored, key=lambda pair: -pair[0])[: self.top_n]
        return [
            Document(d.page_content, metadata={**d.metadata, "relevance_score": score})
            for score, d in best
        ]


def main() -> None:
    """Index, search, add a document and delete it again."""
    retriever = WikiRetriever.from_texts(TEXTS, HashedWords(), reranker=HostedRerank(), k=1)
    show(retriever)
    added = retriever.add_documents([Document("Barrels: a robot makes barrels. Who makes it?")])
    show(retriever)
    retriever.delete(added)
    show(retriever)


def show(retriever: WikiRetriever) -> None:
    """Print the best passage and its score."""
    (document,) = retriever.invoke(QUESTION)
    print(f"{document.metadata['relevance_score']:.2f}  {document.page_content}")


if __name__ == "__main__":
    main()

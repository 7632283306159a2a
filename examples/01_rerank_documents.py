"""Rerank documents from any source by relevance.

Run: python examples/01_rerank_documents.py
"""

from __future__ import annotations

from langchain_core.documents import Document

from langchain_wikirank import WikiReranker

QUESTION = "Who wrote the first computer program?"
DOCUMENTS = [
    Document(
        "Sourdough bread is leavened by wild yeast and lactic acid bacteria.",
        metadata={"title": "Sourdough"},
    ),
    Document(
        "Canberra was chosen as the capital of Australia in 1908.",
        metadata={"title": "Canberra"},
    ),
    Document(
        "Ada Lovelace published in 1843 what is often called the first computer program, an "
        "algorithm for the Analytical Engine to compute Bernoulli numbers.",
        metadata={"title": "Ada Lovelace"},
    ),
    Document(
        "A violin has four strings, usually tuned in perfect fifths.",
        metadata={"title": "Violin"},
    ),
]


def main() -> None:
    """Print the three best documents with their scores."""
    reranker = WikiReranker(top_n=3)
    for document in reranker.compress_documents(DOCUMENTS, QUESTION):
        score = document.metadata["relevance_score"]
        print(f"{score:.3f}  {document.metadata['title']}: {document.page_content}")


if __name__ == "__main__":
    main()

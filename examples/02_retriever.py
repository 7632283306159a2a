"""Index a few passages and search them by meaning and by words, with citations.

Run: python examples/02_retriever.py

For a whole wiki, build the index once with `wikirank index SOURCE --into DIR` and open it with
`WikiRetriever.from_index(DIR)`.
"""

from __future__ import annotations

from langchain_core.documents import Document

from langchain_wikirank import WikiRetriever

WIKI = "https://en.wikipedia.org/wiki"
PASSAGES = [
    ("Tea", "", "Tea is a drink made by pouring hot water over leaves of Camellia sinensis."),
    ("Tea", "History", "Tea was first drunk in China, as a medicine, in the third century AD."),
    ("Coffee", "", "Coffee is a drink made from roasted and ground coffee beans."),
    ("Coffee", "History", "The earliest proof of coffee drinking is from 15th-century Yemen."),
    ("Cocoa", "Cultivation", "Cocoa trees grow near the equator; Ivory Coast grows the most."),
]


def main() -> None:
    """Ask two questions, the second one within one article only."""
    documents = [
        Document(
            page_content=text,
            metadata={"title": title, "section": section, "url": f"{WIKI}/{title}"},
        )
        for title, section, text in PASSAGES
    ]
    retriever = WikiRetriever.from_documents(documents, k=2)
    show(retriever.invoke("Where was the earliest coffee drinking?"))
    show(retriever.invoke("How is it made?", filter={"title": "Tea"}, k=1, rerank=True))


def show(documents: list[Document]) -> None:
    """Print rank, score, citation and text of each document."""
    for document in documents:
        metadata = document.metadata
        heading = " › ".join(part for part in (metadata["title"], metadata.get("section")) if part)
        score = metadata.get("relevance_score", metadata["fusion_score"])
        print(f"{metadata['rank']}. {score:.3f}  {heading}  {metadata['url']}")
        print(f"   {document.page_content}")
    print()


if __name__ == "__main__":
    main()

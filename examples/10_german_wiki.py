"""Search a German wiki by words, whatever their form.

Run: python examples/10_german_wiki.py

The bundled models read English. In another language, passages are found by words, with the stems
and stop words of that language, and the result has a note that says so. For models from the hub
that read a hundred languages, use `WikiRetriever.from_texts(texts, models="multilingual")` or
`wikirank index --models multilingual`; for only a reranker, `WikiReranker(model="multilingual")`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from langchain_wikirank import WikiRetriever
from wikirank.index import WikiIndex
from wikirank.passages.cut import article_passages
from wikirank.passages.splitters import SentenceSplitter
from wikirank.types import Article

ARTICLES = {
    "Elbphilharmonie": "Die Elbphilharmonie ist ein Konzerthaus in Hamburg. Sie wurde 2017 "
    "eröffnet und ist 110 Meter hoch.",
    "Zugspitze": "Die Zugspitze ist mit 2962 m ü. NHN der höchste Berg Deutschlands.",
    "Schlösser": "König Ludwig II. ließ die Schlösser Neuschwanstein und Linderhof bauen.",
}
QUESTIONS = ("Wie hoch ist das Konzerthaus in Hamburg?", "Welches Schloß ließ der König bauen?")


def main() -> None:
    """Index three articles and ask two questions."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        WikiIndex.create(Path(scratch) / "index") as index,
    ):
        for title, text in ARTICLES.items():
            article = Article(title, text)
            index.add_passages(
                article_passages(article, source="de", key=title, splitter=SentenceSplitter())
            )
        print(f"Language of the index: {index.info().language}")
        retriever = WikiRetriever(index=index, k=1)
        for question in QUESTIONS:
            result = retriever.search(question)
            passage = result.passages[0].passage
            print(f"{question}\n  {passage.title}: {passage.text}\n  ({result.note})")


if __name__ == "__main__":
    main()

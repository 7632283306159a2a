"""Index a folder of Markdown notes, change one note, update the index and search.

Run: python examples/07_own_corpus.py

The command `wikirank index notes --into my-index` does the same. Other sources are JSON lines,
Parquet files, MediaWiki dumps, live wikis and ZIM files.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from langchain_wikirank import WikiRetriever
from wikirank.corpus import open_source
from wikirank.index import WikiIndex

NOTES = {
    "deploy.md": "# Deploying\n\n## Rollback\n\nTo undo a release, run `ship back`. It takes two "
    "minutes and keeps the database as it is.\n\n## Windows\n\nReleases go out on Tuesdays.\n",
    "on-call.md": "# On call\n\nThe pager moves on every Monday at ten. Whoever holds it answers "
    "within fifteen minutes.\n",
    "coffee.md": "# Coffee machine\n\nIt is descaled on the first Friday of the month.\n",
}
QUESTION = "How do I get back to the release before?"


def main() -> None:
    """Index the notes, search them, and update the index after a change."""
    with tempfile.TemporaryDirectory() as scratch:
        notes = Path(scratch) / "notes"
        notes.mkdir()
        for name, text in NOTES.items():
            (notes / name).write_text(text, "utf-8")
        with WikiIndex.open_or_create(Path(scratch) / "index") as index:
            print(index.add_source(open_source(str(notes))).summary())
            retriever = WikiRetriever(index=index, k=1)
            show(retriever)
            changed = NOTES["deploy.md"].replace("`ship back`", "`ship undo --last`")
            (notes / "deploy.md").write_text(changed, "utf-8")
            # Only the changed note is indexed again.
            print(index.add_source(open_source(str(notes))).summary())
            show(retriever)


def show(retriever: WikiRetriever) -> None:
    """Print the best passage for the question."""
    (document,) = retriever.invoke(QUESTION)
    metadata = document.metadata
    print(f"{metadata['title']} › {metadata['section']}: {document.page_content}\n")


if __name__ == "__main__":
    main()

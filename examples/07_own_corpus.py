"""Index a folder of Markdown notes, change one, index again, and ask.

Run: python examples/07_own_corpus.py

The same on the command line: `wikirank index notes --into my-index`. Sources are JSON lines,
Parquet, and folders of text or Markdown.
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
    """Make an index of the notes, ask it, and bring it up to date after a change."""
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
            # Only the changed note is read into the index again.
            print(index.add_source(open_source(str(notes))).summary())
            show(retriever)


def show(retriever: WikiRetriever) -> None:
    """Print the best passage for the question."""
    (document,) = retriever.invoke(QUESTION)
    found = document.metadata
    print(f"{found['title']} › {found['section']}: {document.page_content}\n")


if __name__ == "__main__":
    main()

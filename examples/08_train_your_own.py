"""Train a cross-encoder for your own wiki, and rerank with it.

Run: python examples/08_train_your_own.py   (about half a minute; requires the extra [train])

No labels are needed: the queries are generated from the articles. These few articles only show how
it works. A useful model needs hundreds of articles, and minutes to hours. The command `wikirank
train --corpus my-wiki.jsonl.gz --base bundled --output my-model` does the same.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from langchain_core.documents import Document

from langchain_wikirank import WikiReranker
from wikirank.train.wiki.run import WikiOptions, train_wiki
from wikirank.types import Article

RIVERS = {
    "Ane": ("the northern moors", "salmon", 1204),
    "Brill": ("a lake in the hills", "pike", 1388),
    "Corve": ("two springs near Hallow", "trout", 1151),
    "Dunn": ("the glacier of Mount Ister", "grayling", 1476),
    "Esk": ("the peat bogs of Velm", "eels", 1290),
    "Fallow": ("a cave below the castle", "perch", 1533),
    "Gell": ("the western downs", "carp", 1602),
    "Hode": ("the forest of Arn", "roach", 1345),
}


def articles() -> list[Article]:
    """Return made-up articles on rivers."""
    return [
        Article(
            title=f"{name} (river)",
            text=f"The {name} is a river that rises in {source}. It reaches the sea after forty "
            f"miles of meadows and mills.\n== Fish ==\nThe {name} is known for its {fish}, which "
            f"anglers come to catch in spring.\n== Bridges ==\nThe oldest bridge over the {name} "
            f"was built of stone in the year {year} and still carries the road to the coast.",
        )
        for name, (source, fish, year) in RIVERS.items()
    ]


def main() -> None:
    """Train a model, then rerank the first lines of the articles with it."""
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "river-model"
        record = train_wiki(
            articles(),
            output,
            corpus_name="eight rivers",
            base="bundled",
            options=WikiOptions(training={"evaluations": 1}, model_id="example/rivers"),
            progress=False,
            report=print,
        )
        print(record.summary())
        print("Files:", ", ".join(sorted(path.name for path in output.iterdir())))
        reranker = WikiReranker(model=str(output / "onnx"), top_n=1)
        texts = [article.text.partition("\n")[0] for article in articles()]
        (best,) = reranker.compress_documents(
            [Document(page_content=text) for text in texts], "Which river comes from a glacier?"
        )
        print(f"{best.metadata['relevance_score']:.3f}  {best.page_content}")


if __name__ == "__main__":
    main()

"""Train the bundled cross-encoder on what `scripts/bundled_data.py` wrote, and bundle it.

Usage: python scripts/bundled_model.py DATA OUTPUT [--bundle]

The same command goes on where it was stopped; `--bundle` puts the finished model in the package.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bundled_combination import recombine

from wikirank.corpus import open_source
from wikirank.runtime.model_folder import bundled_model, read_model_folder, write_model_folder
from wikirank.train.run import MODEL_CARD, ONNX_FOLDER
from wikirank.train.wiki import read_pairs
from wikirank.train.wiki.groups import GroupOptions
from wikirank.train.wiki.run import WikiOptions, train_wiki

OPTIONS = WikiOptions(
    groups=GroupOptions(n_hard=2, n_same_article=1, n_random=1, most_made=6000),
    training={"evaluations": 10, "patience": 10},
    held_out_queries=600,
)


PROVENANCE = """
## Data

Queries with passages: parts of the training sets of SQuAD 1.1 (CC BY-SA 4.0; as sentences, some of
them joined again to paragraphs, and as paragraphs), TyDi QA (Apache-2.0), MLQA (CC BY-SA 3.0),
BoolQ (CC BY-SA 3.0), MultiSpanQA, QED (CC BY-SA 3.0) and SelQA (Apache-2.0), all over English
Wikipedia (CC BY-SA); queries made from the leads of 10,033 vital articles and from 250 articles on
computing. Kept out: the questions on 700 passages of TyDi QA and BoolQ, all of SQuAD dev, and the
first 200 articles on computing. No text of these is in this distribution.

The combination in `wikirank.json` is not the one above: it was fitted, by the same method, on
people's questions alone, all kept out of training: 256 search questions of TyDi QA and BoolQ and
150 questions about paragraphs (`scripts/bundled_combination.py` says why). Five-fold
cross-validation there, MRR@10 of BM25, dense, hybrid, cross-encoder, final order: search questions
0.598, 0.776, 0.701, 0.718, 0.775; the others 0.726, 0.723, 0.756, 0.805, 0.860. Least score of it
from which nine tenths of the candidates of those questions were right: 0.854; at least 0.002 had
99 % of the right ones, and the best candidate of each question.

Made by `scripts/bundled_data.py` and `scripts/bundled_model.py`. Licence: Apache License 2.0, see
`LICENSE`.
"""


def main() -> None:
    """Train, export, calibrate and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="what bundled_data.py wrote")
    parser.add_argument("output", type=Path, help="folder of the model")
    parser.add_argument("--bundle", action="store_true", help="put the model in the package")
    folders = parser.parse_args()
    record = train_wiki(
        open_source(str(folders.data / "corpus.jsonl.gz")),
        folders.output,
        corpus_name="leads of 10,033 vital articles and 250 articles on computing",
        pairs=list(read_pairs(folders.data / "pairs.jsonl.gz")),
        options=OPTIONS,
        report=print,
    )
    print(record.summary())  # noqa: T201
    print(recombine(folders.data, folders.output))  # noqa: T201
    if folders.bundle:
        bundle(folders.output)


def bundle(output: Path) -> None:
    """Replace the package's cross-encoder by that of a finished run."""
    target = bundled_model("cross-encoder")
    folder = read_model_folder(output / ONNX_FOLDER, kind="cross-encoder")
    card = (output / MODEL_CARD).read_text("utf-8")
    card = card.replace("---\n", "---\nlicense: apache-2.0\n", 1)
    licence = (target / "LICENSE").read_text("utf-8").partition("\n")[2]
    write_model_folder(
        target,
        folder.description,
        networks=folder.networks,
        tokenizer_json=folder.tokenizer.read_text("utf-8"),
        extra_files={
            MODEL_CARD: card + PROVENANCE,
            "LICENSE": f"{folder.description.model_id}, int8 ONNX\n{licence}",
        },
    )


if __name__ == "__main__":
    main()

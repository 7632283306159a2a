"""Train the bundled cross-encoder on what `scripts/bundled_data.py` wrote, and bundle it.

Usage: python scripts/bundled_model.py DATA OUTPUT [--bundle]

Trains three models in OUTPUT/runs and averages their weights. Mining negatives takes half an hour
for each. Training then takes minutes each on a GPU; on two cores 1.5, 3 and 3 hours. Run the same
command again to resume. `--bundle` copies the finished model into the package.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bundled_combination import recombine

from wikirank.corpus import open_source
from wikirank.rank.pair_pooling import load_torch_folder
from wikirank.runtime.model_folder import bundled_model, read_model_folder, write_model_folder
from wikirank.train.data import QuestionPair, read_pairs
from wikirank.train.data.groups import GroupOptions
from wikirank.train.data.prepare import WikiData, prepare_data
from wikirank.train.first_pass.run import PrefilterRecord, train_prefilter
from wikirank.train.fit.history import Fit
from wikirank.train.fit.model import average_weights
from wikirank.train.fit.run_folder import MODEL_CARD, ONNX_FOLDER
from wikirank.train.wiki.finish import DATA, WikiRun
from wikirank.train.wiki.record import WikiRecord
from wikirank.train.wiki.run import WikiOptions, train_wiki
from wikirank.types import Article

_HARD = GroupOptions(n_hard=4, n_same_article=1, n_random=1, most_made=6000)
_LARGE_STEPS = {"epochs": 2, "groups_per_step": 32, "learning_rate": 2e-4, "evaluations": 4}
RUNS = {
    "one-epoch": WikiOptions(
        groups=replace(_HARD, n_hard=2),
        training={"evaluations": 10, "patience": 10},
        held_out_queries=600,
    ),
    "two-epochs": WikiOptions(
        groups=_HARD,
        training={**_LARGE_STEPS, "patience": 99, "seed": 1},
        held_out_queries=600,
    ),
    "dropout": WikiOptions(
        groups=_HARD,
        training={**_LARGE_STEPS, "patience": 99, "seed": 2},
        dropout=0.1,
        held_out_queries=600,
    ),
}
"""Training options by name; the averaged model is measured on the data of the last."""
PREFILTER_GROUPS = replace(_HARD, n_hard=12, n_random=3)
"""Training groups of the prefilter, from the same split of articles and questions."""
PREFILTER_LISTS = 3000
"""Maximum number of dev lists that its drop margins are chosen on."""
CORPUS = "leads of 10,033 vital articles and 250 articles on computing"


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
0.598, 0.776, 0.701, 0.736, 0.779; the others 0.726, 0.723, 0.756, 0.818, 0.851. Least score of it
from which nine tenths of the candidates of those questions were right: 0.861; at least 0.002 had
99 % of the right ones, and the best candidate of each question.

The weights are the mean of three trainings (`RUNS`): the one that the model before this was, on two
cores, its weights dequantised from the int8 export; and two on an H100 in bf16, two minutes each,
which differ by seed and dropout. The training shown above is that of the last. MRR@10 of the
cross-encoder alone on dev lists at depth 30, search questions and others: the first 0.723 and
0.715, the last 0.726 and 0.718, the mean of the two on the H100 0.736 and 0.720, of all three 0.740
and 0.731.

The prefilter was trained after that, the other weights left as they were, in 16 minutes on two
cores of an AMD EPYC (Zen 4): on 28,866 groups of 16 negatives, which are 23,866 of the pairs and
5,000 made queries. Its word vectors began as 128 principal components of the cross-encoder's. When
it drops candidates was chosen on 2,685 dev lists, 1,397 of them of the pairs' questions; what that
costs, above, is of 600 test lists.

Made by `scripts/bundled_data.py` and `scripts/bundled_model.py`. Licence: Apache License 2.0, see
`LICENSE`.
"""


def main() -> None:
    """Train, export, calibrate and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="output folder of bundled_data.py")
    parser.add_argument("output", type=Path, help="folder of the model")
    parser.add_argument("--bundle", action="store_true", help="copy the model into the package")
    folders = parser.parse_args()
    articles = list(open_source(str(folders.data / "corpus.jsonl.gz")))
    pairs = list(read_pairs(folders.data / "pairs.jsonl.gz"))
    runs = {name: folders.output / "runs" / name for name in RUNS}
    for name, options in RUNS.items():
        train_wiki(
            articles, runs[name], corpus_name=CORPUS, pairs=pairs, options=options, report=print
        )
    record = finish_average(list(runs.values()), articles, pairs, folders.output)
    print(record.summary())  # noqa: T201
    print(recombine(folders.data, folders.output))  # noqa: T201
    print(add_prefilter(articles, pairs, folders.output).summary())  # noqa: T201
    if folders.bundle:
        bundle(folders.output)


def finish_average(
    runs: Sequence[Path], articles: list[Article], pairs: list[QuestionPair], output: Path
) -> WikiRecord:
    """Average finished runs; export, calibrate and measure on the data of the last one."""
    name, options = list(RUNS.items())[-1]
    last = WikiRecord.load(runs[-1])
    data = _prepare(articles, pairs, runs[-1] / DATA, options)
    shutil.copytree(runs[-1] / DATA, output / DATA, dirs_exist_ok=True)
    run = WikiRun(
        output, CORPUS, len(articles), data, last.base, options, last.settings, report=print
    )
    losses = [(epoch.step, epoch.loss) for epoch in last.epochs]
    fit = Fit(last.epochs, losses, last.seconds, resumed=last.resumed)
    print(f"Averaging {len(runs)} runs; the training shown is that of {name!r}.")  # noqa: T201
    return run.finish(
        average_weights([load_torch_folder(path, device="cpu") for path in runs]), fit
    )


def add_prefilter(
    articles: list[Article], pairs: list[QuestionPair], output: Path
) -> PrefilterRecord:
    """Mine many negatives a query and train the prefilter; each takes half an hour."""
    options = list(RUNS.values())[-1]
    data = output / "first-pass-data"
    options = replace(options, groups=PREFILTER_GROUPS, held_out_queries=PREFILTER_LISTS)
    _prepare(articles, pairs, data, options)
    return train_prefilter(output, data=data, report=print)


def _prepare(
    articles: list[Article], pairs: list[QuestionPair], folder: Path, options: WikiOptions
) -> WikiData:
    return prepare_data(
        articles,
        pairs,
        folder,
        seed=options.seed,
        options=options.groups,
        held_out_queries=options.held_out_queries,
        depth=options.depth,
    )


def bundle(output: Path) -> None:
    """Replace the package's cross-encoder with that of a finished run."""
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

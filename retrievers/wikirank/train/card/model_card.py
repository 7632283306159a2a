"""The model card of a trained cross-encoder, in the sections of the original's.

Every figure comes from the run's record; what was measured elsewhere is given as rows.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wikirank.train.card.data import MAX_LENGTH, WINDOW_CHARS
from wikirank.train.card.record import TrainingRecord
from wikirank.train.fit.history import markdown_table


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """One row of the table of natural questions.

    Attributes:
        dataset: What was asked, and of what.
        ranking: What was ranked how, such as "BM25" or "BM25, first 50 reranked".
        metrics: Metric name to value; the same names in every row.
    """

    dataset: str
    ranking: str
    metrics: Mapping[str, float]


def model_card(
    record: TrainingRecord, questions: Sequence[QuestionResult] = (), *, questions_note: str = ""
) -> str:
    """Write the model card.

    Args:
        record: Of the finished run.
        questions: Results on natural questions over passages that were not trained on.
        questions_note: How they were measured.

    Returns:
        Markdown with a YAML front matter.
    """
    sections = (
        _front_matter(record),
        _introduction(record),
        _model_details(record),
        _usage(),
        _evaluation(record),
        _natural_questions(questions, questions_note),
        _limits(),
        _training_data(record),
        _hyperparameters(record),
        _logs(record),
        _versions(record),
    )
    return "\n\n".join(section.strip("\n") for section in sections) + "\n"


def _front_matter(record: TrainingRecord) -> str:
    return f"""---
language: en
license: apache-2.0
library_name: sentence-transformers
pipeline_tag: text-ranking
base_model: {json.dumps(record.base["name"])}
tags:
- sentence-transformers
- cross-encoder
- reranker
- generated_from_trainer
- dataset_size:{record.data.n_train}
- loss:BinaryCrossEntropyLoss
---"""


def _introduction(record: TrainingRecord) -> str:
    return f"""# {record.model_id}

A cross-encoder for reranking wiki passages: it reads a query and a passage together and gives one
score, higher for a better match. It was trained with
[sentence-transformers](https://www.sbert.net) by the command
`wikirank train --recipe card`, which follows the model card of the original wiki reranker.

**{record.base["description"]}**"""


def _model_details(record: TrainingRecord) -> str:
    return f"""## Model Details

| | |
|---|---|
| Model type | Cross Encoder (BERT, one label) |
| Base model | {record.base["name"]} |
| Base revision | {record.base["revision"] or "a local folder"} |
| Classification head | {"new" if record.base["new_head"] else "the base model's"} |
| Maximum sequence length | {MAX_LENGTH} tokens, query and passage together |
| Output | one logit; `predict` and `rank` apply no activation; its sigmoid is the relevance |
| Input passages | plain text, without title or section |
| Language | English |
| ONNX, int8 | {record.onnx.bytes / 1e6:.1f} MB; Spearman {record.onnx.spearman:.4f} with the fp32 \
model on {record.onnx.n_pairs} held-out pairs |"""


def _usage() -> str:
    query, passages = "What is overfitting?", [
        "Overfitting is a model's close fit to its training data that fails on new data.",
        "A compiler translates a program from a source language to a target language.",
    ]  # fmt: skip
    return f"""## Usage

The folder that `wikirank train` writes is a sentence-transformers model:

```python
from sentence_transformers import CrossEncoder

model = CrossEncoder("path/to/folder")
query = {json.dumps(query)}
passages = [
    {json.dumps(passages[0])},
    {json.dumps(passages[1])},
]
scores = model.predict([(query, passage) for passage in passages])
ranks = model.rank(query, passages)
# [{{'corpus_id': ..., 'score': ...}}, {{'corpus_id': ..., 'score': ...}}]
```

Its `onnx` folder is the same model in int8, scored without torch:

```python
from wikirank.rank.load import load_cross_encoder
from wikirank.rank.score import score_passages

model = load_cross_encoder("path/to/folder/onnx")
logits = score_passages(model, query, passages)
relevance = model.calibration.relevance(logits)
```

The edition that comes with `langchain-wikirank` is that `onnx` folder, loaded by
`load_cross_encoder()`."""


def _evaluation(record: TrainingRecord) -> str:
    final = record.epochs[-1].metrics
    overlap = record.overlap
    names = list(next(iter(overlap.metrics.values())))
    rows = [[ranking, *map(_figure, row.values())] for ranking, row in overlap.metrics.items()]
    return f"""## Evaluation

### wiki-eval

`CrossEncoderRerankingEvaluator` at 10 on the {record.wiki_eval_queries} queries that have both a
positive and a negative passage among the {record.data.n_eval} held-out pairs, after the last epoch.

{markdown_table(["metric", "value"], [[name, _figure(value)] for name, value in final.items()])}

This proves little: a query is copied out of the passage that it must find, and the other passage
is a random one. Counting shared words finds it too. Below, {overlap.n_queries} held-out queries
have as candidates the ten held-out passages that share most words with them, in that order and
reranked. The evaluator's `always_rerank_positives`, on by default, puts a passage that word overlap
missed among the candidates; in the last row it is off, so that such a miss counts as not found.

{markdown_table(["ranking", *names], rows)}"""


def _natural_questions(questions: Sequence[QuestionResult], note: str) -> str:
    head = "### Natural questions\n\n"
    if not questions:
        return f"{head}Not measured in this run."
    names = list(questions[0].metrics)
    rows = [[row.dataset, row.ranking, *map(_figure, row.metrics.values())] for row in questions]
    return f"{head}{note}\n\n{markdown_table(['questions', 'ranking', *names], rows)}"


def _limits() -> str:
    return """## What it is not for

- Questions that people ask. It has only seen "What is" + a copy of the passage's own words, and
  random passages beside it: it has learned word overlap, and can rank worse than BM25 does.
  Compare both on your own questions before using it.
- Telling a passage that answers from one that is merely on the subject: no training pair asked it.
- Languages other than English, and decisions about people: nothing of the kind was tested.
- A threshold that means a probability: the sigmoid of a logit fits these artificial pairs only."""


def _training_data(record: TrainingRecord) -> str:
    data = record.data
    lengths = [
        [name, "string", str(size.min), f"{size.mean:.2f}", str(size.max)]
        for name, size in (("sentence_0", data.query_chars), ("sentence_1", data.passage_chars))
    ]
    samples = [
        [_cell(sample["query"]), _cell(sample["passage"]), f"{sample['label']:.1f}"]
        for sample in data.samples
    ]
    return f"""## Training Data

{data.n_train:,} pairs from {data.n_windows:,} windows of {WINDOW_CHARS} characters, drawn at
random from the {data.n_eligible:,} eligible ones in {data.n_articles:,} articles of the corpus
`{data.corpus}`.
`sentence_0` is the query, `sentence_1` the passage; the mean `label` is {data.mean_label:.4f}.
Each query is paired once with its own window (1.0) and once with a random other one (0.0).
The samples are text of the corpus; text of Wikipedia is under CC BY-SA 4.0.

Lengths in characters:

{markdown_table(["column", "type", "min", "mean", "max"], lengths)}

Samples:

{markdown_table(["sentence_0", "sentence_1", "label"], samples)}

Loss: `BinaryCrossEntropyLoss`, activation `Identity`, no `pos_weight`."""


def _hyperparameters(record: TrainingRecord) -> str:
    lines = "\n".join(f"- `{name}`: {value}" for name, value in record.hyperparameters.items())
    return f"## Training Hyperparameters\n\n{lines}"


def _logs(record: TrainingRecord) -> str:
    names = list(record.epochs[0].metrics)
    rows = [
        [f"{e.epoch:g}", str(e.step), _figure(e.loss), *(_figure(e.metrics[n]) for n in names)]
        for e in record.epochs
    ]
    stop = " It was taken up from a checkpoint; the time is the last session's." * record.resumed
    return f"""## Training Logs

{markdown_table(["epoch", "step", "training loss", *names], rows)}

Training and its evaluations took {record.seconds:.0f} seconds.{stop}"""


def _versions(record: TrainingRecord) -> str:
    lines = "\n".join(f"- {name}: {version}" for name, version in record.versions.items())
    return f"## Framework Versions\n\n{lines}"


def _figure(value: float) -> str:
    return f"{value:.4f}"


def _cell(text: str) -> str:
    """A text as one cell of a table."""
    escaped = html.escape(text, quote=False).replace("|", "\\|")
    return f"<code>{'<br>'.join(escaped.splitlines())}</code>"

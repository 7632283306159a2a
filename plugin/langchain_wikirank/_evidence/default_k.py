"""How many documents to ask a retriever for where a token budget bounds what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.retrievers import BaseRetriever

from langchain_wikirank._base_retriever import BaseWikiRetriever

# A passage of 500 characters has about 110 tokens, its citation 20 to 30 more.
_LEAST_TOKENS_A_PASSAGE = 100
_FEWEST = 5


def enough_for_budget(
    retriever: BaseRetriever, token_budget: int, settings: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A call's settings, with a `k` that leaves the choice to the budget where nobody chose one.

    As many passages as can fit are asked for and no more, so that the prefilter can spare the
    cross-encoder the hopeless ones. Of other retrievers nothing is known.

    Args:
        retriever: Any retriever.
        token_budget: Most tokens of what is shown.
        settings: The settings of the call.

    Returns:
        The settings, with `k` added for a retriever of ours whose own `k` was not set either.
    """
    overrides = dict(settings or {})
    if not isinstance(retriever, BaseWikiRetriever) or "k" in retriever.model_fields_set:
        return overrides
    if overrides.get("k") is None:
        fitting = max(_FEWEST, token_budget // _LEAST_TOKENS_A_PASSAGE)
        overrides["k"] = min(fitting, overrides.get("fetch_k") or retriever.fetch_k)
    return overrides

"""Choose `k` of a retriever for a token budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.retrievers import BaseRetriever

from langchain_wikirank._base_retriever import BaseWikiRetriever

# A passage of 500 characters has about 110 tokens, its citation 20 to 30 more.
_MIN_TOKENS_PER_PASSAGE = 100
_MIN_K = 5


def with_default_k(
    retriever: BaseRetriever, token_budget: int, settings: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Add a `k` for the token budget to the settings of a call, unless `k` is set.

    `k` is not larger than what can fit, so that the prefilter can drop hopeless passages before
    the cross-encoder. Other retrievers than ours may not have a `k`.

    Args:
        retriever: Any retriever.
        token_budget: Maximum number of tokens shown.
        settings: Settings of the call.

    Returns:
        The settings, with `k` if the retriever is one of ours and nobody set its `k`.
    """
    overrides = dict(settings or {})
    if not isinstance(retriever, BaseWikiRetriever) or "k" in retriever.model_fields_set:
        return overrides
    if overrides.get("k") is None:
        most_that_fit = max(_MIN_K, token_budget // _MIN_TOKENS_PER_PASSAGE)
        overrides["k"] = min(most_that_fit, overrides.get("fetch_k") or retriever.fetch_k)
    return overrides

"""How many documents to ask a retriever for where a token budget bounds what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.retrievers import BaseRetriever

from langchain_wikirank.retriever import WikiRetriever


def enough_for_budget(
    retriever: BaseRetriever, settings: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A call's settings, with a `k` that leaves the choice to the budget where nobody chose one.

    All that is reranked is taken, which costs no more time. Of other retrievers nothing is known.

    Args:
        retriever: Any retriever.
        settings: The settings of the call.

    Returns:
        The settings, with `k` added for a `WikiRetriever` whose own `k` was not set either.
    """
    given = dict(settings or {})
    if not isinstance(retriever, WikiRetriever) or "k" in retriever.model_fields_set:
        return given
    if given.get("k") is None:
        given["k"] = given.get("fetch_k") or retriever.fetch_k
    return given

"""The search tools that the benchmark compares, all on one index."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from langchain_chroma import Chroma
from langchain_core.callbacks import CallbackManager, Callbacks
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool, StructuredTool, create_retriever_tool
from pydantic import PrivateAttr
from tokenizers import Tokenizer

from langchain_wikirank import WikiEmbeddings, WikiRetriever, WikiToolkit
from langchain_wikirank._tracing import record_search
from wikirank.index.index import DEFAULT_COLLECTION, WikiIndex
from wikirank.index.vectors.server import embedded_client
from wikirank.runtime.model_folder import bundled_model, read_model_folder
from wikirank.runtime.tokens import load_tokenizer
from wikirank.search import SearchResult

DENSE = "create_retriever_tool, dense"
OURS = "WikiToolkit"
OURS_UNFILTERED = "WikiToolkit, min_score=None"
"""Never abstains, which shows what the thresholds cost and save."""
BY_DEFAULT = ("create_retriever_tool, dense, by default", "WikiToolkit, by default")
"""Tools with their default settings: four passages of any length, and our defaults."""
BUDGET_K = 50
"""Number of passages that a retriever tool fetches, enough to fill any of the budgets."""
DEFAULT_K = 4
"""Default number of passages of LangChain's `as_retriever()`."""

ToolMaker = Callable[[int], BaseTool]


class BundledTokens:
    """The tokenizer of the bundled embedder, which counts the tokens of every tool."""

    def __init__(self) -> None:
        folder = read_model_folder(bundled_model("embedder"), kind="embedder")
        self._tokenizer: Tokenizer = load_tokenizer(folder.tokenizer)

    def count(self, text: str) -> int:
        """Return the number of tokens in a text."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def cut(self, text: str, budget: int) -> str:
        """Return the first `budget` tokens of a text, or all of it."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return text if len(offsets) <= budget else text[: offsets[budget - 1][1]]


class RankingOnce(WikiRetriever):
    """Ranks each query once, because the budget of a tool does not change the ranking."""

    _results: dict[tuple[str, str], SearchResult] = PrivateAttr(default_factory=dict)

    def _search(
        self, query: str, overrides: Mapping[str, Any], callbacks: CallbackManager
    ) -> SearchResult:
        """Search like `WikiRetriever`, and cache the result."""
        key = query, repr(overrides)
        if key in self._results:
            record_search(self._results[key])
        else:
            self._results[key] = super()._search(query, overrides, callbacks)
        return self._results[key]


def tool_makers(
    index: WikiIndex, tokens: BundledTokens, kind: type[WikiRetriever] = WikiRetriever
) -> dict[str, ToolMaker]:
    """Return functions that make the tools for a budget in tokens.

    Args:
        index: The index to search, with its vectors in its own folder.
        tokens: Cuts the texts of tools that have no budget of their own.
        kind: Class of the retrievers that rerank.

    Returns:
        For each tool's name, a function that takes a budget and returns a new tool.
    """
    store = Chroma(
        collection_name=DEFAULT_COLLECTION,
        embedding_function=WikiEmbeddings(),
        client=embedded_client(index.path / "chroma"),
        create_collection_if_not_exists=False,
    )
    four = _retriever_tool(store.as_retriever(search_kwargs={"k": DEFAULT_K}))
    ranked = kind(index=index, k=BUDGET_K)
    bare: dict[str, BaseRetriever] = {
        DENSE: store.as_retriever(search_kwargs={"k": BUDGET_K}),
        "create_retriever_tool, BM25": _unranked(index, search_type="lexical"),
        "create_retriever_tool, hybrid": _unranked(index, search_type="hybrid"),
        "create_retriever_tool, WikiRetriever": ranked,
    }
    stock, ours = BY_DEFAULT
    return {
        stock: lambda _: four,
        ours: lambda _: _wiki_search(WikiToolkit(retriever=kind(index=index))),
        **{name: _cutting(retriever, tokens) for name, retriever in bare.items()},
        OURS: lambda budget: _wiki_search(
            WikiToolkit(retriever=ranked, token_budget=budget, count_tokens=tokens.count)
        ),
        OURS_UNFILTERED: lambda budget: _wiki_search(
            WikiToolkit(
                retriever=ranked, token_budget=budget, count_tokens=tokens.count, min_score=None
            )
        ),
    }


def _wiki_search(toolkit: WikiToolkit) -> BaseTool:
    return next(tool for tool in toolkit.get_tools() if tool.name == "wiki_search")


def _unranked(index: WikiIndex, **settings: Any) -> WikiRetriever:
    return WikiRetriever(index=index, rerank=False, k=BUDGET_K, **settings)


def _retriever_tool(retriever: BaseRetriever) -> StructuredTool:
    return create_retriever_tool(
        retriever, "wiki_search", "Search Wikipedia for passages that answer a question."
    )


def _cutting(retriever: BaseRetriever, tokens: BundledTokens) -> ToolMaker:
    """Return a maker of retriever tools whose text is cut at the budget, even within a passage."""
    tool = _retriever_tool(retriever)
    search = tool.func
    assert search is not None  # create_retriever_tool always gives one

    def make(budget: int) -> BaseTool:
        def within_budget(query: str, callbacks: Callbacks = None) -> str:
            return tokens.cut(search(query, callbacks=callbacks), budget)

        return StructuredTool(
            name=tool.name,
            description=tool.description,
            func=within_budget,
            args_schema=tool.args_schema,
        )

    return make

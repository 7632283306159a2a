"""Report the steps of a search to LangChain callbacks as child runs.

| run | inputs | outputs |
|---|---|---|
| `wikirank.retrieve` | `query`, `search_type`, `fetch_k`, `filter` | `count`, `top_scores`, `ms` |
| `wikirank.rerank` | `query`, `count`, `model` | `count`, `passing`, `top_scores`, `ms` |

`ms` has the milliseconds of each stage, `top_scores` the scores of the best five. `passing` is the
number of passages that reach the threshold, without those that the prefilter dropped. `count` is
the number of passages returned.

A retriever returns only documents. With `recorded_searches`, a tool gets the full results of its
search, including timings, while the retriever still runs as a traced child run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import AsyncCallbackManager, CallbackManager

if TYPE_CHECKING:
    from wikirank.search import SearchResult
    from wikirank.search.steps import SearchStep
    from wikirank.types import RankedPassage


_collected: ContextVar[list[SearchResult] | None] = ContextVar("searches", default=None)


@contextmanager
def recorded_searches() -> Iterator[list[SearchResult]]:
    """Collect the results of all searches that run in this context."""
    results: list[SearchResult] = []
    token = _collected.set(results)
    try:
        yield results
    finally:
        _collected.reset(token)


def record_search(result: SearchResult) -> None:
    """Add a result to the list of `recorded_searches`, which worker threads share by context."""
    results = _collected.get()
    if results is not None:
        results.append(result)


RERANK = "wikirank.rerank"
TOP = 5
"""Number of scores in the outputs of a run."""


@contextmanager
def child_run(
    callbacks: CallbackManager, name: str, inputs: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Report a block of code as a child run.

    Args:
        callbacks: The callback manager. Without handlers, nothing is reported.
        name: Name of the run.
        inputs: Inputs of the run.

    Yields:
        A dictionary to fill with the outputs of the run.
    """
    outputs: dict[str, Any] = {}
    if not callbacks.handlers:
        yield outputs
        return
    run = callbacks.on_chain_start(None, inputs, name=name)
    try:
        yield outputs
    except BaseException as err:
        run.on_chain_error(err)
        raise
    run.on_chain_end(outputs)


@asynccontextmanager
async def achild_run(
    callbacks: AsyncCallbackManager, name: str, inputs: dict[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    """Report a block of asynchronous code as a child run; see `child_run`."""
    outputs: dict[str, Any] = {}
    if not callbacks.handlers:
        yield outputs
        return
    run = await callbacks.on_chain_start(None, inputs, name=name)
    try:
        yield outputs
    except BaseException as err:
        await run.on_chain_error(err)
        raise
    await run.on_chain_end(outputs)


@contextmanager
def traced_step(callbacks: CallbackManager, step: SearchStep) -> Iterator[None]:
    """Report a step of a search as a child run, except `cut`, which only applies `k`."""
    if step.name == "cut":
        yield
        return
    with child_run(callbacks, f"wikirank.{step.name}", _inputs(step)) as outputs:
        yield
        outputs.update(_outputs(step))


@asynccontextmanager
async def atraced_step(callbacks: AsyncCallbackManager, step: SearchStep) -> AsyncIterator[None]:
    """Report a step to asynchronous callbacks; see `traced_step`."""
    if step.name == "cut":
        yield
        return
    async with achild_run(callbacks, f"wikirank.{step.name}", _inputs(step)) as outputs:
        yield
        outputs.update(_outputs(step))


def _inputs(step: SearchStep) -> dict[str, Any]:
    if step.retrieved:
        count = len(step.retrieved.candidates)
        return {"query": step.query, "count": count, "model": step.model}
    options = step.options
    inputs = {
        "query": step.query,
        "search_type": options.search_type,
        "fetch_k": max(options.k, options.fetch_k),
    }
    return {**inputs, "filter": dict(options.filter)} if options.filter else inputs


def _outputs(step: SearchStep) -> dict[str, Any]:
    if step.retrieved:
        result: SearchResult = step.outcome
        relevance = [passage.relevance_score for passage in result.passages]
        outputs = rerank_summary(len(relevance), result.passing, relevance)
    else:
        candidates = step.outcome.candidates
        scores = [_first_score(candidate) for candidate in candidates[:TOP]]
        outputs = {"count": len(candidates), "top_scores": scores}
    return {**outputs, "ms": step.timings}


def rerank_summary(count: int, passing: int, scores: Sequence[float | None]) -> dict[str, Any]:
    """Return the outputs of a `wikirank.rerank` run, without `ms`."""
    return {"count": count, "passing": passing, "top_scores": list(scores[:TOP])}


def _first_score(candidate: RankedPassage) -> float | None:
    """Return the score that first-stage retrieval sorted by."""
    scores = (candidate.fusion_score, candidate.dense_score, candidate.lexical_score)
    return next((score for score in scores if score is not None), None)

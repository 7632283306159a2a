"""The two steps of a search as child runs in LangChain's callbacks, where any are set.

| run | inputs | outputs |
|---|---|---|
| `wikirank.retrieve` | `query`, `search_type`, `fetch_k`, `filter` | `count`, `top_scores`, `ms` |
| `wikirank.rerank` | `query`, `count`, `model` | `count`, `passing`, `top_scores`, `ms` |

`ms` is milliseconds by stage; `top_scores` those of the best five, before or after reranking;
`passing` how many reached the threshold, those that the prefilter dropped not counted, and `count`
how many of these are returned.

A retriever returns documents only. `recorded_searches` lets a tool read the full results of its own
call, timings included, while the retriever still runs as a traced child run.
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


_record: ContextVar[list[SearchResult] | None] = ContextVar("searches", default=None)


@contextmanager
def recorded_searches() -> Iterator[list[SearchResult]]:
    """Collect the result of each search that runs in this context."""
    results: list[SearchResult] = []
    token = _record.set(results)
    try:
        yield results
    finally:
        _record.reset(token)


def record_search(result: SearchResult) -> None:
    """Hand a result to whoever collects; worker threads see the list through their context."""
    results = _record.get()
    if results is not None:
        results.append(result)


RERANK = "wikirank.rerank"
TOP = 5
"""How many scores a run shows."""


@contextmanager
def child_run(
    callbacks: CallbackManager, name: str, inputs: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Wrap work in a run of its own.

    Args:
        callbacks: Who is told; nobody if it holds no handlers.
        name: The run's name.
        inputs: What the work is given.

    Yields:
        A dictionary to fill with the run's outputs.
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
    """Wrap asynchronous work in a run of its own; see `child_run`.

    Args:
        callbacks: Who is told; nobody if it holds no handlers.
        name: The run's name.
        inputs: What the work is given.

    Yields:
        A dictionary to fill with the run's outputs.
    """
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
    """A step of a search as a child run, but for the mere cut of what is not reranked."""
    if step.name == "cut":
        yield
        return
    with child_run(callbacks, f"wikirank.{step.name}", _inputs(step)) as outputs:
        yield
        outputs.update(_outputs(step))


@asynccontextmanager
async def atraced_step(callbacks: AsyncCallbackManager, step: SearchStep) -> AsyncIterator[None]:
    """The same for asynchronous callbacks."""
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
    """The outputs of a `wikirank.rerank` run, its times apart."""
    return {"count": count, "passing": passing, "top_scores": list(scores[:TOP])}


def _first_score(candidate: RankedPassage) -> float | None:
    """What the first stage ordered by."""
    scores = (candidate.fusion_score, candidate.dense_score, candidate.lexical_score)
    return next((score for score in scores if score is not None), None)

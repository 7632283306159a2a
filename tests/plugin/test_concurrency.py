"""Many searches at once give what they give one by one, and leave the event loop free."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TypeVar

import pytest
from langchain_core.documents import Document

from langchain_wikirank import WikiEmbeddings, WikiReranker, WikiRetriever
from langchain_wikirank._executor import run_in_worker

T = TypeVar("T")
TICK = 0.002


@pytest.fixture(scope="module")
def one_by_one(lead_retriever: WikiRetriever, questions: list[str]) -> list[list[Document]]:
    """The expected results; also loads the models, whose first load is not measured here."""
    return [lead_retriever.invoke(question) for question in questions]


async def gathered(work: Sequence[Awaitable[T]]) -> tuple[list[T], float]:
    """Await all of it at once; also the longest time that the event loop did not get a turn."""
    longest, done = 0.0, False

    async def tick() -> None:
        nonlocal longest
        while not done:
            started = time.perf_counter()
            await asyncio.sleep(TICK)
            longest = max(longest, time.perf_counter() - started - TICK)

    ticker = asyncio.create_task(tick())
    results = await asyncio.gather(*work)
    done = True
    await ticker
    return list(results), longest


async def test_200_concurrent_searches(
    lead_retriever: WikiRetriever, questions: list[str], one_by_one: list[list[Document]]
) -> None:
    results, longest = await gathered([lead_retriever.ainvoke(q) for q in questions])
    assert len(results) == 200
    assert results == one_by_one
    assert longest < 0.050


def test_8_threads_of_200_searches(
    lead_retriever: WikiRetriever, questions: list[str], one_by_one: list[list[Document]]
) -> None:
    def ask(first: int) -> list[list[Document]]:
        turned = questions[first:] + questions[:first]
        return [lead_retriever.invoke(question) for question in turned]

    firsts = range(0, 200, 25)
    with ThreadPoolExecutor(8) as threads:
        for first, results in zip(firsts, threads.map(ask, firsts), strict=True):
            assert results == one_by_one[first:] + one_by_one[:first]


async def test_concurrent_reranking_and_embedding(
    reranker: WikiReranker, leads: list[Document], questions: list[str]
) -> None:
    expected = [reranker.compress_documents(leads[:4], question) for question in questions[:20]]
    work = [reranker.acompress_documents(leads[:4], question) for question in questions[:20]]
    results, longest = await gathered(work)
    assert results == expected
    assert longest < 0.050
    embeddings = WikiEmbeddings()
    vectors, longest = await gathered([embeddings.aembed_query(q) for q in questions[:50]])
    assert vectors == [embeddings.embed_query(question) for question in questions[:50]]
    assert longest < 0.050


async def test_worker_threads_see_the_callers_context_and_raise_its_errors() -> None:
    trace: ContextVar[str] = ContextVar("trace")
    trace.set("run 1")
    assert await run_in_worker(trace.get) == "run 1"
    with pytest.raises(ZeroDivisionError):
        await run_in_worker(divmod, 1, 0)

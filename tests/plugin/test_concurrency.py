"""Many searches at once give what they give one by one, and leave the event loop free.

What is measured is steady work: the models are loaded, and Python's collection of the garbage of
earlier tests is kept out, since it stops all threads of a process of this size for 100 ms.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TypeVar

import pytest
from langchain_core.documents import Document

from langchain_wikirank import WikiEmbeddings, WikiReranker, WikiRetriever
from langchain_wikirank._async import run_in_worker

T = TypeVar("T")
TICK = 0.002
LONGEST_BLOCK = 0.050


@pytest.fixture(scope="module")
def one_by_one(lead_retriever: WikiRetriever, questions: list[str]) -> list[list[Document]]:
    """The expected results; also loads the models, whose first load is not measured here."""
    return [lead_retriever.invoke(question) for question in questions]


@pytest.fixture
def _no_old_garbage() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


async def gathered(work: Sequence[Awaitable[T]]) -> tuple[list[T], float]:
    """Await all of it at once; also the longest time in seconds that the loop had no turn."""
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


async def expect(results: list[T], begin: Callable[[], Sequence[Awaitable[T]]]) -> None:
    """The work gives these results and leaves the loop free, in the best of three attempts.

    Another process may take the cores during one attempt; what blocks, blocks in each.
    """
    blocks = []
    for _ in range(3):
        found, longest = await gathered(begin())
        assert found == results
        blocks.append(longest)
        if longest < LONGEST_BLOCK:
            return
    pytest.fail(f"The event loop was blocked for {blocks} seconds in three attempts.")


@pytest.mark.usefixtures("_no_old_garbage")
async def test_200_concurrent_searches(
    lead_retriever: WikiRetriever, questions: list[str], one_by_one: list[list[Document]]
) -> None:
    assert len(questions) == 200
    await expect(one_by_one, lambda: [lead_retriever.ainvoke(q) for q in questions])


@pytest.mark.usefixtures("_no_old_garbage")
async def test_concurrent_reranking(
    reranker: WikiReranker, leads: list[Document], questions: list[str]
) -> None:
    expected = [reranker.compress_documents(leads[:4], q) for q in questions[:20]]
    await expect(
        expected, lambda: [reranker.acompress_documents(leads[:4], q) for q in questions[:20]]
    )


@pytest.mark.usefixtures("_no_old_garbage")
async def test_concurrent_embedding(questions: list[str]) -> None:
    embeddings = WikiEmbeddings()
    expected = [embeddings.embed_query(question) for question in questions[:50]]
    await expect(expected, lambda: [embeddings.aembed_query(q) for q in questions[:50]])


async def test_blocking_work_is_noticed() -> None:
    """The measurement itself: work in the event loop's own thread shows."""

    async def blocking() -> None:
        time.sleep(2 * LONGEST_BLOCK)

    _, longest = await gathered([asyncio.sleep(0.01), blocking()])
    assert longest > LONGEST_BLOCK


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


async def test_worker_threads_see_the_callers_context_and_raise_its_errors() -> None:
    trace: ContextVar[str] = ContextVar("trace")
    trace.set("run 1")
    assert await run_in_worker(trace.get) == "run 1"
    with pytest.raises(ZeroDivisionError):
        await run_in_worker(divmod, 1, 0)

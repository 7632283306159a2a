"""Concurrent searches give the same results as sequential ones and leave the event loop free.

Only steady work is measured: the models are loaded before, and garbage of earlier tests is frozen,
because collecting it stops all threads of a process of this size for 100 ms.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
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
    """Return the expected results; also load the models, so that their loading is not measured."""
    return [lead_retriever.invoke(question) for question in questions]


@pytest.fixture
def _no_old_garbage() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@dataclass(frozen=True)
class Pauses:
    """Longest pauses in seconds of the event loop and of a thread beside it."""

    loop: float
    thread: float

    @property
    def is_blocked(self) -> bool:
        """Whether the loop paused for longer than a busy machine explains."""
        return self.loop > max(LONGEST_BLOCK, 3 * self.thread)


async def begin_later(ticks: int, work: Awaitable[T]) -> T:
    await asyncio.sleep(ticks * TICK)
    return await work


async def gathered(work: Sequence[Awaitable[T]]) -> tuple[list[T], Pauses]:
    """Await all work concurrently; return the results and the longest pauses.

    The calls begin a tick apart. LangChain itself takes a quarter of a millisecond to begin a call,
    so 200 calls in one turn of the loop would look like one long pause.
    """
    in_loop, in_thread, done = 0.0, 0.0, threading.Event()

    async def tick() -> None:
        nonlocal in_loop
        while not done.is_set():
            started = time.perf_counter()
            await asyncio.sleep(TICK)
            in_loop = max(in_loop, time.perf_counter() - started - TICK)

    def tick_beside() -> None:
        nonlocal in_thread
        while not done.is_set():
            started = time.perf_counter()
            time.sleep(TICK)
            in_thread = max(in_thread, time.perf_counter() - started - TICK)

    beside = threading.Thread(target=tick_beside)
    beside.start()
    ticker = asyncio.create_task(tick())
    try:
        results = await asyncio.gather(*map(begin_later, count(), work))
    finally:
        done.set()
        await ticker
        beside.join()
    return list(results), Pauses(in_loop, in_thread)


async def expect(results: list[T], begin: Callable[[], Sequence[Awaitable[T]]]) -> None:
    """Check the results, and that the loop stays free in the best of five attempts.

    Other processes may take the cores. Then a thread that only waits pauses as well, and not in
    every attempt. Blocking code blocks in every attempt.
    """
    pauses = []
    for _ in range(5):
        found, longest = await gathered(begin())
        assert found == results
        pauses.append(longest)
        if not longest.is_blocked:
            return
    pytest.fail(f"The event loop was blocked in each attempt: {pauses}")


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
    """Test the measurement itself: work in the event loop's thread is detected."""

    async def blocking() -> None:
        time.sleep(20 * LONGEST_BLOCK)

    found = [(await gathered([asyncio.sleep(0.01), blocking()]))[1] for _ in range(3)]
    assert any(pauses.is_blocked for pauses in found)


def test_8_threads_of_25_searches(
    lead_retriever: WikiRetriever, questions: list[str], one_by_one: list[list[Document]]
) -> None:
    def ask(first: int) -> list[list[Document]]:
        return [lead_retriever.invoke(question) for question in questions[first : first + 25]]

    firsts = range(0, 160, 20)
    with ThreadPoolExecutor(8) as threads:
        for first, results in zip(firsts, threads.map(ask, firsts), strict=True):
            assert results == one_by_one[first : first + 25]


async def test_worker_threads_see_the_callers_context_and_raise_its_errors() -> None:
    trace: ContextVar[str] = ContextVar("trace")
    trace.set("run 1")
    assert await run_in_worker(trace.get) == "run 1"
    with pytest.raises(ZeroDivisionError):
        await run_in_worker(divmod, 1, 0)

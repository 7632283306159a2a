"""Questions of many clients at once, each in a thread, so that the event loop never waits."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fastapi import HTTPException

import wikirank
from wikirank.search import Searcher
from wikirank.serve.models import InfoResponse, SearchRequest, SearchResponse
from wikirank.types import RankedPassage

# The models share one pool with a thread a core; these threads mostly wait for it.
_SEARCHES_AT_ONCE = 8
_WORD = re.compile(r"[^\W_]+")

_Result = TypeVar("_Result")


class SearchService:
    """Answers the API's requests.

    Args:
        searcher: What to ask.
        example_queries: Queries that the page offers to begin with.
    """

    def __init__(self, searcher: Searcher, example_queries: Sequence[str] = ()) -> None:
        self._searcher = searcher
        self._example_queries = list(example_queries)
        self._threads = ThreadPoolExecutor(_SEARCHES_AT_ONCE, thread_name_prefix="wikirank-serve")

    async def info(self) -> InfoResponse:
        """What the index holds and what searches it."""
        return await self._in_thread(self._info)

    async def search(self, request: SearchRequest) -> SearchResponse:
        """Ask the index.

        Args:
            request: The question, and how to search.

        Returns:
            What was found.

        Raises:
            InvalidArgumentError: If the query is blank or the filter names an unknown key.
        """
        return await self._in_thread(lambda: self._search(request))

    def warm_up(self) -> None:
        """Load the models and search once, in the background."""
        request = SearchRequest(query="warm up", fetch_k=1)
        self._threads.submit(self._search, request)

    def close(self) -> None:
        """Wait for the searches that have begun; those that wait are dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except asyncio.CancelledError:
            # Ctrl-C, and the time to finish in is over: an answer, no stack trace in the log.
            raise HTTPException(503, "The server is shutting down.") from None

    def _info(self) -> InfoResponse:
        index = self._searcher.index
        return InfoResponse.of(
            index.info(),
            name=index.path.name,
            cross_encoder=self._searcher.cross_encoder.model_id,
            example_queries=self._example_queries,
            version=wikirank.__version__,
        )

    def _search(self, request: SearchRequest) -> SearchResponse:
        result = self._searcher.search(request.query, request.options())
        words = _words(result.candidates)
        matched = self._searcher.index.lexical.matching_words(request.query, words)
        return SearchResponse.of(result, sorted(matched))


def _words(candidates: Iterable[RankedPassage]) -> set[str]:
    return {word for one in candidates for word in _WORD.findall(one.passage.headed_text)}

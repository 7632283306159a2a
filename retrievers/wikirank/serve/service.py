"""The work behind the API: searches of an index, and documents that clients send."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request

from wikirank._version import __version__
from wikirank.rank import CrossEncoder
from wikirank.search import Searcher
from wikirank.search.pipeline import CandidateReranker
from wikirank.serve.metrics import Metrics
from wikirank.serve.models import InfoResponse, SearchRequest, SearchResponse
from wikirank.serve.queue import WorkQueue
from wikirank.serve.rerank import Reranking, rerank_texts


class SearchService:
    """Answers questions from an index, or from a wiki that has none.

    Args:
        searcher: What to ask.
        queue: Where to do it.
        metrics: Where to count it.
        example_queries: Queries that the page offers to begin with.
    """

    def __init__(
        self,
        searcher: CandidateReranker,
        queue: WorkQueue,
        metrics: Metrics,
        example_queries: Sequence[str] = (),
    ) -> None:
        self._searcher = searcher
        self._queue = queue
        self._metrics = metrics
        self._example_queries = list(example_queries)

    async def info(self, request: Request) -> InfoResponse:
        """What the index holds and what searches it; dropped where the client is gone."""
        return await self._queue.run(request, lambda _: self._info())

    async def search(self, request: Request, query: SearchRequest) -> SearchResponse:
        """Ask the index or the wiki.

        Args:
            request: The request; where its client is gone the work is dropped.
            query: The question, and how to search.

        Returns:
            What was found.

        Raises:
            InvalidArgumentError: If the query is blank or the filter names an unknown key.
        """
        return await self._queue.run(request, lambda _: self._search(query))

    def warm_up(self) -> None:
        """Load the models and search once, in the background."""
        self._queue.start(self._searcher.warm_up)

    def _info(self) -> InfoResponse:
        searcher = self._searcher
        return InfoResponse.of(
            searcher.index.info() if isinstance(searcher, Searcher) else None,
            name=searcher.place,
            cross_encoder=searcher.cross_encoder.model_id,
            example_queries=self._example_queries,
            version=__version__,
        )

    def _search(self, search: SearchRequest) -> SearchResponse:
        options = search.options()
        result = self._searcher.search(search.query, options, self._metrics.observe)
        matched = self._searcher.matching_words(search.query, result.candidates)
        return SearchResponse.of(result, sorted(matched), self._searcher.origin(options))


class RerankService:
    """Orders documents that clients send.

    Args:
        load: Gives the model.
        queue: Where to do it.
        metrics: Where to count it.
    """

    def __init__(
        self, load: Callable[[], CrossEncoder], queue: WorkQueue, metrics: Metrics
    ) -> None:
        self._load = load
        self._queue = queue
        self._metrics = metrics

    @property
    def model_id(self) -> str:
        """Id of the model."""
        return self._load().model_id

    async def rerank(
        self,
        request: Request,
        query: str,
        texts_for: Callable[[CrossEncoder], Sequence[str]],
        *,
        top_n: int | None,
        max_tokens: int | None,
    ) -> Reranking:
        """Order documents by how well each answers a query.

        Args:
            request: The request; where its client is gone the work is ended.
            query: The query.
            texts_for: Gives the documents as a model reads them.
            top_n: See `rerank_texts`.
            max_tokens: See `rerank_texts`.

        Returns:
            Their order and scores.
        """

        def work(check: Callable[[], None]) -> Reranking:
            model = self._load()
            texts = texts_for(model)
            return rerank_texts(
                model, query, texts, top_n=top_n, max_tokens=max_tokens, check=check
            )

        reranking = await self._queue.run(request, work)
        self._metrics.add_stages(reranking.timings)
        self._metrics.add_documents(len(reranking.order))
        return reranking

    def warm_up(self) -> None:
        """Load the model and score once, in the background."""
        self._queue.start(lambda: rerank_texts(self._load(), "warm up", ["warm up"]))

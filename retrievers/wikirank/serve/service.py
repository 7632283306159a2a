"""The services behind the API: searching, and reranking documents of clients."""

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
    """Searches an index or a live wiki.

    Args:
        searcher: Searcher of the index or wiki.
        queue: Queue that runs the searches.
        metrics: Metrics to add the searches to.
        example_queries: Queries that the page suggests.
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
        """Describe the index or wiki and its models."""
        return await self._queue.run(request, lambda _: self._info())

    async def search(self, request: Request, query: SearchRequest) -> SearchResponse:
        """Search the index or the wiki.

        Args:
            request: The HTTP request. The search is dropped if its client disconnects.
            query: The query and search settings.

        Returns:
            The results before and after reranking.

        Raises:
            InvalidArgumentError: If the query is blank or the filter uses an unknown key.
        """
        return await self._queue.run(request, lambda _: self._search(query))

    def warm_up(self) -> None:
        """Load the models and search once, in the background."""
        self._queue.start(self._searcher.warm_up)

    def _info(self) -> InfoResponse:
        searcher = self._searcher
        return InfoResponse.from_info(
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
        return SearchResponse.from_result(result, sorted(matched), self._searcher.origin(options))


class RerankService:
    """Reranks documents that clients send.

    Args:
        load: Returns the model; called for each request.
        queue: Queue that runs the requests.
        metrics: Metrics to add the requests to.
    """

    def __init__(
        self, load: Callable[[], CrossEncoder], queue: WorkQueue, metrics: Metrics
    ) -> None:
        self._load = load
        self._queue = queue
        self._metrics = metrics

    @property
    def model_id(self) -> str:
        """Id of the reranker."""
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
        """Order documents by how well they answer a query.

        Args:
            request: The HTTP request. The work ends if its client disconnects.
            query: The query.
            texts_for: Returns the documents as the model reads them.
            top_n: See `rerank_texts`.
            max_tokens: See `rerank_texts`.

        Returns:
            The order and scores of the documents.
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

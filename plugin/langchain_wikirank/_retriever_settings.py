"""What a retriever is set up with, and what one call may set otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypedDict

from langchain_core.retrievers import LangSmithRetrieverParams
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.types import SearchType


class SearchOverrides(TypedDict, total=False):
    """What one call may set otherwise than its retriever; None keeps the retriever's value."""

    k: int | None
    fetch_k: int | None
    search_type: SearchType | None
    rerank: bool | None
    score_threshold: float | None
    filter: Mapping[str, Any] | None
    neighbours: int | None


class WikiTracingParams(LangSmithRetrieverParams, total=False):
    """What tracers are told of a retriever run, in the run's metadata.

    Attributes:
        reranker_model: The reranker's `model`, where the search reranks.
    """

    reranker_model: str


def _opened(index: Any) -> Any:
    return WikiIndex.open(index) if isinstance(index, (str, Path)) else index


def require_question(query: object) -> None:
    """Refuse what a chain may pass in place of a question: a dict, a message, nothing."""
    if not isinstance(query, str):
        msg = (
            f"Expected the question as a string, got {type(query).__name__}. Take the string out "
            'first: itemgetter("question") | retriever, or message.text of a message.'
        )
        raise InvalidArgumentError(msg)


IndexField: TypeAlias = Annotated[
    WikiIndex,
    BeforeValidator(_opened),
    PlainSerializer(lambda index: str(index.path), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "description": "Folder of the index."}),
]

"""What a retriever is set up with, and what it tells tracers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeAlias

from langchain_core.retrievers import LangSmithRetrieverParams
from langchain_core.runnables import RunnableBinding
from pydantic import BaseModel, BeforeValidator, PlainSerializer, WithJsonSchema

from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex


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


def unbound(retriever: Any) -> Any:
    """The retriever within what `with_config` and `bind` make of one, with their settings.

    Args:
        retriever: Anything.

    Returns:
        A copy of the retriever with its name, tags, metadata and bound keywords; what is no binding
        as it is.

    Raises:
        InvalidArgumentError: If callbacks are bound, which a copy cannot hold.
    """
    if not isinstance(retriever, RunnableBinding):
        return retriever
    inner, config = unbound(retriever.bound), retriever.config
    if config.get("callbacks"):
        msg = "Expected a retriever without callbacks of its own, got some. Give them to the tools."
        raise InvalidArgumentError(msg)
    update = dict(retriever.kwargs)
    if tags := config.get("tags"):
        update["tags"] = [*(inner.tags or []), *tags]
    if metadata := config.get("metadata"):
        update["metadata"] = {**(inner.metadata or {}), **metadata}
    if name := config.get("run_name"):
        update["name"] = name
    return type(inner)(**{**_fields(inner), **update})


def _fields(model: BaseModel) -> dict[str, Any]:
    return {name: getattr(model, name) for name in model.model_fields_set}


IndexField: TypeAlias = Annotated[
    WikiIndex,
    BeforeValidator(_opened),
    PlainSerializer(lambda index: str(index.path), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "description": "Folder of the index."}),
]

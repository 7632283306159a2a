"""Field types and checks of the retrievers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeAlias

from langchain_core.retrievers import LangSmithRetrieverParams
from langchain_core.runnables import RunnableBinding
from pydantic import BaseModel, BeforeValidator, PlainSerializer, WithJsonSchema

from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex


class WikiTracingParams(LangSmithRetrieverParams, total=False):
    """Metadata of a retriever run for tracers.

    Attributes:
        reranker_model: The reranker's `model`; absent if the search does not rerank.
    """

    reranker_model: str


def _open_index(index: Any) -> Any:
    return WikiIndex.open(index) if isinstance(index, (str, Path)) else index


def check_question(query: object) -> None:
    """Raise if a chain passed a dict, a message or None instead of a question."""
    if not isinstance(query, str):
        msg = (
            f"Expected the question as a string, got {type(query).__name__}. Extract the string "
            'first, with itemgetter("question") | retriever, or message.text for a message.'
        )
        raise InvalidArgumentError(msg)


def unwrap_bindings(retriever: Any) -> Any:
    """Return the retriever inside a binding made by `with_config` or `bind`.

    Args:
        retriever: A binding, or any other object.

    Returns:
        A copy of the bound retriever with the name, tags, metadata and keyword arguments of the
        binding. Any other object is returned unchanged.

    Raises:
        InvalidArgumentError: If callbacks are bound, because the copy cannot hold them.
    """
    if not isinstance(retriever, RunnableBinding):
        return retriever
    inner, config = unwrap_bindings(retriever.bound), retriever.config
    if config.get("callbacks"):
        msg = "Expected a retriever without bound callbacks, got some. Pass them to the tools."
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
    BeforeValidator(_open_index),
    PlainSerializer(lambda index: str(index.path), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "description": "Folder of the index."}),
]

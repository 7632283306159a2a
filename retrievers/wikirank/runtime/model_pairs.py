"""Named pairs of an embedder and a reranker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from wikirank.errors import InvalidArgumentError

BUNDLED = "bundled"
MULTILINGUAL = "multilingual"


@dataclass(frozen=True)
class ModelPair:
    """An embedder and a reranker on the hub.

    Attributes:
        embedder: The embedder's hub id.
        embedder_revision: The embedder's commit.
        query_prompt: The embedder's prompt for queries.
        passage_prompt: The embedder's prompt for passages.
        reranker: The reranker's hub id.
        reranker_revision: The reranker's commit.
    """

    embedder: str
    embedder_revision: str
    query_prompt: str
    passage_prompt: str
    reranker: str
    reranker_revision: str


# Chosen among small models with int8 networks on the hub; docs/models.md says why.
MODEL_PAIRS: Mapping[str, ModelPair] = MappingProxyType(
    {
        MULTILINGUAL: ModelPair(
            embedder="intfloat/multilingual-e5-small",
            embedder_revision="614241f622f53c4eeff9890bdc4f31cfecc418b3",
            query_prompt="query: ",
            passage_prompt="passage: ",
            reranker="cross-encoder/mmarco-mMiniLMv2-L12-H384-v1",
            reranker_revision="1427fd652930e4ba29e8149678df786c240d8825",
        )
    }
)


def model_pair(name: str) -> ModelPair | None:
    """Return a pair of models by name.

    Args:
        name: "bundled" or "multilingual".

    Returns:
        The pair; None for the bundled models, which are not on the hub.

    Raises:
        InvalidArgumentError: If no pair has that name.
    """
    if name == BUNDLED:
        return None
    if name not in MODEL_PAIRS:
        msg = (
            f"Expected models to be one of {[BUNDLED, *MODEL_PAIRS]}, got {name!r}. Choose one, or "
            "name an embedder and a reranker separately."
        )
        raise InvalidArgumentError(msg)
    return MODEL_PAIRS[name]

"""Embedders and rerankers that go together, by one name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from wikirank.errors import InvalidArgumentError

BUNDLED = "bundled"
MULTILINGUAL = "multilingual"


@dataclass(frozen=True)
class ModelPair:
    """An embedder and a reranker of the hub.

    Attributes:
        embedder: The embedder's hub id.
        embedder_revision: Its commit.
        query_prompt: What it wants before a query.
        passage_prompt: What it wants before a passage.
        reranker: The reranker's hub id.
        reranker_revision: Its commit.
    """

    embedder: str
    embedder_revision: str
    query_prompt: str
    passage_prompt: str
    reranker: str
    reranker_revision: str


# Of the small ones that hold int8 networks on the hub; docs/models.md says why these.
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
    """The models of a name.

    Args:
        name: "bundled" or "multilingual".

    Returns:
        The pair; None for the bundled models, which are no models of the hub.

    Raises:
        InvalidArgumentError: If there are none of that name.
    """
    if name == BUNDLED:
        return None
    if name not in MODEL_PAIRS:
        msg = (
            f"Expected models of {[BUNDLED, *MODEL_PAIRS]}, got {name!r}. Take one of these, or "
            "name an embedder and a reranker each."
        )
        raise InvalidArgumentError(msg)
    return MODEL_PAIRS[name]

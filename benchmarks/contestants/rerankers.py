"""The rerankers that `rerank_speed.py` compares, all with the same weights.

Our rows with `interpolate=False` rank by the logit alone, as the others do.

A reranker takes a query and passages and returns the positions of the passages, best first. Imports
are local, because each process has only the packages of one reranker.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Rerank = Callable[[str, Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class Reranker:
    """One row of the table.

    Attributes:
        label: Its name in the table.
        weights: The form of the weights that it loads.
        environment: One of `contestants.environments`; None for ours.
        make: Function that loads it from the folder that `contestants.weights` wrote.
    """

    label: str
    weights: str
    environment: str | None
    make: Callable[[Path], Rerank]


def load(name: str, weights: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Load a reranker for `contestants.serve`.

    Args:
        name: One of `RERANKERS`.
        weights: Folder of the weights.

    Returns:
        A function from `query` and `passages` to `order`.
    """
    rerank = RERANKERS[name].make(Path(weights))
    return lambda request: {"order": rerank(request["query"], request["passages"])}


def _wikirank(top_n: int | None, *, interpolate: bool = False) -> Rerank:
    from langchain_core.documents import Document

    from langchain_wikirank import WikiReranker

    reranker = WikiReranker(top_n=top_n, interpolate=interpolate)
    reranker.load_model()

    def rerank(query: str, passages: Sequence[str]) -> list[int]:
        documents = [Document(text, metadata={"at": index}) for index, text in enumerate(passages)]
        return [found.metadata["at"] for found in reranker.compress_documents(documents, query)]

    return rerank


def _langchain(folder: Path, **model_kwargs: Any) -> Rerank:
    from langchain_classic.retrievers.document_compressors import CrossEncoderReranker
    from langchain_community.cross_encoders import HuggingFaceCrossEncoder
    from langchain_core.documents import Document

    model = HuggingFaceCrossEncoder(
        model_name=str(folder), model_kwargs={"device": "cpu", **model_kwargs}
    )

    def rerank(query: str, passages: Sequence[str]) -> list[int]:
        reranker = CrossEncoderReranker(model=model, top_n=len(passages))
        documents = [Document(text, metadata={"at": index}) for index, text in enumerate(passages)]
        return [found.metadata["at"] for found in reranker.compress_documents(documents, query)]

    return rerank


def _langchain_torch(weights: Path) -> Rerank:
    from contestants.pair_bert import register

    register()
    return _langchain(weights / "torch")


def _langchain_onnx(weights: Path, form: str) -> Rerank:
    file = {"file_name": "model.onnx", "provider": "CPUExecutionProvider", "export": False}
    return _langchain(weights / form, backend="onnx", model_kwargs=file)


def _sentence_transformers(weights: Path) -> Rerank:
    from sentence_transformers import CrossEncoder

    from contestants.pair_bert import register

    register()
    model = CrossEncoder(str(weights / "torch"), device="cpu")

    def rerank(query: str, passages: Sequence[str]) -> list[int]:
        ranked = model.rank(query, list(passages), show_progress_bar=False)
        return [int(found["corpus_id"]) for found in ranked]

    return rerank


def _rerankers(weights: Path) -> Rerank:
    import rerankers

    from contestants.pair_bert import register

    register()
    ranker = rerankers.Reranker(
        str(weights / "torch"), model_type="cross-encoder", device="cpu", verbose=0
    )

    def rerank(query: str, passages: Sequence[str]) -> list[int]:
        return [int(found.document.doc_id) for found in ranker.rank(query, list(passages)).results]

    return rerank


def _flashrank(weights: Path, form: str) -> Rerank:
    from flashrank import Ranker, RerankRequest
    from flashrank.Config import model_file_map

    # It only loads models that it knows by name, so ours lies in the folder of one.
    name = "ms-marco-MiniLM-L-12-v2"
    folder = weights / f"flashrank-{form}" / name
    shutil.copytree(weights / form, folder, dirs_exist_ok=True)
    shutil.copyfile(folder / "model.onnx", folder / model_file_map[name])
    ranker = Ranker(name, cache_dir=str(folder.parent), max_length=512, log_level="ERROR")

    def rerank(query: str, passages: Sequence[str]) -> list[int]:
        given = [{"id": index, "text": text} for index, text in enumerate(passages)]
        return [int(found["id"]) for found in ranker.rerank(RerankRequest(query, given))]

    return rerank


def _fastembed(weights: Path, form: str) -> Rerank:
    from fastembed.common.model_description import ModelSource
    from fastembed.rerank.cross_encoder import TextCrossEncoder
    from machine import usable_cores

    name = f"local/{form}"
    TextCrossEncoder.add_custom_model(name, sources=ModelSource(hf=name), model_file="model.onnx")
    model = TextCrossEncoder(
        name, specific_model_path=str(weights / form), threads=usable_cores(), cuda=False
    )

    def rerank(query: str, passages: Sequence[str]) -> list[int]:
        scores = list(model.rerank(query, passages))
        return sorted(range(len(scores)), key=scores.__getitem__, reverse=True)

    return rerank


STOCK = "langchain"
REFERENCE = "sentence-transformers"
_INT8, _FP32 = "onnx-int8", "onnx-fp32"
RERANKERS = {
    "wikirank-default": Reranker(
        "`WikiReranker()`: 5, by logit and cosine",
        "as shipped",
        None,
        lambda _: _wikirank(5, interpolate=True),
    ),
    "wikirank": Reranker("the logit alone: 10", "as shipped", None, lambda _: _wikirank(10)),
    "wikirank-5": Reranker("the logit alone: 5", "as shipped", None, lambda _: _wikirank(5)),
    "wikirank-all": Reranker("the logit alone: all", "as shipped", None, lambda _: _wikirank(None)),
    STOCK: Reranker(
        "LangChain `CrossEncoderReranker`, torch", "fp32", "langchain", _langchain_torch
    ),
    "langchain-onnx": Reranker(
        "LangChain `CrossEncoderReranker`, ONNX backend",
        "fp32",
        "onnx",
        lambda weights: _langchain_onnx(weights, _FP32),
    ),
    "langchain-onnx-int8": Reranker(
        "LangChain `CrossEncoderReranker`, ONNX backend",
        "int8",
        "onnx",
        lambda weights: _langchain_onnx(weights, _INT8),
    ),
    REFERENCE: Reranker(
        "sentence-transformers `rank`, torch", "fp32", "langchain", _sentence_transformers
    ),
    "rerankers": Reranker("rerankers, torch", "fp32", "rerankers", _rerankers),
    "flashrank": Reranker(
        "FlashRank", "fp32", "flashrank", lambda weights: _flashrank(weights, _FP32)
    ),
    "flashrank-int8": Reranker(
        "FlashRank", "int8", "flashrank", lambda weights: _flashrank(weights, _INT8)
    ),
    "fastembed": Reranker(
        "fastembed", "fp32", "fastembed", lambda weights: _fastembed(weights, _FP32)
    ),
    "fastembed-int8": Reranker(
        "fastembed", "int8", "fastembed", lambda weights: _fastembed(weights, _INT8)
    ),
}

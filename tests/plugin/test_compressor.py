"""`WikiReranker` beyond the standard tests: its scores, settings, headings and bad input."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import pytest
from city_texts import CAPITAL, CITIES
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document
from pydantic import ValidationError

from langchain_wikirank import WikiReranker
from langchain_wikirank._documents import scored_text
from wikirank.errors import InvalidArgumentError, ModelError, TextTooLongError, TruncationWarning
from wikirank.rank.score import score_passages


def test_scores_are_the_models_own(cities: list[Document]) -> None:
    reranker = WikiReranker(interpolate=False)
    model = reranker.load_model()
    for document in reranker.compress_documents(cities, CAPITAL):
        logit = document.metadata["rerank_logit"]
        calibration = model.calibration
        expected = 1 / (1 + math.exp(-(calibration.scale * logit + calibration.shift)))
        assert type(logit) is float
        assert document.metadata["relevance_score"] == pytest.approx(expected)


def test_the_model_reads_the_heading_if_it_was_trained_so(reranker: WikiReranker) -> None:
    model = reranker.load_model()
    text = "It was chosen as the capital of Australia in 1908."
    paths = ("History › Founding", ["History", "Founding"])
    for metadata in [{"title": "Canberra", "section": path} for path in paths]:
        document = Document(page_content=text, metadata=metadata)
        read = f"Canberra › History › Founding\n{text}" if model.prepend_heading else text
        found = reranker.compress_documents([document], CAPITAL)
        assert found[0].metadata["rerank_logit"] == score_passages(model, CAPITAL, [read])[0]


@pytest.mark.parametrize("metadata", [{}, {"title": None}, {"title": 7, "section": 3}])
def test_metadata_without_a_heading_is_no_obstacle(
    reranker: WikiReranker, metadata: dict[str, object]
) -> None:
    text = CITIES[0][2]
    found = reranker.compress_documents([Document(page_content=text, metadata=metadata)], CAPITAL)
    plain = reranker.compress_documents([Document(page_content=text)], CAPITAL)
    assert found[0].metadata["rerank_logit"] == plain[0].metadata["rerank_logit"]
    assert metadata.items() <= found[0].metadata.items()


@settings(max_examples=25, deadline=None)
@given(chosen=st.lists(st.sampled_from(CITIES), max_size=6), top_n=st.integers(1, 7))
def test_order_number_and_threshold(chosen: list[tuple[str, str, str]], top_n: int) -> None:
    documents = [Document(page_content=text, id=str(n)) for n, (_, _, text) in enumerate(chosen)]
    ranked = WikiReranker(top_n=None).compress_documents(documents, CAPITAL)
    scores = [document.metadata["relevance_score"] for document in ranked]
    assert scores == sorted(scores, reverse=True)
    assert {document.id for document in ranked} == {document.id for document in documents}
    exact = WikiReranker(top_n=top_n, cascade=False).compress_documents(documents, CAPITAL)
    assert exact == ranked[:top_n]
    by_cascade = WikiReranker(top_n=top_n).compress_documents(documents, CAPITAL)
    hopeful = [document for document in exact if document.metadata["relevance_score"] > 0.01]
    assert (
        by_cascade[: len(hopeful)] == hopeful
    )  # The prefilter guesses the order of the hopeless ones.
    for threshold in {document.metadata["relevance_score"] for document in ranked}:
        strict = WikiReranker(top_n=None, score_threshold=threshold)
        kept = [d for d in ranked if d.metadata["relevance_score"] >= threshold]
        assert strict.compress_documents(documents, CAPITAL) == kept


def test_pairs_are_scored_as_documents_are(cities: list[Document]) -> None:
    for reranker in (WikiReranker(top_n=None), WikiReranker(top_n=None, interpolate=False)):
        ranked = reranker.compress_documents(cities, CAPITAL)
        pairs = [(CAPITAL, scored_text(one, prepend_heading=True)) for one in ranked]
        scores = [document.metadata["relevance_score"] for document in ranked]
        assert reranker.score(pairs) == pytest.approx(scores, abs=1e-9)


def test_the_bundled_model_is_loaded_once() -> None:
    assert WikiReranker().load_model() is WikiReranker(top_n=1).load_model()


async def test_as_runnable(reranker: WikiReranker, cities: list[Document]) -> None:
    expected = reranker.compress_documents(cities, CAPITAL)
    step = reranker.as_runnable()
    assert step.invoke({"query": CAPITAL, "documents": cities}) == expected
    assert await step.ainvoke({"question": CAPITAL, "documents": cities}) == expected
    assert step.batch([{"query": CAPITAL, "documents": []}]) == [[]]
    with pytest.raises(InvalidArgumentError, match="got the keys"):
        step.invoke({"query": CAPITAL})
    with pytest.raises(InvalidArgumentError, match="got the keys"):
        step.invoke({"documents": cities})


@pytest.mark.parametrize("query", ["", "  \n"])
async def test_empty_query(reranker: WikiReranker, cities: list[Document], query: str) -> None:
    with pytest.raises(InvalidArgumentError):
        reranker.compress_documents(cities, query)
    with pytest.raises(InvalidArgumentError):
        await reranker.acompress_documents(cities, query)


@pytest.mark.parametrize(
    "wrong",
    [
        {"top_n": 0},
        {"score_threshold": -0.1},
        {"score_threshold": 1.1},
        {"batch_size": 0},
        {"max_length": 0},
        {"on_truncation": "ignore"},
        {"topn": 3},
    ],
)
def test_settings_out_of_range(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        WikiReranker(**wrong)


def test_missing_model(cities: list[Document], tmp_path: Path) -> None:
    reranker = WikiReranker(model=tmp_path / "none")
    with pytest.raises(ModelError):
        reranker.compress_documents(cities, CAPITAL)


def test_text_over_the_length() -> None:
    """The answer at the end of a long text counts, is cut off with a warning, or is refused."""
    long = Document(page_content="Bread is baked from dough. " * 200 + CITIES[0][2])
    windowed = WikiReranker().compress_documents([long], CAPITAL)[0]
    with pytest.warns(TruncationWarning):
        cut = WikiReranker(on_truncation="warn").compress_documents([long], CAPITAL)[0]
    assert windowed.metadata["rerank_logit"] > cut.metadata["rerank_logit"]
    with pytest.raises(TextTooLongError):
        WikiReranker(on_truncation="error").compress_documents([long], CAPITAL)


def test_short_texts_raise_no_warning(cities: list[Document]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        WikiReranker(on_truncation="warn").compress_documents(cities, CAPITAL)

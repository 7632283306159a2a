"""The standard tests for compressors, with ours and with langchain_classic's."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_classic.retrievers.document_compressors import CrossEncoderReranker
from langchain_core.cross_encoders import BaseCrossEncoder
from langchain_core.documents import BaseDocumentCompressor

from langchain_wikirank import WikiReranker
from langchain_wikirank.testing import CompressorStandardTests
from wikirank.rank.score import score_passages


class TestWikiReranker(CompressorStandardTests):
    @property
    def compressor_constructor(self) -> type[BaseDocumentCompressor]:
        return WikiReranker


class BundledCrossEncoder(BaseCrossEncoder):
    """Our cross-encoder behind the interface that langchain_classic's compressor takes."""

    def score(self, text_pairs: list[tuple[str, str]]) -> list[float]:
        model = WikiReranker().load_model()
        return [float(score_passages(model, query, [text])[0]) for query, text in text_pairs]


def fails(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.xfail(strict=True, reason=f"langchain_classic {reason}")


class TestLangchainClassicCrossEncoderReranker(CompressorStandardTests):
    """Tests that langchain_classic's fails are marked, so that each run checks the list."""

    @property
    def compressor_constructor(self) -> type[BaseDocumentCompressor]:
        return CrossEncoderReranker

    @property
    def compressor_constructor_params(self) -> dict[str, Any]:
        return {"model": BundledCrossEncoder()}

    @fails("returns the caller's own documents, not copies")
    def test_returns_copies(self, compressor: BaseDocumentCompressor) -> None:
        super().test_returns_copies(compressor)

    @fails("writes no score in the metadata")
    def test_scores_in_metadata(self, compressor: BaseDocumentCompressor) -> None:
        super().test_scores_in_metadata(compressor)

    @fails("writes no score in the metadata")
    def test_score_does_not_depend_on_the_others(self, compressor: BaseDocumentCompressor) -> None:
        super().test_score_does_not_depend_on_the_others(compressor)

    @fails("has no score threshold, and no scores to set one by")
    def test_score_threshold_is_inclusive(self) -> None:
        super().test_score_threshold_is_inclusive()

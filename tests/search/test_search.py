"""Search over the tiny wiki, with the real embedder, Chroma, BM25 and cross-encoder."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from wikirank.errors import InvalidArgumentError, TruncationWarning
from wikirank.index import WikiIndex
from wikirank.rank import load_cross_encoder, score_passages
from wikirank.search import Retrieved, Searcher, SearchOptions, SearchResult
from wikirank.search.neighbours import joined_text
from wikirank.search.steps import SearchStep
from wikirank.types import Passage

QUESTION = "Who was the architect of the Amber Lighthouse?"


@pytest.fixture(scope="module")
def searcher(tiny_index: WikiIndex) -> Searcher:
    return Searcher(tiny_index)


def titles(searcher: Searcher, query: str, **options: Any) -> list[str]:
    found = searcher.search(query, SearchOptions(**options))
    return [result.passage.title for result in found.passages]


@pytest.mark.parametrize("search_type", ["dense", "lexical", "hybrid"])
def test_each_first_stage_finds_the_article(searcher: Searcher, search_type: str) -> None:
    found = titles(searcher, "merge sort n log n", search_type=search_type, rerank=False, k=3)
    assert found[0] == "Sorting"


def test_scores_of_each_stage(searcher: Searcher) -> None:
    result = searcher.search(QUESTION, SearchOptions(k=4, fetch_k=8, rerank=True))
    scores = [r.relevance_score or 0 for r in result.passages]
    assert scores == sorted(scores, reverse=True)
    assert [r.rank for r in result.passages] == [1, 2, 3, 4]
    for ranked in result.passages:
        assert 0 <= (ranked.relevance_score or -1) <= 1
        assert -1 <= (ranked.dense_score if ranked.dense_score is not None else -2) <= 1
        assert 0 <= (-1 if ranked.lexical_score is None else ranked.lexical_score) <= 1
        assert result.candidates[ranked.rank_before - 1].passage == ranked.passage
    assert {
        "embed",
        "dense",
        "lexical",
        "fuse",
        "features",
        "rerank",
        "total",
    } == result.timings.keys()
    assert result.timings["total"] >= sum(result.timings.values()) / 2 - 1e-6


def test_scores_that_do_not_exist_are_none(searcher: Searcher) -> None:
    (dense,) = searcher.search(
        QUESTION, SearchOptions(k=1, search_type="dense", rerank=False)
    ).passages
    assert dense.dense_score is not None
    assert dense.lexical_score is dense.fusion_score is dense.rerank_logit is None
    assert dense.relevance_score is None


def test_threshold_is_inclusive(searcher: Searcher) -> None:
    everything = searcher.search(QUESTION, SearchOptions(k=10, rerank=True)).passages
    third = everything[2].relevance_score
    assert third is not None
    kept = searcher.search(
        QUESTION, SearchOptions(k=10, score_threshold=third, rerank=True)
    ).passages
    assert [r.passage.id for r in kept] == [r.passage.id for r in everything[:3]]


def test_k_beyond_fetch_k_and_beyond_the_index(searcher: Searcher) -> None:
    assert len(titles(searcher, QUESTION, k=20, fetch_k=5, rerank=False)) == 20
    assert len(titles(searcher, QUESTION, k=500, search_type="dense", rerank=False)) == 31


def test_filters_hold_in_both_indexes(searcher: Searcher) -> None:
    wanted = {"topic": "Biology", "year": {"$lt": 1770}}
    for search_type in ("dense", "lexical", "hybrid"):
        found = titles(
            searcher, "fish in the light", filter=wanted, search_type=search_type, k=20, rerank=True
        )
        assert set(found) == {"Herring"}
    assert titles(searcher, "light", filter={"section": "Light › Range"}, k=5) == [
        "Amber Lighthouse"
    ]
    assert titles(searcher, "light", filter={"topic": "Nonsense"}) == []


def test_unknown_filter_key_lists_the_known(searcher: Searcher) -> None:
    with pytest.raises(InvalidArgumentError, match="topic"):
        searcher.search("light", SearchOptions(filter={"colour": "red"}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "Expected k to be greater than or equal to 1, got 0"),
        ({"k": 2.5}, "Expected k to be a valid integer, got 2.5"),
        ({"k": True}, "Expected k to be a valid integer, got True"),
        ({"k": "5"}, "Expected k to be a valid integer, got '5'"),
        ({"kk": 5}, "Unknown search setting 'kk'. Settings: k, fetch_k"),
        ({"fetch_k": 0}, "fetch_k"),
        ({"neighbours": -1}, "neighbours"),
        ({"search_type": "magic"}, "to be 'dense', 'lexical' or 'hybrid', got 'magic'"),
        ({"score_threshold": 1.5, "rerank": True}, "score_threshold to be less than or equal to 1"),
        ({"score_threshold": 0.5, "rerank": False}, "Turn rerank on"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        SearchOptions(**options)


def test_options_are_values() -> None:
    options = SearchOptions(k=3, filter=MappingProxyType({"topic": "Light"}))
    assert pickle.loads(pickle.dumps(options)) == copy.deepcopy(options) == options
    assert options.with_changes(k=4) == SearchOptions(k=4, filter={"topic": "Light"})
    with pytest.raises(InvalidArgumentError, match="got -1"):
        options.with_changes(k=-1)
    with pytest.raises(ValueError, match="frozen"):
        options.k = 4  # type: ignore[misc]
    described = SearchOptions.model_json_schema()["properties"]
    assert all(setting["description"] for setting in described.values())


def test_an_observer_sees_the_steps(searcher: Searcher) -> None:
    seen: list[tuple[Any, ...]] = []

    @contextmanager
    def observe(step: SearchStep) -> Iterator[None]:
        seen.append((step.name, step.query, step.model))
        try:
            yield
        except InvalidArgumentError:
            seen.append(("failed", step.outcome))
            raise
        seen.append((type(step.outcome), set(step.timings)))

    model = searcher.cross_encoder.model_id
    searcher.search(QUESTION, SearchOptions(search_type="lexical", neighbours=1), observe)
    assert seen == [
        ("retrieve", QUESTION, ""),
        (Retrieved, {"lexical", "fuse", "total"}),
        ("rerank", QUESTION, model),
        (SearchResult, {"rerank", "neighbours"}),
    ]
    seen.clear()
    searcher.search(QUESTION, SearchOptions(rerank=False), observe)
    assert [one[0] for one in seen] == ["retrieve", Retrieved, "cut", SearchResult]
    seen.clear()
    with pytest.raises(InvalidArgumentError, match="empty"):
        searcher.search(" ", observer=observe)
    assert seen == [("retrieve", " ", ""), ("failed", None)]


@pytest.mark.parametrize("query", ["", "   \n"])
def test_empty_query(searcher: Searcher, query: str) -> None:
    with pytest.raises(InvalidArgumentError, match="query is empty"):
        searcher.search(query)


@pytest.mark.parametrize("query", ['"', "AND OR NOT", "title:Bread^2 +(", "???", "\x00", "漢字"])
def test_no_query_is_an_operator(searcher: Searcher, query: str) -> None:
    assert len(titles(searcher, query, k=2, rerank=False)) == 2


def test_query_over_the_window_is_reported(searcher: Searcher) -> None:
    with pytest.warns(TruncationWarning, match="query"):
        assert titles(searcher, "herring shoal " * 600, k=1, fetch_k=3, rerank=True) != []


def test_question_of_stop_words_only_still_finds(tiny_index: WikiIndex) -> None:
    assert tiny_index.lexical.search("what is it?", 3)
    assert tiny_index.lexical.search("zzzzz", 3) == []


def test_accents_and_endings_do_not_matter(tiny_index: WikiIndex) -> None:
    best = tiny_index.store.get([tiny_index.lexical.search("glâciers moraines", 1)[0][0]])
    assert {passage.title for passage in best.values()} == {"Glacier"}


def test_duplicates_are_dropped_before_scoring() -> None:
    index = WikiIndex.create()
    text = "The kettle whistles when the water in it boils and steam comes out of the spout."
    index.add_passages(
        [
            Passage(id="1", text=text, article="1"),
            Passage(id="2", text=text.replace(",", ""), article="2"),
            Passage(id="3", text="Tea is poured into cups.", article="3"),
        ]
    )
    result = Searcher(index).search("Why does a kettle whistle?", SearchOptions(k=5, rerank=True))
    assert sorted(r.passage.id for r in result.candidates) == ["1", "3"]
    index.close()


def test_neighbours_are_joined_in_reading_order() -> None:
    index = WikiIndex.create()
    sentences = [f"Step {n} of the long recipe is told here." for n in range(6)]
    index.add_passages(
        [
            Passage(
                id=str(n), text=text, article="R", number=n, section=("A",) if n < 4 else ("B",)
            )
            for n, text in enumerate(sentences)
        ]
    )
    options = SearchOptions(k=2, search_type="lexical", rerank=False, neighbours=1)
    first, *rest = Searcher(index).search("step 3 of the recipe", options).passages
    assert first.passage.id == "3"
    assert first.passage.text == " ".join(sentences[2:4])  # 4 is in another section
    shown = " ".join(r.passage.text for r in [first, *rest])
    assert all(shown.count(sentence) <= 1 for sentence in sentences)
    index.close()


def test_overlapping_and_cut_passages_join_without_a_seam() -> None:
    text = "One two three four five."
    cut = [
        Passage(id=str(a), text=text[a:b], start=a, end=b) for a, b in [(0, 9), (4, 15), (15, 24)]
    ]
    assert joined_text(cut) == text


def test_lexical_search_is_ordered_by_logit(searcher: Searcher) -> None:
    found = searcher.search(QUESTION, SearchOptions(k=31, search_type="lexical")).passages
    logits = [ranked.rerank_logit or 0 for ranked in found]
    assert len(logits) > 1
    assert logits == sorted(logits, reverse=True)
    expected = searcher.cross_encoder.calibration.relevance(logits)
    assert [ranked.relevance_score for ranked in found] == pytest.approx(expected)


def test_dense_search_is_ordered_by_logit_and_cosine(searcher: Searcher) -> None:
    found = searcher.search(QUESTION, SearchOptions(k=31, search_type="dense")).passages
    combination = searcher.cross_encoder.dense_combination
    assert combination is not None
    assert len(found) > 1
    scores = np.array(
        [
            combination.logit * (one.rerank_logit or 0)
            + combination.dense * (one.dense_score or 0)
            + combination.shift
            for one in found
        ]
    )
    assert scores.tolist() == sorted(scores, reverse=True)
    assert [one.relevance_score for one in found] == pytest.approx(1 / (1 + np.exp(-scores)))


def test_final_score_of_hybrid_search_is_the_models_combination(searcher: Searcher) -> None:
    result = searcher.search(QUESTION, SearchOptions(k=31))
    combination = searcher.cross_encoder.combination
    assert combination is not None
    in_turn = {ranked.passage.id: ranked for ranked in result.passages}
    ranked = [in_turn[candidate.passage.id] for candidate in result.candidates]
    scores = combination.scores(
        np.array([held.rerank_logit for held in ranked]),
        [held.dense_score for held in ranked],
        [held.lexical_score for held in ranked],
    )
    relevance = combination.relevance(scores)
    assert [held.relevance_score for held in ranked] == pytest.approx(relevance)
    assert [held.rank for held in ranked] == (1 + np.argsort(np.argsort(-scores))).tolist()


def test_every_logit_is_that_of_its_pair(searcher: Searcher) -> None:
    result = searcher.search(QUESTION, SearchOptions(k=31, rerank=True))
    alone = searcher.search(QUESTION, SearchOptions(k=31, fetch_k=31, rerank=True)).passages
    model = load_cross_encoder()
    for ranked in alone[:5]:
        text = ranked.passage.headed_text if model.prepend_heading else ranked.passage.text
        assert score_passages(model, QUESTION, [text])[0] == pytest.approx(
            ranked.rerank_logit, abs=1e-6
        )
    assert [r.passage.id for r in result.passages] == [r.passage.id for r in alone]


def test_a_score_depends_on_neither_the_filter_nor_the_number_of_candidates(
    searcher: Searcher,
) -> None:
    def scores(**options: Any) -> dict[str, float]:
        found = searcher.search(QUESTION, SearchOptions(k=50, cascade=False, **options))
        return {r.passage.id: r.relevance_score or 0.0 for r in found.passages}

    everything = scores(fetch_k=50)
    title = searcher.search(QUESTION, SearchOptions(k=1)).passages[0].passage.title
    for other in (scores(fetch_k=3), scores(filter={"title": title})):
        assert other
        assert other == pytest.approx({id_: everything[id_] for id_ in other}, abs=1e-5)


def test_pages_that_differ_in_a_number_are_kept_and_duplicates_counted() -> None:
    rules = "In {} whoever breaks a rule of the harbour pays a fine to the keeper of the light. "
    texts = [rules.format(year) * 3 for year in (2019, 2020, 2021)]
    passages = [
        Passage(id=str(at), text=text, title="Rules", article=str(at))
        for at, text in enumerate([*texts, texts[0]])
    ]
    with WikiIndex.create() as index:
        index.add_passages(passages)
        searcher = Searcher(index)
        found = searcher.search("harbour fine", SearchOptions(rerank=False))
        all_of_them = searcher.search(
            "harbour fine", SearchOptions(rerank=False, drop_duplicates=False)
        )
    assert sorted(r.passage.text for r in found.passages) == sorted(texts)
    assert (found.duplicates, all_of_them.duplicates) == (1, 0)
    assert len(all_of_them.passages) == 4

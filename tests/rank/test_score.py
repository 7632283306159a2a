"""Scores of passages of any length, with a real cross-encoder and its tokenizer."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wikirank.errors import InvalidArgumentError, TextTooLongError, TruncationWarning
from wikirank.rank import CrossEncoder, load_cross_encoder, score_passages
from wikirank.rank.score import cut_windows
from wikirank.runtime.model_folder import bundled_model
from wikirank.runtime.tokens import load_tokenizer

QUERY = "What do penguins eat?"  # 5 tokens
SHORT = "Penguins eat fish, squid and krill."
# 700 words of one token each: over 512 with any query.
LONG = " ".join(["red", "blue", "green", "music", "water", "stone", "light"] * 100)
TOKENIZER = load_tokenizer(bundled_model("embedder") / "tokenizer.json")


def logits(model: CrossEncoder, query: str, texts: list[str]) -> NDArray[np.float64]:
    """Return a model's logits of pairs that fit."""
    return model.logits([model.tokenizer.encode(query, text) for text in texts])


@pytest.fixture(scope="module")
def model(onnx_reranker: Path) -> CrossEncoder:
    return load_cross_encoder(onnx_reranker)


@pytest.fixture(scope="module")
def small(onnx_reranker: Path) -> CrossEncoder:
    """The same model with 32 tokens per pair: 3 special, at most 14 for the query."""
    return load_cross_encoder(onnx_reranker, max_length=32)


def test_short_passages_get_the_logits_of_the_model(model: CrossEncoder) -> None:
    texts = [SHORT, "Rome is in Italy.", ""]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score_passages(model, QUERY, texts)
    np.testing.assert_array_equal(scores, logits(model, QUERY, texts))
    assert scores.dtype == np.float64


def test_no_passages_give_no_scores(model: CrossEncoder) -> None:
    assert score_passages(model, QUERY, []).shape == (0,)


def test_a_long_passage_gets_the_best_of_its_windows(model: CrossEncoder) -> None:
    # 504 tokens, of which the second window repeats 126.
    words = LONG.split()
    windows = [" ".join(words[:504]), " ".join(words[378:])]
    scores = score_passages(model, QUERY, [SHORT, LONG, SHORT])
    short = logits(model, QUERY, [SHORT])[0]
    assert scores.tolist() == [short, logits(model, QUERY, windows).max(), short]


def test_warn_scores_the_first_window_and_says_so(model: CrossEncoder) -> None:
    with pytest.warns(TruncationWarning, match="1 of 2 passages exceed the 504 .* position 1"):
        scores = score_passages(model, QUERY, [SHORT, LONG], on_truncation="warn")
    first = " ".join(LONG.split()[:504])
    np.testing.assert_array_equal(scores, logits(model, QUERY, [SHORT, first]))


def test_error_cuts_nothing(model: CrossEncoder) -> None:
    with pytest.raises(TextTooLongError, match="first at position 1"):
        score_passages(model, QUERY, [SHORT, LONG], on_truncation="error")
    np.testing.assert_array_equal(
        score_passages(model, QUERY, [SHORT], on_truncation="error"), logits(model, QUERY, [SHORT])
    )


@pytest.mark.parametrize("mode", ["window", "warn"])
def test_a_query_over_half_the_length_is_cut_with_a_warning(small: CrossEncoder, mode: Any) -> None:
    long_query = "red blue green music water stone light " * 3  # 21 tokens, 14 may stay
    with pytest.warns(TruncationWarning, match="query has 21 tokens; the model reads 14"):
        scores = score_passages(small, long_query, ["stone"], on_truncation=mode)
    kept = "red blue green music water stone light " * 2
    np.testing.assert_array_equal(scores, logits(small, kept, ["stone"]))


def test_a_query_over_half_the_length_is_an_error_if_so_asked(small: CrossEncoder) -> None:
    with pytest.raises(TextTooLongError, match="query"):
        score_passages(small, "red " * 15, ["stone"], on_truncation="error")


def test_a_query_over_512_tokens_still_gets_a_score(model: CrossEncoder) -> None:
    with pytest.warns(TruncationWarning, match="reads 254"):
        assert np.isfinite(score_passages(model, "red " * 600, [SHORT])).all()


@pytest.mark.parametrize("query", ["", " \n"])
def test_a_blank_query_is_refused(model: CrossEncoder, query: str) -> None:
    with pytest.raises(InvalidArgumentError, match="query to hold text"):
        score_passages(model, query, [SHORT])


def test_what_is_not_text_is_refused(model: CrossEncoder) -> None:
    wrong: Any = [SHORT, None]
    with pytest.raises(InvalidArgumentError, match="passage 1 to be a string, got NoneType"):
        score_passages(model, QUERY, wrong)
    with pytest.raises(InvalidArgumentError, match="one string"):
        score_passages(model, QUERY, SHORT)
    with pytest.raises(InvalidArgumentError, match=r"passage 0 .*surrogate"):
        score_passages(model, QUERY, ["broken \udcff text"])


def test_an_unknown_mode_is_refused(model: CrossEncoder) -> None:
    mode: Any = "cut"
    with pytest.raises(InvalidArgumentError, match="'window', 'warn', 'error'"):
        score_passages(model, QUERY, [SHORT], on_truncation=mode)


def windows_of(text: str, room: int) -> list[list[str]]:
    """Return the tokens of each window."""
    return [
        window.tokens
        for window in cut_windows(TOKENIZER.encode(text, add_special_tokens=False), room)
    ]


def test_windows_repeat_a_quarter_of_the_room() -> None:
    # 20 words of one token each, 8 per window, 2 of them repeated.
    words = ["red", "blue", "green", "music", "water", "stone", "light", "house", "tree", "river"]
    both = words * 2
    assert windows_of(" ".join(both), 8) == [both[0:8], both[6:14], both[12:20]]


def test_a_word_that_is_cut_lies_whole_in_the_next_window() -> None:
    assert windows_of("red blue green music water stone light snowboarding tree", 8) == [
        ["red", "blue", "green", "music", "water", "stone", "light", "snow"],
        ["light", "snow", "##boarding", "tree"],
    ]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400), st.integers(min_value=1, max_value=64))
def test_windows_of_any_text_fit_and_lose_nothing(text: str, room: int) -> None:
    tokens = TOKENIZER.encode(text, add_special_tokens=False).tokens
    joined, *others = windows_of(text, room)
    assert len(joined) <= room
    repeated = room // 4
    for window in others:
        assert len(window) <= room
        assert joined[len(joined) - repeated :] == window[:repeated]
        joined = joined + window[repeated:]
    assert joined == tokens


HARBOUR = " ".join(f"In {1800 + n} the harbour had {n + 2} boats." for n in range(60))
ANSWER = "The first algorithm meant for a machine was written in 1843."


def test_every_window_of_a_long_passage_begins_with_its_heading() -> None:
    model = load_cross_encoder()
    question = "When was the algorithm of Ada Lovelace written?"
    headed = score_passages(model, question, [f"Ada Lovelace\n{HARBOUR} {ANSWER}"])[0]
    bare = score_passages(model, question, [f"{HARBOUR} {ANSWER}"])[0]
    other = score_passages(model, question, [f"Charles Dickens\n{HARBOUR} {ANSWER}"])[0]
    assert headed > bare
    assert headed > other


def test_text_of_another_article_behind_a_passage_changes_its_score_little() -> None:
    model = load_cross_encoder()
    question = "When was the first algorithm for a machine written?"
    right = f"{ANSWER} Its author was Ada Lovelace, who translated a lecture on Babbage's engine."
    wrong = "A lighthouse is a tower with a lamp that guides ships at night and in fog."
    alone = score_passages(model, question, [right, wrong])
    doubled = score_passages(model, question, [f"{right} {HARBOUR}", f"{wrong} {HARBOUR}"])
    assert doubled[0] > doubled[1] + 5
    assert abs(doubled[0] - alone[0]) < 1


@pytest.mark.xfail(
    strict=True, reason="since the weights of 30 November; those before put it first by 1.5 logits"
)
def test_the_one_passage_of_many_alike_that_answers_comes_first() -> None:
    rest = "It reaches the sea after forty miles of meadows and mills."
    rivers = {
        "Ane": "the northern moors",
        "Brill": "a lake in the hills",
        "Corve": "two springs near Hallow",
        "Dunn": "the glacier of Mount Ister",
        "Esk": "the peat bogs of Velm",
        "Fallow": "a cave below the castle",
        "Gell": "the western downs",
        "Hode": "the forest of Arn",
    }
    texts = [f"The {name} is a river that rises in {at}. {rest}" for name, at in rivers.items()]
    logits = score_passages(load_cross_encoder(), "Which river comes from a glacier?", texts)
    right = list(rivers).index("Dunn")
    assert logits[right] > np.delete(logits, right).max() + 1

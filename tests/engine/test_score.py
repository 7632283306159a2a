"""Scores of passages of any length, with a real cross-encoder and its tokenizer."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from wikirank.errors import InvalidArgumentError, TextTooLongError, TruncationWarning
from wikirank.rank import CrossEncoder, load_cross_encoder, score_passages
from wikirank.rank.windows import count_tokens, cut_windows
from wikirank.runtime.model_folder import bundled_model
from wikirank.runtime.tokens import load_tokenizer

QUERY = "What do penguins eat?"  # 5 tokens
SHORT = "Penguins eat fish, squid and krill."
# 700 words of one token each: over 512 with any query.
LONG = " ".join(["red", "blue", "green", "music", "water", "stone", "light"] * 100)
TOKENIZER = load_tokenizer(bundled_model("embedder") / "tokenizer.json")


@pytest.fixture(scope="module")
def model(onnx_reranker: Path) -> CrossEncoder:
    return load_cross_encoder(onnx_reranker)


@pytest.fixture(scope="module")
def small(onnx_reranker: Path) -> CrossEncoder:
    """The same model, reading 32 tokens a pair: 3 special, 14 at most for the query."""
    return load_cross_encoder(onnx_reranker, max_length=32)


def test_short_passages_get_the_logits_of_the_model(model: CrossEncoder) -> None:
    texts = [SHORT, "Rome is in Italy.", ""]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score_passages(model, QUERY, texts)
    np.testing.assert_array_equal(scores, model.logits(QUERY, texts))
    assert scores.dtype == np.float64


def test_no_passages_give_no_scores(model: CrossEncoder) -> None:
    assert score_passages(model, QUERY, []).shape == (0,)


def test_a_long_passage_gets_the_best_of_its_windows(model: CrossEncoder) -> None:
    room = 512 - 3 - count_tokens(TOKENIZER, QUERY)
    windows = cut_windows(TOKENIZER, LONG, room)
    assert len(windows) == 2
    scores = score_passages(model, QUERY, [SHORT, LONG, SHORT])
    short = model.logits(QUERY, [SHORT])[0]
    assert scores.tolist() == [short, model.logits(QUERY, windows).max(), short]


def test_warn_scores_the_first_window_and_says_so(model: CrossEncoder) -> None:
    with pytest.warns(TruncationWarning, match="1 of 2 passages exceed the 504 .* position 1"):
        scores = score_passages(model, QUERY, [SHORT, LONG], on_truncation="warn")
    first = " ".join(LONG.split()[:504])
    np.testing.assert_array_equal(scores, model.logits(QUERY, [SHORT, first]))


def test_error_cuts_nothing(model: CrossEncoder) -> None:
    with pytest.raises(TextTooLongError, match="first at position 1"):
        score_passages(model, QUERY, [SHORT, LONG], on_truncation="error")
    np.testing.assert_array_equal(
        score_passages(model, QUERY, [SHORT], on_truncation="error"), model.logits(QUERY, [SHORT])
    )


@pytest.mark.parametrize("mode", ["window", "warn"])
def test_a_query_over_half_the_length_is_cut_with_a_warning(small: CrossEncoder, mode: Any) -> None:
    long_query = "red blue green music water stone light " * 3  # 21 tokens, 14 may stay
    with pytest.warns(TruncationWarning, match="query has 21 tokens; the model reads 14"):
        scores = score_passages(small, long_query, ["stone"], on_truncation=mode)
    kept = "red blue green music water stone light " * 2
    np.testing.assert_array_equal(scores, small.logits(kept.strip(), ["stone"]))


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


def test_windows_repeat_a_quarter_of_the_room() -> None:
    # 20 words of one token each, 8 a window, 2 of them repeated.
    words = ["red", "blue", "green", "music", "water", "stone", "light", "house", "tree", "river"]
    text = " ".join(words * 2)
    both = words * 2
    assert cut_windows(TOKENIZER, text, 8) == [
        " ".join(both[start:end]) for start, end in ((0, 8), (6, 14), (12, 20))
    ]


def test_windows_do_not_cut_words() -> None:
    # Two tokens, of which the first would still fit: the word is left to the next window whole.
    assert count_tokens(TOKENIZER, "snowboarding") == 2
    assert cut_windows(TOKENIZER, "red blue snowboarding", 3) == ["red blue", "snowboarding"]


def test_a_word_longer_than_the_room_is_cut() -> None:
    text = "supercalifragilisticexpialidocious"
    windows = cut_windows(TOKENIZER, text, 4)
    assert len(windows) > 1
    assert all(count_tokens(TOKENIZER, window) <= 4 for window in windows)
    assert_all_covered(text, windows)


def assert_all_covered(text: str, windows: list[str]) -> None:
    """Every letter of a text lies in a window, and the windows come in reading order."""
    reached = position = 0
    for window in windows:
        position = text.index(window, position)
        assert not text[reached:position].strip()
        reached = max(reached, position + len(window))
    assert not text[reached:].strip()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 10**12).map(str), min_size=1, max_size=60, unique=True),
    st.sampled_from([" ", ", ", "\n\n", "-"]),
    st.integers(min_value=7, max_value=40),
)
def test_windows_fit_and_lose_nothing(words: list[str], between: str, room: int) -> None:
    text = between.join(f"{position}x{word}" for position, word in enumerate(words))
    windows = cut_windows(TOKENIZER, text, room)
    assert all(count_tokens(TOKENIZER, window) <= room for window in windows)
    assert windows[0][:1] == text[:1]
    assert windows[-1][-1:] == text[-1:]
    for position, word in enumerate(words):
        whole = f"{position}x{word}"
        assert any(whole in window for window in windows) or fits_nowhere(TOKENIZER, whole, room)


def fits_nowhere(tokenizer: Tokenizer, word: str, room: int) -> bool:
    """Whether a word, which the tokenizer sees as one, has more tokens than a window."""
    return count_tokens(tokenizer, word) > room


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400), st.integers(min_value=7, max_value=64))
def test_windows_of_any_text_fit(text: str, room: int) -> None:
    windows = cut_windows(TOKENIZER, text, room)
    assert all(count_tokens(TOKENIZER, window) <= room for window in windows)
    assert all(window in text for window in windows)

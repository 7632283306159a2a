from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wikirank.passages.duplicates import without_duplicates

ADA = "Ada Lovelace was an English mathematician and writer, known for her work on the engine."


def test_exact_duplicates_keep_the_first() -> None:
    assert without_duplicates([ADA, "Something else.", ADA]) == [0, 1]


def test_case_and_punctuation_do_not_tell_texts_apart() -> None:
    assert without_duplicates([ADA, ADA.upper().replace(",", " –")]) == [0]


def test_similarity_by_hand() -> None:
    # 13 words make 10 shingles, 14 words make 11; 10 are common: Jaccard 10/11.
    words = [f"w{number}" for number in range(14)]
    texts = [" ".join(words[:13]), " ".join(words)]
    assert without_duplicates(texts, jaccard=0.90) == [0]
    assert without_duplicates(texts, jaccard=0.92) == [0, 1]


def test_short_and_wordless_texts() -> None:
    assert without_duplicates(["yes", "no", "yes", "…", "!", "…"]) == [0, 1, 3, 4]


@given(st.lists(st.text(max_size=60), max_size=12))
def test_first_of_each_kind_stays_and_a_second_pass_changes_nothing(texts: list[str]) -> None:
    kept = without_duplicates(texts)
    assert kept == sorted(set(kept))
    assert {texts[position] for position in kept} <= set(texts)
    assert not texts or kept[0] == 0
    survivors = [texts[position] for position in kept]
    assert without_duplicates(survivors) == list(range(len(survivors)))
